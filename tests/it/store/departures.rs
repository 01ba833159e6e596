//! HR plans: planned, moved, called off, carried out late.

use std::time::Duration;

use revoked::model::{Departure, DepartureStep, Leaves, Reason, Signal, SignalReceipt, Timestamp, When};
use revoked::store::ListFilter;

use super::{NOW, Place, case_of, place, signal};

fn row(key: &str, step: DepartureStep) -> Signal {
    let mut signal = signal(key, "alice@example.org", Reason::Departed);
    signal.when = When::Departure(Departure {
        employee: "4711".to_owned(),
        employment: "1".to_owned(),
        step,
    });
    signal
}

fn leave(fire_at: Timestamp) -> DepartureStep {
    DepartureStep::Leave {
        leaves: Leaves::Instant { at: fire_at },
        fire_at,
    }
}

async fn job_state(place: &Place, case: i64) -> (String, Option<Timestamp>) {
    let jobs = place
        .store
        .jobs(&ListFilter {
            case: Some(case),
            limit: 9,
            ..ListFilter::default()
        })
        .await
        .unwrap();
    (jobs[0].state.clone(), jobs[0].due)
}

#[tokio::test]
async fn tomorrows_leaver_waits_for_tomorrow_and_is_worked_when_due() {
    let place = place().await;
    let fire_at = NOW.plus(Duration::from_hours(8));
    let case = case_of(&place.accept(vec![row("a", leave(fire_at))]).await.signals[0]).0;
    assert_eq!(job_state(&place, case).await, ("scheduled".to_owned(), Some(fire_at)));
    assert_eq!(place.store.promote().await.unwrap(), Some(fire_at));
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
    place.clock.set(fire_at);
    place.store.promote().await.unwrap();
    assert_eq!(job_state(&place, case).await.0, "queued");
    assert!(place.trail().await.contains(&"departure.executed".to_owned()));
}

#[tokio::test]
async fn a_new_date_moves_the_plan_and_its_job() {
    let place = place().await;
    let case = case_of(
        &place
            .accept(vec![row("a", leave(NOW.plus(Duration::from_hours(8))))])
            .await
            .signals[0],
    )
    .0;
    let later = NOW.plus(Duration::from_hours(80));
    let again = case_of(&place.accept(vec![row("b", leave(later))]).await.signals[0]).0;
    assert_eq!(case, again);
    assert_eq!(job_state(&place, case).await, ("scheduled".to_owned(), Some(later)));
    assert_eq!(place.store.planned_departures().await.unwrap()[0].fire_at, later);
}

#[tokio::test]
async fn a_plan_does_not_get_lost_in_a_case_that_is_at_work() {
    let place = place().await;
    let now = signal("a", "alice@example.org", Reason::Departed);
    let at_work = case_of(&place.accept_from("directory", vec![now]).await.signals[0]).0;
    let fire_at = NOW.plus(Duration::from_hours(8));
    let planned = case_of(&place.accept(vec![row("b", leave(fire_at))]).await.signals[0]).0;
    assert_ne!(planned, at_work);
    assert_eq!(job_state(&place, planned).await, ("scheduled".to_owned(), Some(fire_at)));
    assert_eq!(job_state(&place, at_work).await.0, "queued");
    // A new date still finds its plan.
    let later = NOW.plus(Duration::from_hours(80));
    assert_eq!(
        case_of(&place.accept(vec![row("c", leave(later))]).await.signals[0]).0,
        planned
    );
    place.clock.set(later);
    place.store.promote().await.unwrap();
    assert_eq!(job_state(&place, planned).await.0, "queued");
}

#[tokio::test]
async fn a_rescission_cancels_what_has_not_happened() {
    let place = place().await;
    let case = case_of(
        &place
            .accept(vec![row("a", leave(NOW.plus(Duration::from_hours(8))))])
            .await
            .signals[0],
    )
    .0;
    place.accept(vec![row("b", DepartureStep::Rescind)]).await;
    assert_eq!(job_state(&place, case).await.0, "cancelled");
    assert_eq!(place.store.case(case).await.unwrap().state, "cancelled");
    assert!(place.store.planned_departures().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rescission_after_the_fact_undoes_nothing_and_alerts() {
    let place = place().await;
    let case = case_of(&place.accept(vec![row("a", leave(NOW))]).await.signals[0]).0;
    let claim = place.claim().await;
    let receipt = place.accept(vec![row("b", DepartureStep::Rescind)]).await;
    assert!(matches!(receipt.signals[0], SignalReceipt::Ignored { .. }));
    assert_eq!(job_state(&place, case).await.0, "running");
    let alert = place.store.alerts(false).await.unwrap().rows.remove(0);
    assert_eq!(
        (alert.kind.as_str(), alert.next),
        ("rescinded_too_late", format!("revoked case show {case}")),
        "nobody is suspended yet whom a release could help"
    );
    assert!(alert.subject.is_some_and(|subject| subject.contains('@')), "it names nobody");
    drop(claim);
}

#[tokio::test]
async fn a_plan_whose_zone_changed_its_rules_moves() {
    let place = place().await;
    let case = case_of(
        &place
            .accept(vec![row("a", leave(NOW.plus(Duration::from_hours(8))))])
            .await
            .signals[0],
    )
    .0;
    let plan = place.store.planned_departures().await.unwrap().remove(0);
    let moved = NOW.plus(Duration::from_hours(9));
    place.store.move_departure(plan.id, moved).await.unwrap();
    assert_eq!(job_state(&place, case).await.1, Some(moved));
}

#[tokio::test]
async fn immediate_departure_of_a_planned_leaver_starts_now() {
    let place = place().await;
    let case = case_of(
        &place
            .accept(vec![row("a", leave(NOW.plus(Duration::from_hours(8))))])
            .await
            .signals[0],
    )
    .0;
    let now = case_of(
        &place
            .accept(vec![signal("now", "alice@example.org", Reason::Departed)])
            .await
            .signals[0],
    )
    .0;
    assert_eq!((case, job_state(&place, case).await.0.as_str()), (now, "queued"));
}
