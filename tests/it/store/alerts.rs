//! Alerts: whom they name, who looks after them, and what is still to be handed to a program.

use std::time::Duration;

use revoked::model::{Actor, Reason};
use revoked::store::{Alert, HandOver, StoreError};

use super::{Place, place, signal};

fn ann() -> Actor {
    Actor::operator("ann", Some(1000))
}

impl Place {
    async fn open_alerts(&self) -> Vec<Alert> {
        self.store.alerts(false).await.unwrap().rows
    }

    async fn raise(&self, kind: &'static str, key: &str) {
        self.store
            .raise_alert(kind, key.to_owned(), "a sentence".to_owned())
            .await
            .unwrap();
    }

    async fn untold(&self) -> Vec<(String, i64, u32)> {
        let untold = self.store.untold_alerts(100).await.unwrap().rows;
        untold
            .into_iter()
            .map(|untold| (untold.alert.key, untold.alert.times, untold.attempts))
            .collect()
    }
}

#[tokio::test]
async fn an_alert_names_person_and_next_command_and_no_two_read_the_same() {
    let place = place().await;
    for (key, subject) in [("a", "ann@example.org"), ("b", "bob@example.org")] {
        let mut one = signal(key, subject, Reason::Compromised);
        one.disposition = revoked::model::Disposition::Hold(format!("the issuer is not sure ({key})"));
        place.accept_from("idp", vec![one]).await;
    }
    let alerts = place.open_alerts().await;
    let read: Vec<_> = alerts
        .iter()
        .map(|alert| (alert.subject.clone().unwrap(), alert.next.clone()))
        .collect();
    assert_eq!(
        read,
        [
            ("email:bob@example.org".to_owned(), "revoked hold show 2".to_owned()),
            ("email:ann@example.org".to_owned(), "revoked hold show 1".to_owned()),
        ]
    );
}

#[tokio::test]
async fn an_acknowledged_alert_stays_open_and_needs_somebody_again_once_it_is_raised_anew() {
    let place = place().await;
    place.raise("target_down", "target:chat").await;
    place.raise("target_down", "target:mail").await;
    let mail = place.open_alerts().await[0].id;
    place
        .store
        .acknowledge_alerts(vec![mail], ann(), Some("asked the mail team".to_owned()))
        .await
        .unwrap();
    let counts = place.store.counts().await.unwrap();
    assert_eq!((counts.alerts, counts.acknowledged), (1, 1));
    let alerts = place.open_alerts().await;
    assert_eq!(alerts[0].acknowledged_by.as_deref(), Some("operator:ann(1000)"));
    assert_eq!(alerts[0].target.as_deref(), Some("mail"));
    assert!(!alerts[0].needs_somebody() && alerts[1].needs_somebody());

    place.raise("target_down", "target:mail").await;
    let again = &place.open_alerts().await[0];
    assert!(
        again.needs_somebody() && again.times == 2 && again.acknowledged_note.is_none(),
        "{again:?}"
    );
    let trail = place.trail().await;
    assert_eq!(trail.iter().filter(|kind| *kind == "alert.acknowledged").count(), 1);
}

#[tokio::test]
async fn several_are_cleared_together_or_none_is() {
    let place = place().await;
    for key in ["source:a", "source:b", "source:c"] {
        place.raise("quarantine", key).await;
    }
    place.store.clear_alert(2, ann(), None).await.unwrap();
    let refused = place.store.clear_alerts(vec![1, 2, 3], ann(), None).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(place.open_alerts().await.len(), 2);
    let refused = place.store.acknowledge_alerts(vec![1, 99], ann(), None).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    assert!(place.open_alerts().await.iter().all(Alert::needs_somebody));
    place.store.clear_alerts(vec![1, 3], ann(), None).await.unwrap();
    assert!(place.open_alerts().await.is_empty());
}

#[tokio::test]
async fn what_is_to_be_handed_over_outlives_failures_and_is_told_once_however_often_it_was_raised() {
    let place = place().await;
    place.store.begin_handing_over(true).await.unwrap();
    for _ in 0..3 {
        place.raise("quarantine", "source:hr").await;
    }
    assert_eq!(place.untold().await, [("source:hr".to_owned(), 3, 0)]);
    let due = place.clock.now().plus(Duration::from_secs(2));
    let why = "it ended with code 3".to_owned();
    place
        .store
        .record_hand_over(1, 3, HandOver::Retry { due, why })
        .await
        .unwrap();
    assert!(place.untold().await.is_empty(), "it is not time yet");
    place.clock.advance(Duration::from_secs(3));
    // Over in the meantime, and it is told all the same.
    place.store.clear_alert(1, ann(), None).await.unwrap();
    place.store.begin_handing_over(true).await.unwrap();
    assert_eq!(place.untold().await, [("source:hr".to_owned(), 3, 1)]);
    place.store.record_hand_over(1, 3, HandOver::Taken).await.unwrap();
    assert!(place.untold().await.is_empty());
    assert_eq!(place.trail().await.iter().filter(|kind| *kind == "alert.told").count(), 1);
}

#[tokio::test]
async fn the_same_alert_is_not_told_again_at_once_and_given_up_it_is_an_alert_that_is_not_handed_over() {
    let place = place().await;
    place.raise("quarantine", "source:hr").await;
    let why = "it ended with code 3".to_owned();
    place.store.record_hand_over(1, 1, HandOver::GivenUp { why }).await.unwrap();
    place.raise("quarantine", "source:hr").await;
    assert!(place.untold().await.is_empty(), "within a quarter of an hour");
    let mut kinds: Vec<String> = place.open_alerts().await.into_iter().map(|alert| alert.kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["alert_untold", "quarantine"]);
    place.clock.advance(Duration::from_mins(16));
    assert_eq!(place.untold().await, [("source:hr".to_owned(), 2, 0)]);
    place.store.record_hand_over(1, 2, HandOver::Taken).await.unwrap();
    assert!(!place.store.alert_is_open("alert_untold", "alerts").await.unwrap());
}

#[tokio::test]
async fn without_a_program_nothing_is_kept_for_one() {
    let place = place().await;
    place.raise("quarantine", "source:hr").await;
    place.store.begin_handing_over(false).await.unwrap();
    place.store.begin_handing_over(true).await.unwrap();
    assert!(place.untold().await.is_empty());
    // What was over long before there was a program is not told to it.
    place.raise("quarantine", "source:it").await;
    place.store.clear_alert(2, ann(), None).await.unwrap();
    place.clock.advance(Duration::from_hours(2));
    place.store.begin_handing_over(true).await.unwrap();
    assert!(place.untold().await.is_empty());
}

#[tokio::test]
async fn a_list_that_goes_on_behind_a_place_has_each_alert_once_though_all_came_at_one_instant() {
    let place = place().await;
    for n in 0..5 {
        place.raise("target_down", &format!("target:t{n}")).await;
    }
    let mut seen = Vec::new();
    let mut behind = None;
    loop {
        let page = place.store.alerts_behind(false, behind, 2).await.unwrap().rows;
        let Some(last) = page.last() else { break };
        behind = Some((last.last_at, last.id));
        seen.extend(page.iter().map(|alert| alert.key.clone()));
    }
    let whole: Vec<String> = place.open_alerts().await.into_iter().map(|alert| alert.key).collect();
    assert_eq!((seen.len(), &seen), (5, &whole));
}
