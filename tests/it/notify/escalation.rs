//! Escalation: who is told next where nobody acknowledges, and an acknowledgement that ends.

use std::time::Duration;

use revoked::model::Actor;
use revoked::store::{ChannelRules, What};

use crate::store::channel_rules as rules;
use crate::store::{Place, place};

const MINUTE: Duration = Duration::from_mins(1);

fn ann() -> Actor {
    Actor::operator("ann", Some(1000))
}

/// Three steps.
async fn steps() -> Place {
    let place = place().await;
    let later = |name: &str, minutes: u64, repeats| ChannelRules {
        after: Duration::from_mins(minutes),
        repeats,
        ..rules(name)
    };
    let channels = vec![rules("chat"), later("pager", 5, false), later("boss", 15, true)];
    place.store.set_channels(channels).await.unwrap();
    place
}

async fn told(place: &Place) -> Vec<String> {
    let mut all = Vec::new();
    for channel in ["chat", "pager", "boss"] {
        let told = place.told_on(channel).await;
        all.extend(told.into_iter().map(|(what, _)| format!("{channel} {}", what.word())));
    }
    all
}

#[tokio::test]
async fn nobody_acknowledges_and_step_by_step_others_are_told_the_last_every_hour() {
    let place = steps().await;
    place.raises("came_back", "job:1").await;
    assert_eq!(told(&place).await, ["chat raised"]);
    place.clock.advance(5 * MINUTE);
    assert_eq!(told(&place).await, ["pager raised"]);
    place.clock.advance(10 * MINUTE);
    assert_eq!(told(&place).await, ["boss raised"]);
    for _ in 0..3 {
        place.clock.advance(59 * MINUTE);
        assert!(told(&place).await.is_empty());
        place.clock.advance(MINUTE);
        assert_eq!(told(&place).await, ["boss reminder"]);
    }
    place.store.acknowledge_alerts(vec![1], ann(), None).await.unwrap();
    assert_eq!(
        told(&place).await,
        ["chat acknowledged", "pager acknowledged", "boss acknowledged"]
    );
}

#[tokio::test]
async fn an_acknowledgement_ends_the_escalation_for_an_hour_and_then_it_begins_anew() {
    let place = steps().await;
    place.raises("came_back", "job:1").await;
    told(&place).await;
    place.clock.advance(2 * MINUTE);
    place.store.acknowledge_alerts(vec![1], ann(), None).await.unwrap();
    assert_eq!(told(&place).await, ["chat acknowledged"]);
    place.clock.advance(59 * MINUTE);
    place.store.look_at_escalation().await.unwrap();
    assert!(told(&place).await.is_empty());
    place.clock.advance(2 * MINUTE);
    place.store.look_at_escalation().await.unwrap();
    assert_eq!(told(&place).await, ["chat expired"]);
    assert!(place.store.alerts(false).await.unwrap()[0].needs_somebody());
    assert!(place.trail().await.contains(&"alert.acknowledgement_ended".to_owned()));
    place.clock.advance(5 * MINUTE);
    assert_eq!(told(&place).await, ["pager expired"]);
    // Cleared, and nobody further is bothered.
    place.store.clear_alert(1, ann(), None).await.unwrap();
    place.clock.advance(60 * MINUTE);
    assert_eq!(told(&place).await, ["chat over", "pager over"]);
}

#[tokio::test]
async fn without_a_next_step_an_acknowledgement_lasts() {
    let place = place().await;
    place.store.set_channels(vec![rules("chat")]).await.unwrap();
    place.raises("came_back", "job:1").await;
    place.store.acknowledge_alerts(vec![1], ann(), None).await.unwrap();
    place.clock.advance(600 * MINUTE);
    place.store.look_at_escalation().await.unwrap();
    assert!(!place.store.alerts(false).await.unwrap()[0].needs_somebody());
    let told = place.told_on("chat").await;
    assert_eq!(
        told.iter().map(|told| told.0).collect::<Vec<_>>(),
        [What::Raised, What::Acknowledged]
    );
}
