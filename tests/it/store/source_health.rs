//! How the sources are: what is kept of each delivery and refusal, and when silence alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::{Delivery, Reason, Signal, Timestamp};
use revoked::store::{LAGS, LastSeen, Role, SlotOffers, SourceHealth, Store};

use super::{NOW, Place, place, policy, signal};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Place {
    async fn health(&self, source: &str) -> SourceHealth {
        let sources = self.store.source_health().await.unwrap();
        let found = sources.into_iter().find(|health| health.source == source);
        found.unwrap_or_else(|| panic!("nothing is known of {source}"))
    }

    async fn deliver(&self, delivery: Delivery) {
        self.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
    }

    /// Judges the silence of `idp`, which should speak once a day, and gives the open alerts' kinds with how often they were raised.
    async fn judge(&self) -> Vec<(String, i64)> {
        let expected = BTreeMap::from([("idp".to_owned(), DAY)]);
        self.store.check_silence(BTreeMap::new(), expected).await.unwrap();
        self.alerts_of_sources().await
    }

    async fn alerts_of_sources(&self) -> Vec<(String, i64)> {
        let alerts = self.store.alerts(false).await.unwrap();
        alerts.into_iter().map(|alert| (alert.kind, alert.times)).collect()
    }

    async fn knows_its_sources(&self) {
        self.store.register_sources(vec!["idp".to_owned()]).await.unwrap();
    }
}

/// A signal about something that happened `ago`.
fn late(key: &str, ago: Duration) -> Signal {
    let mut signal = signal(key, "email:a@example.org", Reason::Logout);
    signal.occurred_at = Some(NOW.minus(ago));
    signal
}

#[tokio::test]
async fn a_delivery_is_noted_with_its_latest_signal_and_a_repetition_is_not_late() {
    let place = place().await;
    place
        .accept_from(
            "idp",
            vec![late("1", Duration::from_secs(2)), late("2", Duration::from_secs(7))],
        )
        .await;
    place.accept_from("idp", vec![late("3", Duration::from_secs(1))]).await;
    place.clock.advance(HOUR);
    place.accept_from("idp", vec![late("3", Duration::from_secs(1))]).await;
    let health = place.health("idp").await;
    let now = place.clock.now();
    assert_eq!((health.spoke_at, health.signal_at), (Some(now), Some(now)));
    assert_eq!((health.since, health.verified_at, health.looked_at), (NOW, None, None));
    let lag = health.lag.unwrap();
    assert_eq!((lag.last_ms, lag.median_ms, lag.longest_ms, lag.of), (1000, 1000, 7000, 2));
}

#[tokio::test]
async fn only_the_newest_lags_are_kept() {
    let place = place().await;
    for n in 0..LAGS + 8 {
        let ago = if n < 8 { HOUR } else { Duration::from_secs(1) };
        place.accept_from("idp", vec![late(&format!("k{n}"), ago)]).await;
    }
    let lag = place.health("idp").await.lag.unwrap();
    assert_eq!((lag.of, lag.longest_ms), (LAGS as usize, 1000));
}

#[tokio::test]
async fn what_happened_in_the_senders_future_is_no_lag_below_zero() {
    let place = place().await;
    let mut ahead = signal("1", "email:a@example.org", Reason::Logout);
    ahead.occurred_at = Some(NOW.plus(HOUR));
    place.accept_from("idp", vec![ahead]).await;
    assert_eq!(place.health("idp").await.lag.unwrap().last_ms, 0);
}

#[tokio::test]
async fn a_verification_is_noted_and_what_a_source_notes_for_itself_is_no_word_of_it() {
    let place = place().await;
    place.knows_its_sources().await;
    place.deliver(Delivery::of("idp", Vec::new(), NOW)).await;
    assert_eq!(place.health("idp").await.spoke_at, None);
    let verified = Delivery {
        verified: true,
        ..Delivery::of("idp", Vec::new(), NOW)
    };
    place.deliver(verified).await;
    let health = place.health("idp").await;
    assert_eq!(
        (health.spoke_at, health.verified_at, health.signal_at),
        (Some(NOW), Some(NOW), None)
    );
}

#[tokio::test]
async fn refusals_are_counted_by_cause_and_all_of_it_survives_a_restart() {
    let place = place().await;
    place.knows_its_sources().await;
    for code in ["invalid_key", "invalid_key", "media_type"] {
        place
            .store
            .record_rejection("idp", code, "why".to_owned(), None)
            .await
            .unwrap();
    }
    place.accept_from("idp", vec![late("1", Duration::from_secs(2))]).await;
    let before = place.health("idp").await;
    place.store.close().await;
    let store = Store::open(&place.path, Role::Daemon, Clock::fixed(NOW)).await.unwrap();
    store.register_sources(vec!["idp".to_owned()]).await.unwrap();
    assert_eq!(store.source_health().await.unwrap(), std::slice::from_ref(&before));
    let refused: Vec<(&str, i64)> = before.refused.iter().map(|(code, of)| (code.as_str(), of.times)).collect();
    assert_eq!(refused, [("invalid_key", 2), ("media_type", 1)]);
    assert_eq!(before.refused["media_type"].last_at, NOW);
}

#[tokio::test]
async fn silence_alerts_after_its_time_and_counts_up_until_the_source_speaks() {
    let place = place().await;
    place.knows_its_sources().await;
    place.accept_from("idp", vec![late("1", Duration::ZERO)]).await;
    let spoke = place.clock.now();
    place.clock.advance(Duration::from_millis(86_399_999));
    assert!(place.judge().await.is_empty());
    place.clock.advance(Duration::from_millis(1));
    assert_eq!(place.judge().await, [("source_silent".to_owned(), 1)]);
    assert_eq!(
        place.judge().await,
        [("source_silent".to_owned(), 1)],
        "raised once for one silence"
    );
    place.clock.advance(DAY);
    assert_eq!(place.judge().await, [("source_silent".to_owned(), 2)]);
    let alert = place.store.alerts(false).await.unwrap().remove(0);
    assert!(alert.summary.contains(&format!("nothing since {spoke}")), "{}", alert.summary);
    // A delivery that says nothing new is a word all the same.
    place.accept_from("idp", vec![late("1", Duration::ZERO)]).await;
    assert!(place.alerts_of_sources().await.is_empty(), "the alert ends with the delivery");
    assert!(place.judge().await.is_empty());
    assert_eq!(place.health("idp").await.alerted_at, None);
}

#[tokio::test]
async fn a_source_that_never_spoke_is_silent_since_it_is_known() {
    let place = place().await;
    place.knows_its_sources().await;
    place.clock.advance(HOUR);
    place.knows_its_sources().await;
    assert_eq!(place.health("idp").await.since, NOW);
    place.clock.advance(Duration::from_hours(23));
    assert_eq!(place.judge().await.len(), 1);
    // A refused delivery proves nothing: anybody can send one.
    place
        .store
        .record_rejection("idp", "invalid_key", "why".to_owned(), None)
        .await
        .unwrap();
    assert_eq!(place.judge().await.len(), 1);
}

#[tokio::test]
async fn a_question_ends_a_silence_and_a_look_does_not() {
    let place = place().await;
    place.knows_its_sources().await;
    place.clock.advance(DAY);
    assert_eq!(place.judge().await.len(), 1);
    place.clock.advance(HOUR);
    let now = place.clock.now();
    let expected = BTreeMap::from([("idp".to_owned(), DAY)]);
    let noticed = |spoke_at: Option<Timestamp>, looked_at: Option<Timestamp>| {
        BTreeMap::from([("idp".to_owned(), LastSeen { spoke_at, looked_at })])
    };
    let judge = async |noticed| {
        place.store.check_silence(noticed, expected.clone()).await.unwrap();
        place.alerts_of_sources().await.len()
    };
    assert_eq!(judge(noticed(None, Some(now))).await, 1);
    assert_eq!(place.health("idp").await.looked_at, Some(now));
    assert_eq!(judge(noticed(Some(now), None)).await, 0);
    let health = place.health("idp").await;
    assert_eq!(
        (health.spoke_at, health.looked_at, health.signal_at),
        (Some(now), Some(now), None)
    );
    // Noted late, and older than what is known by now.
    assert_eq!(judge(noticed(Some(NOW), None)).await, 0);
    assert_eq!(place.health("idp").await.spoke_at, Some(now));
}

#[tokio::test]
async fn an_alert_about_a_source_that_nobody_expects_to_speak_any_more_is_over() {
    let place = place().await;
    place.knows_its_sources().await;
    place.clock.advance(DAY);
    assert_eq!(place.judge().await.len(), 1);
    place.store.check_silence(BTreeMap::new(), BTreeMap::new()).await.unwrap();
    assert!(place.alerts_of_sources().await.is_empty());
}
