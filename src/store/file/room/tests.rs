//! A store without room: SQLite itself says so, since its database may have no more pages. Needs no disk of its own, so it runs everywhere.

use std::sync::Arc;

use revoked_trail::EntryKind;

use super::*;
use crate::clock::Clock;
use crate::model::{Delivery, Evidence, Priority, Reason, Settlement, Signal, Timestamp};
use crate::policy::Policy;
use crate::store::{Alert, Role};

const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

struct Place {
    store: Store,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fixed(NOW));
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, clock.clone()).await.unwrap();
        Self { store, clock, folder }
    }

    async fn limit_pages(&self, sql: &'static str) {
        let limited = self.store.write(move |tx| {
            Box::pin(async move {
                let limited = sqlx::query(sql).fetch_one(&mut *tx.conn).await;
                limited.map(|_| ()).map_err(StoreError::sql("limiting the pages"))
            })
        });
        limited.await.unwrap();
    }

    async fn record(&self, bytes: usize) -> Result<()> {
        let detail = serde_json::json!({ "said": "x".repeat(bytes) });
        self.store.record(EntryKind::DaemonStarted, detail).await
    }

    /// Writes until nothing more fits.
    async fn fill(&self) {
        // As many as there are.
        self.limit_pages("PRAGMA max_page_count = 1").await;
        for bytes in [20_000, 500, 0] {
            let mut tries = 0;
            while self.record(bytes).await.is_ok() {
                tries += 1;
                assert!(tries < 1000, "it is never full");
            }
        }
        assert!(matches!(self.record(0).await, Err(StoreError::Full)));
    }

    async fn make_room(&self) {
        self.limit_pages("PRAGMA max_page_count = 1000000").await;
    }

    async fn alerts(&self) -> Vec<Alert> {
        let alerts = self.store.alerts(true).await.unwrap().into_iter();
        alerts.filter(|alert| alert.kind == "disk_full").collect()
    }
}

#[tokio::test]
async fn a_full_disk_alerts_as_soon_as_that_can_be_written_and_is_over_with_the_truth_when_there_is_room() {
    let (place, mut looks) = (Place::new().await, Looks::default());
    place.record(0).await.unwrap();
    assert!(looks.look(&place.store).await);
    place.fill().await;
    assert!(!looks.look(&place.store).await);
    assert!(!looks.look(&place.store).await);
    assert!(place.alerts().await.is_empty(), "nothing can be written");
    place.make_room().await;
    // The last try has failed, so the next one shows that there is room.
    assert!(!looks.look(&place.store).await);
    let [alert] = &place.alerts().await[..] else { panic!() };
    assert!(alert.summary.starts_with("the disk under the store is full"), "{alert:?}");
    assert_eq!(alert.cleared_at, None, "it is full");
    assert!(looks.look(&place.store).await);
    assert!(looks.look(&place.store).await);
    let [alert] = &place.alerts().await[..] else { panic!() };
    assert_eq!(
        alert.summary,
        "the disk under the store was full for 1 s and has room again: what did not fit was not stored meanwhile, and senders were told to come again"
    );
    assert_eq!((alert.times, alert.cleared_by.as_deref()), (2, Some("daemon")));
    place.record(20_000).await.unwrap();
}

#[tokio::test]
async fn an_alert_of_an_earlier_run_that_the_disk_is_full_is_over_at_the_first_look_that_finds_room() {
    let place = Place::new().await;
    let said = "the disk under the store is full (0 KiB are left)".to_owned();
    place.store.raise_alert("disk_full", "store".to_owned(), said).await.unwrap();
    let mut looks = Looks::default();
    assert!(looks.look(&place.store).await);
    let [alert] = &place.alerts().await[..] else { panic!() };
    assert_eq!(
        (alert.summary.as_str(), alert.cleared_by.as_deref()),
        (
            "the disk under the store was full when the daemon ran last, and has room again",
            Some("daemon")
        )
    );
    assert!(looks.look(&place.store).await);
    assert_eq!(place.alerts().await.len(), 1, "nothing new is said");
}

#[tokio::test]
async fn an_end_that_cannot_be_written_waits_for_room_until_the_daemon_stops() {
    for stops in [false, true] {
        let place = Place::new().await;
        let signal = Signal::new("1", [1; 32], "username:alice".parse().unwrap(), Reason::Logout);
        let delivery = Delivery::of("idp", vec![signal], place.clock.now());
        let policy = Arc::new(Policy::standard(&["chat"]));
        place
            .store
            .accept(policy, delivery, crate::store::SlotOffers::default())
            .await
            .unwrap();
        let claim = place.store.claim("chat", Priority(9), 1).await.unwrap().pop().unwrap();
        place.fill().await;
        let store = place.store.clone();
        let end = Settlement::Interrupted;
        let mut settled = tokio::spawn(async move { store.settle(claim, Vec::new(), Evidence::default(), end).await });
        // Longer than between two tries.
        let early = tokio::time::timeout(Duration::from_millis(1500), &mut settled).await;
        assert!(early.is_err(), "it gave up: {early:?}");
        if stops {
            place.store.stop_waiting_for_room();
        } else {
            place.make_room().await;
        }
        let settled = tokio::time::timeout(Duration::from_secs(5), settled).await.unwrap().unwrap();
        if stops {
            assert!(matches!(settled, Err(StoreError::Full)), "{settled:?}");
            place.store.close().await;
            // The next start takes the job back.
            let path = place.folder.path().join("revoked.db");
            let again = Store::open(&path, Role::Daemon, place.clock.clone()).await.unwrap();
            assert_eq!(again.expire_leases(true).await.unwrap(), 1);
        } else {
            settled.unwrap();
            assert_eq!(place.store.expire_leases(true).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn a_store_that_finds_no_room_at_its_first_start_leaves_the_trail_to_the_first_checkpoint() {
    let (place, mut looks) = (Place::new().await, Looks::default());
    place.store.0.out_of_room.note(&Err::<(), _>(StoreError::Full));
    assert!(!looks.look(&place.store).await);
    assert!(looks.look(&place.store).await);
    assert_eq!(place.store.trail_head().await.unwrap().size(), 0);
    assert!(place.alerts().await.is_empty());
}
