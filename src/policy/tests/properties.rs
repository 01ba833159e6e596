//! What holds for every signal.

use proptest::prelude::*;

use super::*;

fn any_facts() -> impl Strategy<Value = (usize, usize, usize)> {
    (0..100_usize, 0..100_usize, 0..100_usize)
}

fn any_reason() -> impl Strategy<Value = Reason> {
    proptest::sample::select(Reason::ALL.to_vec())
}

fn any_containment() -> impl Strategy<Value = Containment> {
    let kinds = proptest::sample::subsequence(GrantKind::ALL.to_vec(), 0..=GrantKind::ALL.len());
    let scopes = prop_oneof![
        4 => Just(Scope::Everything),
        1 => Just(Scope::AllSessions),
        1 => Just(Scope::Session("s".to_owned())),
        1 => Just(Scope::AccessToken("t".to_owned())),
        1 => Just(Scope::Leaked),
    ];
    let resets = proptest::sample::select(vec![PasswordReset::Never, PasswordReset::Own, PasswordReset::Always]);
    (
        kinds,
        scopes,
        resets,
        any::<(bool, bool)>(),
        proptest::option::of(3600..1_000_000_u64),
    )
        .prop_map(
            |(end, scope, reset_password, (block, disable_tokens), keep_out)| Containment {
                scope,
                end: end.into_iter().collect(),
                block,
                reset_password,
                disable_tokens,
                watch: vec![60, 3600],
                keep_out,
                leaked: None,
            },
        )
}

fn any_level() -> impl Strategy<Value = Level> {
    proptest::sample::select(Level::ALL.to_vec())
}

proptest! {
    #[test]
    fn lowering_never_demands_more(demanded in any_containment(), level in any_level(), other in any_level()) {
        let Some(lowered) = level.lowered(&demanded) else { return Ok(()) };
        prop_assert!(demanded.covers(&lowered), "{lowered:?}");
        prop_assert!(Level::of(&lowered) <= level, "{lowered:?}");
        // Once is enough, and what is lowered twice is what the lower of the two levels leaves.
        prop_assert_eq!(level.lowered(&lowered), Some(lowered.clone()));
        prop_assert_eq!(other.lowered(&lowered), other.min(level).lowered(&demanded));
    }

    #[test]
    fn a_decision_is_the_same_whether_somebody_listens_or_not(
        (delivery, departures, compromises) in any_facts(),
        reason in any_reason(),
        rehearses in any::<bool>(),
        level in any_level(),
    ) {
        let mode = if rehearses { Mode::Rehearse } else { Mode::Act };
        let rules = SourceRules { mode, highest: Some(level), ..SourceRules::default() };
        let policy = Policy { sources: BTreeMap::from([("feed".to_owned(), rules)]), ..policy() };
        let facts = Facts { delivery_departures: delivery, recent_departures: departures, recent_compromises: compromises, ..facts("feed") };
        let explained = policy.explain(&signal(reason), &facts);
        prop_assert_eq!(&explained.decision, &policy.decide(&signal(reason), &facts));
        prop_assert!(!explained.steps.is_empty());
        if let Decision::Act(work) = &explained.decision {
            prop_assert!(work.jobs.iter().all(|(_, demanded)| Level::of(demanded) <= level));
        }
    }

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
