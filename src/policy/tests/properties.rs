//! What holds for every signal.

use proptest::prelude::*;

use super::*;

fn any_facts() -> impl Strategy<Value = (usize, usize, usize)> {
    (0..100_usize, 0..100_usize, 0..100_usize)
}

fn any_reason() -> impl Strategy<Value = Reason> {
    proptest::sample::select(Reason::ALL.to_vec())
}

proptest! {
    #[test]
    fn compromised_and_departed_never_share_a_limit((delivery, departures, compromises) in any_facts(), other in any_facts()) {
        let decide = |reason, (delivery_departures, recent_departures, recent_compromises)| {
            let facts = Facts { delivery_departures, recent_departures, recent_compromises, ..facts("feed") };
            policy().decide(&signal(reason), &facts)
        };
        // What departures have used up makes no difference to a compromise, nor the reverse.
        prop_assert_eq!(
            decide(Reason::Compromised, (delivery, departures, compromises)),
            decide(Reason::Compromised, (other.0, other.1, compromises))
        );
        prop_assert_eq!(
            decide(Reason::Departed, (delivery, departures, compromises)),
            decide(Reason::Departed, (delivery, departures, other.2))
        );
    }

    #[test]
    fn no_source_acts_beyond_its_limits((delivery, departures, compromises) in any_facts(), reason in any_reason()) {
        let facts = Facts { delivery_departures: delivery, recent_departures: departures, recent_compromises: compromises, ..facts("feed") };
        if let Decision::Act(work) = policy().decide(&signal(reason), &facts) {
            prop_assert!(!work.jobs.is_empty());
            match Class::of(reason) {
                Some(Class::Departures) => prop_assert!(delivery <= 20 && departures < 20),
                Some(Class::Compromises) => prop_assert!(compromises < 5),
                None => {}
            }
        }
    }

    #[test]
    fn a_protected_subject_is_never_acted_on(
        reason in any_reason(),
        (delivery, departures, compromises) in any_facts(),
        source in "[a-z]{1,8}|inbox",
        upper in any::<bool>(),
    ) {
        let mut signal = signal(reason);
        let name = if upper { "username:BACKUP-BOT" } else { "break-glass@example.org" };
        signal.subject = name.parse().unwrap();
        let facts = Facts { delivery_departures: delivery, recent_departures: departures, recent_compromises: compromises, ..facts(&source) };
        prop_assert!(!matches!(policy().decide(&signal, &facts), Decision::Act(_)));
    }
}
