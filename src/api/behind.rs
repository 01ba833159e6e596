//! What stands behind the ports in the daemon: the intake and the store.

use async_trait::async_trait;
use bytes::Bytes;

use super::{Door, Intake};
use crate::intake::Intake as Taker;
use crate::model::{Timestamp, chain};
use crate::store::{Counts, Store};
use crate::telemetry::{Gauges, table};

#[async_trait]
impl Intake for Taker {
    fn door(&self, source: &str) -> Option<Door> {
        self.push_source(source).map(|push| Door {
            body_cap: push.body_cap(),
            methods: push.methods(),
        })
    }

    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        Self::deliver(self, source, &request).await
    }
}

/// The gauges that are read from the store.
pub struct StoreGauges {
    store: Store,
    targets: Vec<String>,
}

impl StoreGauges {
    /// Gauges of `store`, with a lane for each of `targets`.
    #[must_use]
    pub fn new(store: Store, targets: Vec<String>) -> Self {
        Self { store, targets }
    }
}

#[async_trait]
impl Gauges for StoreGauges {
    async fn refresh(&self) {
        match self.store.counts().await {
            Ok(counts) => set(&counts, &self.targets, self.store.clock().now()),
            Err(error) => tracing::warn!(error = %chain(&error), "reading the gauges of /metrics; they stay as they were"),
        }
        let mut log = self.store.path().as_os_str().to_owned();
        log.push("-wal");
        // Looked up by name and never opened: closing a descriptor of the file would drop SQLite's locks. Absent means empty.
        let bytes = tokio::fs::metadata(log).await.map_or(0, |wal| wal.len());
        table::WAL_BYTES.set([], float(bytes));
    }
}

/// States of a job that are shown even where no job is in them, so that an alarm on one of them has a series to watch.
const STATES: &[&str] = &["scheduled", "queued", "running", "held", "done", "failed", "cancelled"];

fn set(counts: &Counts, targets: &[String], now: Timestamp) {
    for state in STATES {
        table::JOBS.set([state], float(counts.jobs.get(*state).copied().unwrap_or(0)));
    }
    for target in targets {
        table::LANE_PAUSED.set([target], f64::from(u8::from(counts.paused.contains_key(target))));
    }
    table::LEDGER.set([], float(counts.ledger));
    let oldest = counts.ledger_oldest.map_or(0.0, |at| now.since(at).as_secs_f64());
    table::LEDGER_OLDEST_SECONDS.set([], oldest);
    table::ALERTS_OPEN.set([], float(counts.alerts));
    table::HOLDS_OPEN.set([], float(counts.holds));
    table::TRAIL_ENTRIES.set([], float(counts.trail));
    let unanchored = counts.trail.saturating_sub(counts.signed.unwrap_or(0)).max(0);
    table::TRAIL_UNANCHORED.set([], float(unanchored));
    let behind = counts
        .signed_at
        .filter(|_| unanchored > 0)
        .map_or(0.0, |at| now.since(at).as_secs_f64());
    table::TRAIL_UNANCHORED_SECONDS.set([], behind);
}

/// A count as a gauge's value: exact up to 2^53, which no count here reaches.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts stay far below 2^53")]
fn float(count: impl TryInto<i64>) -> f64 {
    count.try_into().unwrap_or(i64::MAX) as f64
}
