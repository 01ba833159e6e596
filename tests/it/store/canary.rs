//! What a canary showed, and the alert where it outlived its end.

use std::time::Duration;

use revoked::model::GrantKind;
use revoked::store::CanaryDelay;

use super::place;

#[tokio::test]
async fn a_canary_that_outlives_its_end_alerts_until_one_does_not() {
    let place = place().await;
    let showed = |delay| {
        let delays = vec![CanaryDelay {
            kind: GrantKind::Session,
            delay,
        }];
        place
            .store
            .keep_canary("chat", Some("10.5".to_owned()), Duration::from_secs(30), delays)
    };
    showed(None).await.unwrap();
    assert_eq!(place.alert_kinds().await, ["canary_survived"]);
    assert_eq!(place.store.observed_delays().await.unwrap()[0].delay_ms, None);
    showed(Some(Duration::from_millis(12))).await.unwrap();
    assert!(place.alert_kinds().await.is_empty());
    let shown = place.store.observed_delays().await.unwrap();
    assert_eq!(shown.len(), 1, "the newest alone");
    assert_eq!((shown[0].delay_ms, shown[0].within_ms), (Some(12), 30_000));
}
