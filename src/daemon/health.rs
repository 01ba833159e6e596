//! Readiness, and the gauges that are read from the store when somebody asks for the metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::api::Readiness;
use crate::model::Timestamp;
use crate::store::{SourceHealth, Store};
use crate::telemetry::{Gauges, table};
use crate::transmitter::Transmitter;
use crate::worker::Lanes;

/// How long the store may take to prove that it can be written, and that it can be read.
const PROOF: Duration = Duration::from_secs(3);

/// How the daemon is, for those who ask.
pub(super) struct Health {
    store: Store,
    lanes: Lanes,
    transmitter: Option<Transmitter>,
    /// Held by whoever asks how we are, ready or in numbers: whoever asks often waits for himself, and not for the store's readers. With the kinds
    /// of alerts that were open at some time: one that is over must be shown as none.
    asked: Mutex<BTreeSet<String>>,
}

impl Health {
    pub(super) fn new(store: Store, lanes: Lanes, transmitter: Option<Transmitter>) -> Self {
        Self {
            store,
            lanes,
            transmitter,
            asked: Mutex::default(),
        }
    }
}

#[async_trait]
impl Readiness for Health {
    /// A target that is down or paused is no reason: signals are taken in and wait.
    async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let _alone = self.asked.lock().await;
        let proofs = tokio::join!(
            timeout(PROOF, self.store.probe_writer()),
            timeout(PROOF, self.store.probe_readers())
        );
        for (proof, doing) in [(proofs.0, "written"), (proofs.1, "read")] {
            match proof {
                Ok(Ok(())) => {}
                Ok(Err(error)) => reasons.push(format!("the store cannot be {doing}: {}", crate::model::error_chain(&error))),
                Err(_) => reasons.push(format!(
                    "the store cannot be {doing}: it did not answer within {} s",
                    PROOF.as_secs()
                )),
            }
        }
        // The writer's proof takes no room, so it works on a full disk too.
        match self.store.room() {
            Ok(room) if room.is_full() => {
                reasons.push(format!(
                    "the disk under the store is full: {} KiB are left",
                    room.bytes / 1024
                ));
            }
            Ok(_) => {}
            Err(error) => reasons.push(format!("the disk under the store cannot be asked for its room: {error}")),
        }
        reasons
    }
}

#[async_trait]
impl Gauges for Health {
    async fn refresh(&self) {
        let mut alerted = self.asked.lock().await;
        let counts = match self.store.counts().await {
            Ok(counts) => counts,
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not read the store for the metrics");
                return;
            }
        };
        for state in crate::model::JobState::WORDS {
            table::JOBS.set([state], number(counts.jobs.get(state).copied().unwrap_or(0)));
        }
        let now = self.store.clock().now();
        let age = |since: Option<Timestamp>| since.map_or(0.0, |at| now.since(at).as_secs_f64());
        table::LEDGER.set([], number(counts.ledger));
        table::LEDGER_OLDEST_SECONDS.set([], age(counts.ledger_oldest));
        match self.store.open_alerts_by_kind().await {
            Ok(open) => {
                alerted.extend(open.keys().cloned());
                for kind in alerted.iter() {
                    table::ALERTS_OPEN.set([kind], number(open.get(kind).copied().unwrap_or(0)));
                }
            }
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not count the alerts for the metrics");
            }
        }
        table::HOLDS_OPEN.set([], number(counts.holds));
        table::TRAIL_ENTRIES.set([], number(counts.trail));
        let unanchored = counts.trail - counts.signed.unwrap_or(0);
        table::TRAIL_UNANCHORED.set([], number(unanchored));
        table::TRAIL_UNANCHORED_SECONDS.set([], age(counts.signed_at.filter(|_| unanchored > 0)));
        table::WAL_BYTES.set([], number(i64::try_from(self.store.log_bytes()).unwrap_or(i64::MAX)));
        if let Ok(room) = self.store.room() {
            table::STORE_ROOM_BYTES.set([], number(i64::try_from(room.bytes).unwrap_or(i64::MAX)));
        }
        match self.store.source_health().await {
            Ok(sources) => sources.iter().for_each(|source| source_gauges(source, now)),
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not read the sources' health for the metrics");
            }
        }
        match self.store.channels().await {
            Ok(channels) => channels.iter().for_each(|channel| {
                table::NOTIFICATIONS_WAITING.set([&channel.channel], number(channel.waiting));
                table::NOTIFICATIONS_FAILING_SECONDS.set([&channel.channel], age(channel.failing_since));
            }),
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not read the channels of notifications for the metrics");
            }
        }
        for receiver in self.transmitter.iter().flat_map(Transmitter::receivers) {
            if let Ok(waiting) = self.store.pending(receiver).await {
                table::STATEMENTS_WAITING.set([receiver], number(waiting.pending));
                table::STATEMENTS_OLDEST_SECONDS.set([receiver], age(waiting.oldest));
            }
        }
        for lane in self.lanes.status() {
            table::LANE_PAUSED.set([&lane.target], if lane.paused.is_some() { 1.0 } else { 0.0 });
        }
    }
}

/// Sets what the metrics say of one source.
fn source_gauges(source: &SourceHealth, now: Timestamp) {
    let name = source.source.as_str();
    let age = |at: Timestamp| now.since(at).as_secs_f64();
    table::SOURCE_SILENT_SECONDS.set([name], age(source.silent_since()));
    for (gauge, at) in [
        (table::SOURCE_SIGNAL_SECONDS, source.signal_at),
        (table::SOURCE_VERIFIED_SECONDS, source.verified_at),
        (table::SOURCE_LOOKED_SECONDS, source.looked_at),
    ] {
        if let Some(at) = at {
            gauge.set([name], age(at));
        }
    }
    if let Some(lag) = source.lag {
        for (of, ms) in [("last", lag.last_ms), ("median", lag.median_ms), ("longest", lag.longest_ms)] {
            table::SOURCE_LAG_SECONDS.set([name, of], Duration::from_millis(ms).as_secs_f64());
        }
    }
    for (code, refusals) in &source.refused {
        table::SOURCE_REFUSED.set([name, code], number(refusals.times));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts stay far below 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}
