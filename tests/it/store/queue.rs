//! Claim, start, finish, settle, and what a crash leaves.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::{Action, ActionOutcome, Evidence, Finished, JobState, Priority, Reason, Settlement, Timestamp, Verdict};
use revoked::store::{ListFilter, ObservationSummary, Role, Store, StoreError};

use super::{Place, case_of, place, signal};

async fn with_job(place: &Place, reason: Reason) -> i64 {
    case_of(&place.accept(vec![signal("k", "alice@example.org", reason)]).await.signals[0]).0
}

fn done(id: i64, at: Timestamp) -> Finished {
    Finished {
        id,
        outcome: ActionOutcome::Done,
        requests: vec!["req1".to_owned()],
        at,
    }
}

#[tokio::test]
async fn a_contained_job_closes_its_case_and_plans_the_first_sweep() {
    let place = place().await;
    let case = with_job(&place, Reason::Compromised).await;
    let claim = place.claim().await;
    let started = place
        .store
        .start(&claim, vec![Action::EndAllSessions], ObservationSummary::default())
        .await
        .unwrap();
    place.clock.advance(Duration::from_millis(40));
    let finished = vec![done(started[0].id, place.clock.now())];
    place
        .store
        .settle(claim, finished, Evidence::default(), Settlement::Done(Verdict::Contained))
        .await
        .unwrap();
    let detail = place.store.case_detail(case).await.unwrap();
    assert_eq!(
        (detail.case.state.as_str(), detail.case.verdict.as_deref()),
        ("closed", Some("contained"))
    );
    assert_eq!(
        detail.case.first_revoke_at.unwrap().since(detail.case.received_at),
        Duration::from_millis(40)
    );
    let sweep = detail.jobs.iter().find(|job| job.kind == "watch").unwrap();
    assert_eq!(sweep.due.unwrap().since(place.clock.now()), Duration::from_mins(1));
    assert_eq!(detail.actions[0].outcome.as_deref(), Some("done"));
    let trail = place.trail().await;
    let place_of = |kind: &str| trail.iter().position(|entry| entry == kind).unwrap();
    assert!(place_of("action.started") < place_of("action.finished"));
    assert!(place_of("job.settled") < place_of("case.contained"));
}

#[tokio::test]
async fn a_verdict_older_than_the_newest_signal_does_not_close_the_case() {
    let place = place().await;
    let case = with_job(&place, Reason::Compromised).await;
    let looked = |place: &Place| Evidence {
        after_at: Some(place.clock.now()),
        after_signal: Some(place.store.newest_signal()),
        ..Evidence::default()
    };
    let claim = place.claim().await;
    let evidence = looked(&place);
    // Which came first is not asked of a clock.
    place.clock.set(place.clock.now().minus(Duration::from_hours(2)));
    let again = place
        .accept(vec![signal("k2", "alice@example.org", Reason::Compromised)])
        .await;
    assert_eq!(case_of(&again.signals[0]).0, case);
    let settled = place
        .store
        .settle(claim, vec![], evidence, Settlement::Done(Verdict::Contained));
    settled.await.unwrap();
    assert_eq!(place.store.case(case).await.unwrap().state, "open");
    place.store.promote().await.unwrap();
    let claim = place.claim().await;
    assert_eq!(claim.job.attempt, 1, "looking again costs no attempt");
    let evidence = looked(&place);
    let settled = place
        .store
        .settle(claim, vec![], evidence, Settlement::Done(Verdict::Contained));
    settled.await.unwrap();
    assert_eq!(place.store.case(case).await.unwrap().state, "closed");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_job_look_again() {
    let place = place().await;
    place.clock.advance(Duration::from_hours(2));
    let case = with_job(&place, Reason::Compromised).await;
    place.clock.set(place.clock.now().minus(Duration::from_hours(2)));
    let claim = place.claim().await;
    let evidence = Evidence {
        after_at: Some(place.clock.now()),
        after_signal: Some(place.store.newest_signal()),
        ..Evidence::default()
    };
    let settled = place
        .store
        .settle(claim, vec![], evidence, Settlement::Done(Verdict::Contained));
    settled.await.unwrap();
    assert_eq!(place.store.case(case).await.unwrap().state, "closed");
}

#[tokio::test]
async fn a_signal_that_brings_a_job_forward_says_so_in_the_trail() {
    let place = place().await;
    let mut later = signal("k", "alice@example.org", Reason::Compromised);
    later.when = revoked::model::When::At(place.clock.now().plus(Duration::from_hours(1)));
    place.accept(vec![later]).await;
    assert!(!place.trail().await.contains(&"job.due".to_owned()));
    place
        .accept(vec![signal("k2", "alice@example.org", Reason::Compromised)])
        .await;
    let _claim = place.claim().await;
    let trail = place.trail().await;
    let place_of = |kind: &str| trail.iter().position(|entry| entry == kind).unwrap();
    assert!(place_of("case.coalesced") < place_of("job.due") && place_of("job.due") < place_of("job.claimed"));
}

#[tokio::test]
async fn a_sweep_that_has_to_act_reopens_the_case_and_alerts() {
    let place = place().await;
    let case = with_job(&place, Reason::Compromised).await;
    let claim = place.claim().await;
    place
        .store
        .settle(claim, vec![], Evidence::default(), Settlement::Done(Verdict::Contained))
        .await
        .unwrap();
    assert_eq!(
        place.store.promote().await.unwrap(),
        Some(place.clock.now().plus(Duration::from_mins(1)))
    );
    place.clock.advance(Duration::from_mins(1));
    place.store.promote().await.unwrap();
    let sweep = place.claim().await;
    let started = place
        .store
        .start(&sweep, vec![Action::EndAllSessions], ObservationSummary::default())
        .await
        .unwrap();
    assert_eq!(place.store.case(case).await.unwrap().state, "open");
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "came_back");
    let finished = vec![done(started[0].id, place.clock.now())];
    place
        .store
        .settle(sweep, finished, Evidence::default(), Settlement::Done(Verdict::Contained))
        .await
        .unwrap();
    let closed = place.store.case(case).await.unwrap();
    assert_eq!((closed.state.as_str(), closed.reopened), ("closed", 1));
    let next = ListFilter {
        state: Some("scheduled".to_owned()),
        limit: 9,
        ..ListFilter::default()
    };
    let next = place.store.jobs(&next).await.unwrap();
    assert_eq!(
        next[0].due.unwrap().since(closed.contained_at.unwrap()),
        Duration::from_mins(11)
    );
}

#[tokio::test]
async fn snooze_and_interruption_cost_no_attempt_and_a_retry_does() {
    let place = place().await;
    with_job(&place, Reason::Compromised).await;
    let due = place.clock.now();
    let retry = Settlement::Retry {
        due,
        error: "timed out".to_owned(),
    };
    for (settlement, attempt) in [
        (Settlement::Snooze { due }, 1),
        (Settlement::Interrupted, 1),
        (retry, 1),
        (Settlement::Snooze { due }, 2),
    ] {
        place.store.promote().await.unwrap();
        let claim = place.claim().await;
        assert_eq!(claim.job.attempt, attempt);
        place
            .store
            .settle(claim, vec![], Evidence::default(), settlement)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_settlement_after_the_lease_was_lost_changes_nothing() {
    let place = place().await;
    let case = with_job(&place, Reason::Compromised).await;
    let stale = place.claim().await;
    place.clock.advance(revoked::model::LEASE_LENGTH + Duration::from_secs(1));
    assert_eq!(place.store.expire_leases(false).await.unwrap(), 1);
    let fresh = place.claim().await;
    let outcome = place
        .store
        .settle(stale, vec![], Evidence::default(), Settlement::Done(Verdict::Contained))
        .await;
    assert!(matches!(outcome, Err(StoreError::LeaseLost(_))));
    assert_eq!(place.store.case(case).await.unwrap().state, "open");
    place
        .store
        .settle(fresh, vec![], Evidence::default(), Settlement::Done(Verdict::Contained))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_action_whose_daemon_died_is_unknown_and_its_job_goes_back() {
    let place = place().await;
    with_job(&place, Reason::Compromised).await;
    let claim = place.claim().await;
    place
        .store
        .start(
            &claim,
            vec![Action::Suspend, Action::EndAllSessions],
            ObservationSummary::default(),
        )
        .await
        .unwrap();
    place.store.close().await;
    let store = Store::open(&place.path, Role::Daemon, Clock::fixed(super::NOW))
        .await
        .unwrap();
    assert_eq!(store.expire_leases(true).await.unwrap(), 1);
    let detail = store.case_detail(1).await.unwrap();
    assert!(
        detail
            .actions
            .iter()
            .all(|action| action.outcome.as_deref() == Some("unknown"))
    );
    let again = store.claim("chat", Priority(9), 5).await.unwrap().pop().unwrap();
    assert!(again.job.acted && again.job.attempt == 2);
    drop(again);
}

#[tokio::test]
async fn what_could_not_be_revoked_stands_in_the_ledger_and_alerts() {
    let place = place().await;
    let case = with_job(&place, Reason::Departed).await;
    let claim = place.claim().await;
    let end = Settlement::GiveUp {
        error: "still there: 1 session".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), end).await.unwrap();
    let counts = place.store.counts().await.unwrap();
    assert_eq!((counts.ledger, counts.alerts), (1, 1));
    assert_eq!(place.store.case(case).await.unwrap().verdict.as_deref(), Some("failed"));
}

#[tokio::test]
async fn claims_come_most_urgent_first_and_only_as_urgent_as_asked() {
    let place = place().await;
    for (n, reason) in [Reason::Departed, Reason::Compromised, Reason::Logout]
        .into_iter()
        .enumerate()
    {
        place
            .accept(vec![signal(&format!("k{n}"), &format!("p{n}@example.org"), reason)])
            .await;
    }
    let urgent = place.store.claim("chat", Priority::URGENT, 10).await.unwrap();
    assert_eq!(
        urgent.iter().map(|claim| claim.job.reason).collect::<Vec<_>>(),
        [Reason::Compromised]
    );
    let rest = place.store.claim("chat", Priority(9), 10).await.unwrap();
    assert_eq!(
        rest.iter().map(|claim| claim.job.reason).collect::<Vec<_>>(),
        [Reason::Logout, Reason::Departed]
    );
    drop((urgent, rest));
}

#[tokio::test]
async fn a_lane_that_waits_is_woken_by_the_commit() {
    let place = place().await;
    let wake = place.store.wake("chat");
    let woken = wake.notified();
    with_job(&place, Reason::Departed).await;
    tokio::time::timeout(crate::wait::BOUND, woken)
        .await
        .expect("the commit wakes the lane");
}

#[test]
fn every_state_of_the_model_is_a_state_of_the_table() {
    let schema = include_str!("../../../migrations/0001_first.sql");
    let words: Vec<String> = JobState::WORDS.iter().map(|word| format!("'{word}'")).collect();
    assert!(schema.contains(&format!("state IN ({})", words.join(", "))));
}
