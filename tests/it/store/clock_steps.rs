//! A clock that is set forth and back.

use std::time::Duration;

use revoked::model::{Actor, Departure, DepartureStep, Leaves, Reason, When};
use revoked::store::{Role, Store};

use super::{Place, place, signal};

/// The open alerts about the clock, by their keys.
async fn alerts(store: &Store) -> Vec<String> {
    let alerts = store.alerts(false).await.unwrap().into_iter();
    alerts
        .filter(|alert| alert.kind == "clock_stepped")
        .map(|alert| alert.key)
        .collect()
}

/// A place with somebody who leaves tomorrow, and somebody else whose sessions are to end in an hour.
async fn planned() -> Place {
    let place = place().await;
    let now = place.clock.now();
    let fire_at = now.plus(Duration::from_hours(24));
    let mut leaves = signal("leaves", "alice@example.org", Reason::Departed);
    leaves.when = When::Departure(Departure {
        employee: "4711".to_owned(),
        employment: "1".to_owned(),
        step: DepartureStep::Leave {
            leaves: Leaves::Instant { at: fire_at },
            fire_at,
        },
    });
    place.accept(vec![leaves]).await;
    let mut later = signal("k", "bob@example.org", Reason::Compromised);
    later.when = When::At(now.plus(Duration::from_hours(1)));
    place.accept(vec![later]).await;
    place
}

async fn queued(place: &Place) -> i64 {
    place.store.promote().await.unwrap();
    place.store.counts().await.unwrap().jobs.get("queued").copied().unwrap_or(0)
}

#[tokio::test]
async fn departures_that_a_step_alone_made_due_wait_for_an_operator() {
    let place = planned().await;
    place.clock.step_to(place.clock.now().plus(Duration::from_hours(25)));
    assert_eq!(queued(&place).await, 1, "what is no departure goes on");
    assert_eq!(alerts(&place.store).await, ["clock:90000000"]);
    let next = place.store.promote().await.unwrap().unwrap();
    assert!(next > place.clock.now(), "the scheduler would not rest");
    let by = Actor::operator("alice".to_owned(), Some(1000));
    let alert = place
        .store
        .alerts(false)
        .await
        .unwrap()
        .into_iter()
        .find(|alert| alert.kind == "clock_stepped");
    place.store.clear_alert(alert.unwrap().id, by, None).await.unwrap();
    assert_eq!(queued(&place).await, 2);
}

#[tokio::test]
async fn departures_fire_in_their_time_by_the_clock_as_it_was_and_after_it_was_set_back() {
    let place = planned().await;
    place.clock.step_to(place.clock.now().plus(Duration::from_hours(25)));
    assert_eq!(queued(&place).await, 1);
    place.clock.advance(Duration::from_hours(24));
    assert_eq!(queued(&place).await, 2);
    let place = planned().await;
    place.clock.step_to(place.clock.now().plus(Duration::from_hours(25)));
    assert_eq!(queued(&place).await, 1);
    place.clock.step_to(place.clock.now().minus(Duration::from_hours(25)));
    place.store.look_at_clock().await.unwrap();
    assert_eq!(alerts(&place.store).await, ["clock:0"]);
    place.clock.advance(Duration::from_hours(24));
    assert_eq!(queued(&place).await, 2);
}

#[tokio::test]
async fn a_restart_forgets_no_step_and_sees_one_back_by_the_trail() {
    let place = planned().await;
    place.clock.step_to(place.clock.now().plus(Duration::from_hours(25)));
    assert_eq!(queued(&place).await, 1);
    place.store.close().await;
    let again = Store::open(&place.path, Role::Daemon, place.clock.clone()).await.unwrap();
    again.check_clock_at_start().await.unwrap();
    again.promote().await.unwrap();
    assert_eq!(again.counts().await.unwrap().jobs.get("queued").copied(), Some(1));
    again.close().await;
    place.clock.step_to(place.clock.now().minus(Duration::from_hours(25)));
    let again = Store::open(&place.path, Role::Daemon, place.clock.clone()).await.unwrap();
    again.check_clock_at_start().await.unwrap();
    assert_eq!(alerts(&again).await, ["clock:0"]);
    let summary = again.alerts(false).await.unwrap().remove(0).summary;
    assert!(
        summary.contains("set back by 90000 s against the trail's last entry"),
        "{summary}"
    );
}

#[tokio::test]
async fn time_that_passes_and_small_corrections_alert_nobody() {
    let place = place().await;
    for _ in 0..3 {
        place.clock.advance(Duration::from_hours(24));
        place.clock.step_to(place.clock.now().plus(Duration::from_secs(15)));
        place.store.look_at_clock().await.unwrap();
    }
    assert!(alerts(&place.store).await.is_empty());
}
