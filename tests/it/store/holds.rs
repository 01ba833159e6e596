//! What waits for a human, and the decision.

use revoked::model::{Actor, Reason};
use revoked::store::{ListFilter, StoreError};

use super::{case_of, place, signal};

fn leavers(count: usize) -> Vec<revoked::model::Signal> {
    (0..count)
        .map(|n| signal(&format!("row{n}"), &format!("p{n}@example.org"), Reason::Departed))
        .collect()
}

#[tokio::test]
async fn a_delivery_over_its_limit_is_held_whole_and_its_cases_are_not_claimed() {
    let place = place().await;
    let receipt = place.accept(leavers(21)).await;
    assert!(receipt.signals.iter().all(|signal| case_of(signal).1));
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
    let holds = place.store.holds(false).await.unwrap();
    assert_eq!((holds.len(), holds[0].cases), (1, 21));
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "hold");
}

#[tokio::test]
async fn an_approval_is_bound_to_the_set_that_was_shown() {
    let place = place().await;
    place.accept(leavers(21)).await;
    let held = place.store.hold(1).await.unwrap();
    let by = || Actor::operator("alice", Some(1000));
    let wrong = place.store.approve_hold(1, "0000000000000000".to_owned(), by(), None).await;
    assert!(matches!(wrong, Err(StoreError::Refused(_))));
    assert_eq!(
        place
            .store
            .approve_hold(1, held.set, by(), Some("checked".to_owned()))
            .await
            .unwrap(),
        21
    );
    let queued = ListFilter {
        state: Some("queued".to_owned()),
        limit: 100,
        ..ListFilter::default()
    };
    assert_eq!(place.store.jobs(&queued).await.unwrap().len(), 21);
    assert!(
        place.store.alerts(false).await.unwrap().is_empty(),
        "the hold's alert is over"
    );
    let again = place.store.approve_hold(1, String::new(), by(), None).await;
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("was approved by operator:alice(1000)")
    );
}

#[tokio::test]
async fn a_rejection_cancels_and_nothing_runs() {
    let place = place().await;
    place.accept(leavers(21)).await;
    assert_eq!(
        place
            .store
            .reject_hold(1, Actor::operator("alice", None), None)
            .await
            .unwrap(),
        21
    );
    let cancelled = ListFilter {
        state: Some("cancelled".to_owned()),
        limit: 100,
        ..ListFilter::default()
    };
    assert_eq!(place.store.cases(&cancelled).await.unwrap().len(), 21);
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
}

#[tokio::test]
async fn the_window_of_an_hour_holds_what_goes_over_it_and_leaves_compromises_alone() {
    let place = place().await;
    for n in 0..25 {
        place
            .accept(vec![signal(&format!("d{n}"), &format!("d{n}@example.org"), Reason::Departed)])
            .await;
    }
    assert_eq!(
        place
            .store
            .holds(false)
            .await
            .unwrap()
            .iter()
            .map(|hold| hold.cases)
            .sum::<i64>(),
        5
    );
    let receipt = place.accept(vec![signal("c", "c@example.org", Reason::Compromised)]).await;
    assert!(!case_of(&receipt.signals[0]).1);
    place.clock.advance(std::time::Duration::from_hours(2));
    let later = place.accept(vec![signal("late", "late@example.org", Reason::Departed)]).await;
    assert!(!case_of(&later.signals[0]).1);
}
