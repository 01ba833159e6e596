//! One person, one case: what joins a case, and what gets one of its own.

use std::time::Duration;

use proptest::prelude::*;
use revoked::model::{Actor, Evidence, Reason, Settlement, Subject, Timestamp, Verdict};
use revoked::store::ScopedName;

use super::{Place, case_of, place, signal};

const NAMES: [&str; 4] = [
    "alice@example.org",
    "iss_sub:https://idp.example.org#00u1",
    "employee_id:4711",
    "username:alice",
];

impl Place {
    async fn one_person(&self) {
        let names = NAMES.map(|text| ScopedName::from(text.parse::<Subject>().unwrap()));
        self.store.link(names.into(), false, Actor::Daemon).await.unwrap();
    }

    async fn case(&self, key: &str, subject: &str, reason: Reason) -> i64 {
        case_of(&self.accept_from(key, vec![signal(key, subject, reason)]).await.signals[0]).0
    }

    /// The only job that waits is contained, proved by an observation of now.
    async fn contain(&self) {
        let claim = self.claim().await;
        let evidence = Evidence {
            principal: Some("p".to_owned()),
            after_at: Some(self.clock.now()),
            ..Evidence::default()
        };
        let done = Settlement::Done(Verdict::Contained);
        self.store.settle(claim, vec![], evidence, done).await.unwrap();
    }

    /// The source of the reports has shown that its clock is right, by a report that came at once.
    async fn keeps_time(&self) {
        let mut quick = signal("quick", "username:somebody", Reason::Compromised);
        quick.occurred_at = Some(self.clock.now());
        self.accept_from("siem", vec![quick]).await;
        self.contain().await;
    }

    async fn report(&self, key: &str, reason: Reason, occurred_at: Option<Timestamp>) -> i64 {
        let mut late = signal(key, NAMES[0], reason);
        late.occurred_at = occurred_at;
        case_of(&self.accept_from("siem", vec![late]).await.signals[0]).0
    }
}

#[tokio::test]
async fn three_sources_with_three_names_make_one_case_of_three_signals() {
    let place = place().await;
    place.one_person().await;
    let first = place.case("webhook", NAMES[0], Reason::Compromised).await;
    assert_eq!(place.case("ssf", NAMES[1], Reason::Compromised).await, first);
    assert_eq!(place.case("hr", NAMES[2], Reason::Compromised).await, first);
    let detail = place.store.case_detail(first).await.unwrap();
    assert_eq!((detail.signals.len(), detail.jobs.len()), (3, 1));
    let kinds = place.trail().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "signal.accepted").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "case.coalesced").count(), 2);
}

#[tokio::test]
async fn names_that_only_a_signal_brings_together_find_each_other_too() {
    let place = place().await;
    let first = place.case("one", NAMES[0], Reason::Compromised).await;
    let both = format!("aliases:username:alice\nemail:{}", NAMES[0]);
    assert_eq!(place.case("two", &both, Reason::Compromised).await, first);
    let turned = format!("aliases:email:{}\nusername:alice", NAMES[0]);
    assert_eq!(place.case("three", &turned, Reason::Compromised).await, first);
    assert_ne!(place.case("four", "username:bob", Reason::Compromised).await, first);
    // The job is asked under every name that any of the signals came with.
    assert_eq!(place.claim().await.job.subject, both.parse().unwrap());
}

#[tokio::test]
async fn what_a_running_case_demands_already_joins_it_and_makes_it_urgent() {
    let place = place().await;
    place.one_person().await;
    let leaving = place.case("hr", NAMES[2], Reason::Departed).await;
    assert_eq!(place.case("siem", NAMES[0], Reason::Compromised).await, leaving);
    assert_eq!(place.case("idp", NAMES[1], Reason::Logout).await, leaving);
    let case = place.store.case(leaving).await.unwrap();
    assert_eq!((case.priority, case.reason.as_str()), (0, "departed"));
    assert_eq!(place.claim().await.job.priority, Reason::Compromised.priority());
}

#[tokio::test]
async fn what_demands_more_gets_a_case_of_its_own() {
    let place = place().await;
    place.one_person().await;
    let open = place.case("siem", NAMES[0], Reason::Compromised).await;
    // A departure suspends the account, which a compromise does not.
    assert_ne!(place.case("hr", NAMES[2], Reason::Departed).await, open);
    let logout = place.case("idp", "bob@example.org", Reason::Logout).await;
    assert_ne!(place.case("siem2", "bob@example.org", Reason::Compromised).await, logout);
}

#[tokio::test]
async fn a_planned_departure_does_not_begin_early_for_a_compromise() {
    let place = place().await;
    place.one_person().await;
    let mut later = signal("plan", NAMES[2], Reason::Departed);
    later.when = revoked::model::When::At(place.clock.now().plus(Duration::from_hours(48)));
    let plan = case_of(&place.accept(vec![later]).await.signals[0]).0;
    let now = place.case("siem", NAMES[0], Reason::Compromised).await;
    assert_ne!(now, plan);
    assert_eq!(place.claim().await.job.case.0, now);
    assert_eq!(place.store.case_detail(plan).await.unwrap().jobs[0].state, "scheduled");
}

#[tokio::test]
async fn a_report_of_what_was_just_proved_is_recorded_against_that_case() {
    let place = place().await;
    place.one_person().await;
    place.keeps_time().await;
    let happened = place.clock.now();
    place.clock.advance(Duration::from_secs(5));
    let case = place.report("first", Reason::Compromised, Some(happened)).await;
    place.contain().await;
    let proved = place.clock.now();
    place.clock.advance(Duration::from_secs(20));
    assert_eq!(place.report("second", Reason::Compromised, Some(happened)).await, case);
    assert_eq!(place.report("third", Reason::Logout, Some(happened)).await, case);
    assert_eq!(place.store.case(case).await.unwrap().state, "closed");
    assert_eq!(place.store.case_detail(case).await.unwrap().signals.len(), 3);
    // What may have happened after the proof, at an unknown time, or asks for more is looked at.
    let again = place.report("fourth", Reason::Compromised, Some(proved)).await;
    assert_ne!(again, case);
    place.contain().await;
    assert_ne!(place.report("fifth", Reason::Compromised, None).await, case);
    assert_ne!(place.report("sixth", Reason::Departed, Some(happened)).await, case);
}

#[tokio::test]
async fn a_minute_after_the_verdict_a_report_gets_a_case_of_its_own() {
    let place = place().await;
    place.keeps_time().await;
    let happened = place.clock.now();
    place.clock.advance(Duration::from_secs(5));
    let case = place.report("first", Reason::Compromised, Some(happened)).await;
    place.contain().await;
    place.clock.advance(Duration::from_secs(61));
    assert_ne!(place.report("second", Reason::Compromised, Some(happened)).await, case);
}

const HOUR: i64 = 3_600_000;

/// By how much the clock of a source is ahead, less than nothing where it is behind; and whether it was right before.
const OFF: [(i64, bool); 5] = [(-HOUR, true), (-HOUR, false), (HOUR, true), (HOUR, false), (-90_000, false)];

#[tokio::test]
async fn a_source_whose_clock_is_off_hides_nothing_that_happened_after_a_proof() {
    for (ahead, was_right) in OFF {
        let place = place().await;
        let by_theirs = |at: Timestamp| Some(Timestamp::from_ms(at.ms() + ahead));
        if was_right {
            place.keeps_time().await;
        }
        let case = place.report("first", Reason::Compromised, by_theirs(place.clock.now())).await;
        place.contain().await;
        place.clock.advance(Duration::from_secs(10));
        let back_again = place.clock.now();
        place.clock.advance(Duration::from_secs(10));
        let second = place.report("second", Reason::Compromised, by_theirs(back_again)).await;
        assert_ne!(second, case, "{ahead} {was_right}");
        assert_eq!(place.claim().await.job.case.0, second);
    }
}

#[tokio::test]
async fn a_source_whose_clock_is_off_has_what_a_live_case_has_proved_looked_at_again() {
    for (ahead, was_right) in OFF {
        let place = place().await;
        if was_right {
            place.keeps_time().await;
        }
        let policy = std::sync::Arc::new(revoked::policy::Policy::standard(&["chat", "mail"]));
        let report = async |key: &str, at: Timestamp| {
            let mut signal = signal(key, NAMES[0], Reason::Compromised);
            signal.occurred_at = Some(Timestamp::from_ms(at.ms() + ahead));
            let delivery = revoked::model::Delivery::of("siem", vec![signal], place.clock.now());
            let accepted = place
                .store
                .accept(
                    std::sync::Arc::clone(&policy),
                    delivery,
                    revoked::store::SlotOffers::default(),
                )
                .await;
            case_of(&accepted.unwrap().receipt.signals[0]).0
        };
        let case = report("first", place.clock.now()).await;
        // Proved at one of two targets.
        place.contain().await;
        place.clock.advance(Duration::from_secs(10));
        let back_again = place.clock.now();
        place.clock.advance(Duration::from_secs(10));
        assert_eq!(report("second", back_again).await, case);
        assert_eq!(
            place.claim().await.job.case.0,
            case,
            "{ahead} {was_right}: nobody looks again"
        );
    }
}

#[tokio::test]
async fn a_proof_of_an_hour_that_is_yet_to_come_proves_nothing() {
    let place = place().await;
    place.keeps_time().await;
    let case = place.report("first", Reason::Compromised, Some(place.clock.now())).await;
    place.contain().await;
    place.clock.step_to(place.clock.now().minus(Duration::from_hours(1)));
    assert_ne!(
        place.report("second", Reason::Compromised, Some(place.clock.now())).await,
        case
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever names three sources use, alone or together and in whatever order: one person, one case, one job, every signal kept.
    #[test]
    fn any_names_of_one_person_lead_to_one_case(reports in proptest::collection::vec(
        proptest::sample::subsequence(NAMES.to_vec(), 1..=4).prop_shuffle(), 1..7,
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = place().await;
            place.one_person().await;
            for (n, names) in reports.iter().enumerate() {
                let names: Vec<Subject> = names.iter().map(|name| name.parse().unwrap()).collect();
                let subject = if names.len() == 1 { names[0].clone() } else { Subject::Aliases(names) };
                let mut one = signal(&n.to_string(), NAMES[0], Reason::Compromised);
                one.subject = subject;
                place.accept_from(&format!("source{}", n % 3), vec![one]).await;
            }
            let detail = place.store.case_detail(1).await.unwrap();
            assert_eq!((detail.signals.len(), detail.jobs.len()), (reports.len(), 1));
            assert!(place.store.case(2).await.is_err(), "a second case");
            let all = Subject::together(NAMES.map(|name| name.parse().unwrap()));
            assert_eq!(Some(place.claim().await.job.subject.clone()), all);
        });
    }

    /// Names that nothing has linked never lead to one case.
    #[test]
    fn names_of_several_people_never_lead_to_one_case(mut people in proptest::collection::btree_set("[a-d]{1,3}", 2..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = place().await;
            let count = people.len();
            let mut cases = std::collections::BTreeSet::new();
            while let Some(person) = people.pop_first() {
                cases.insert(place.case(&person, &format!("username:{person}"), Reason::Compromised).await);
            }
            assert_eq!(cases.len(), count);
        });
    }
}
