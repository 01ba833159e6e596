//! What comes again is harmless, and what comes under a used name with other content is an attack.

use super::daemon_fixture::DaemonFixture;
use super::rows::PUSHED;

#[tokio::test]
async fn a_delivery_that_comes_again_is_answered_alike_and_leads_to_one_case() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let call = stage.prepared(row, "again-1", "user01").await;
        let first = stage.answer(&call).await;
        assert!(first.is_yes(), "{}: {first:?}", row.kind);
        let (signals, cases) = (stage.signals(row).await, stage.cases(row).await);
        assert_eq!((signals, cases), (1, 1), "{}", row.kind);
        for _ in 0..2 {
            let again = stage.answer(&call).await;
            assert_eq!(again.essence(), first.essence(), "{}", row.kind);
        }
        assert_eq!((stage.signals(row).await, stage.cases(row).await), (1, 1), "{}", row.kind);
        assert!(stage.alerts().await.is_empty(), "{}", row.kind);
    }
}

#[tokio::test]
async fn another_delivery_under_a_used_key_is_refused_and_recorded_as_an_attack() {
    let stage = DaemonFixture::new().await;
    let mut attacks = 0;
    for row in PUSHED {
        let call = stage.prepared(row, "used-1", "user03").await;
        assert!(stage.answer(&call).await.is_yes(), "{}", row.kind);
        let Some(other) = stage.sender(row).other("used-1", "user05") else {
            continue;
        };
        let answer = stage.answer(&other).await;
        assert!((400..500).contains(&answer.status), "{}: {answer:?}", row.kind);
        let entries = stage.entries(row, "signal.rejected").await;
        assert_eq!(entries.len(), 1, "{}: {entries:?}", row.kind);
        assert_eq!(entries[0]["detail"]["code"], "same_key_other_content", "{}", row.kind);
        assert_eq!(stage.signals(row).await, 1, "{}", row.kind);
        let alerts = stage.alerts().await;
        attacks += 1;
        assert_eq!(alerts, vec!["replay_with_other_content"; attacks], "{}", row.kind);
    }
    // Nobody else is touched by it.
    assert_eq!(
        stage
            .site
            .count("SELECT count(*) FROM person WHERE subject LIKE '%user05%'")
            .await,
        0
    );
}
