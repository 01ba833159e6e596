//! Alerts: whom they name, and who looks after them. Who is told of them: `notify`.

use revoked::model::{Actor, Reason};
use revoked::store::{Alert, StoreError};

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
