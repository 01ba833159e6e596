//! Readiness, and the gauges that are read from the store when somebody asks for the metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::api::Readiness;
use crate::model::Timestamp;
use crate::store::{SourceHealth, Store};
use crate::telemetry::{Gauges, table};
use crate::transmitter::Transmitter;
use crate::worker::Lanes;

/// How long the store may take to prove that it can be written, and that it can be read.
const PROOF: Duration = Duration::from_secs(3);

/// How long a lane may stand still, and how long entries may wait for a checkpoint, before that is said.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the trail's alerts say of its checkpoints, by their kind.
const ANCHORS: [(&str, &str); 2] = [
    (
        "anchor_lost",
        "the file of the trail's checkpoints is gone, or holds less than was written to it",
    ),
    ("checkpoint_failed", "no checkpoint of the trail can be signed or written"),
];

/// How the daemon is, for those who ask.
pub(super) struct Health {
    store: Store,
    lanes: Lanes,
    transmitter: Option<Transmitter>,
    patience: Duration,
    /// Held by whoever asks how we are, ready or in numbers: whoever asks often waits for himself, and not for the store's readers.
    asked: Mutex<Known>,
}

/// What is kept from one asking to the next.
#[derive(Default)]
struct Known {
    /// The kinds of alerts that were open at some time: one that is over must be shown as none.
    alerted: BTreeSet<String>,
    /// The size of the newest checkpoint, and since when it was seen that there is more than it covers.
    uncovered: Option<(i64, Instant)>,
}

impl Health {
    pub(super) fn new(store: Store, lanes: Lanes, transmitter: Option<Transmitter>) -> Self {
        Self {
            store,
            lanes,
            transmitter,
            patience: PATIENCE,
            asked: Mutex::default(),
        }
    }

    /// The lanes that stand still. One whose target is paused or down looks at its queue all the same.
    fn lanes_that_stand(&self) -> Vec<String> {
        let standing = self.lanes.standing(self.patience).into_iter();
        let told = standing.map(|(target, length)| {
            let seconds = length.as_secs();
            format!("the lane of target {target} has stood still for {seconds} s: nothing is ended there")
        });
        told.collect()
    }

    /// What is wrong with the trail's checkpoints: what happens goes on being recorded, and nothing outside vouches for it.
    async fn anchors_that_fail(&self, known: &mut Known) -> Vec<String> {
        let mut reasons = Vec::new();
        for (kind, says) in ANCHORS {
            // A store that cannot be read is told by itself.
            if matches!(timeout(PROOF, self.store.alert_is_open(kind, "trail")).await, Ok(Ok(true))) {
                reasons.push(says.to_owned());
            }
        }
        let Ok(Ok(counts)) = timeout(PROOF, self.store.counts()).await else {
            return reasons;
        };
        let signed = counts.signed.unwrap_or(0);
        if counts.trail <= signed {
            known.uncovered = None;
            return reasons;
        }
        let since = match known.uncovered {
            Some((size, since)) if size == signed => since,
            _ => known.uncovered.insert((signed, Instant::now())).1,
        };
        if since.elapsed() > self.patience {
            let (more, seconds) = (counts.trail - signed, since.elapsed().as_secs());
            reasons.push(format!(
                "no checkpoint was signed for {seconds} s, and {more} entries of the trail wait for one"
            ));
        }
        reasons
    }
}

#[async_trait]
impl Readiness for Health {
    /// A target that is down or paused is no reason: signals are taken in and wait.
    async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut known = self.asked.lock().await;
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
        reasons.extend(self.lanes_that_stand());
        reasons.extend(self.anchors_that_fail(&mut known).await);
        reasons
    }
}

#[async_trait]
impl Gauges for Health {
    async fn refresh(&self) {
        let mut known = self.asked.lock().await;
        let alerted = &mut known.alerted;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex as Blocking;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::clock::Clock;
    use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject};
    use crate::policy::Policy;
    use crate::store::Role;
    use crate::supervision::Supervisor;
    use crate::targets::{Applied, CallContext, ObservationRequest, Probe, Remedy, Target, TargetError, TargetRole};
    use crate::worker::{LaneSettings, Rate, Shutdown, WorkSettings};

    /// A connector with a defect: its probe blocks the thread that it runs on, until the other end of the channel is gone.
    struct Blocks(Blocking<std::sync::mpsc::Receiver<()>>);

    fn refused<T>() -> Result<T, TargetError> {
        Err(TargetError {
            doing: "asking".to_owned(),
            remedy: Remedy::GiveUp,
            source: anyhow::anyhow!("it only blocks"),
            request: None,
        })
    }

    #[async_trait]
    impl Target for Blocks {
        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        async fn resolve(&self, _: &CallContext, _: &Subject) -> Result<Resolution, TargetError> {
            refused()
        }

        async fn observe(&self, _: &CallContext, _: &Principal, _: &ObservationRequest) -> Result<Access, TargetError> {
            refused()
        }

        async fn apply(&self, _: &CallContext, _: &Action, _: &[Principal]) -> Result<Applied, TargetError> {
            refused()
        }

        async fn probe(&self, _: &CallContext) -> Result<Probe, TargetError> {
            let _ = self.0.lock().map(|end| end.recv());
            refused()
        }
    }

    async fn store(folder: &std::path::Path) -> Store {
        Store::open(&folder.join("revoked.db"), Role::Daemon, Clock::system())
            .await
            .unwrap()
    }

    async fn lanes(store: &Store, target: Arc<dyn Target>) -> (Lanes, Shutdown) {
        let shutdown = Shutdown {
            tracker: TaskTracker::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            supervisor: Supervisor::default(),
        };
        let lane = LaneSettings {
            name: "chat".to_owned(),
            target,
            role: TargetRole::Application,
            rate: Rate::per(10, Duration::from_secs(1)).unwrap(),
            burst: 1,
            concurrency: 2,
        };
        let policy = Arc::new(Policy::standard(&["chat"]));
        let lanes = Lanes::start(store, vec![lane], policy, WorkSettings::default(), shutdown.clone()).await;
        (lanes.unwrap(), shutdown)
    }

    async fn until_says(health: &Health, what: &str) {
        let said = async {
            while !health.unready().await.iter().any(|reason| reason.contains(what)) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_mins(2), said).await.expect(what);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_lane_that_stands_still_is_no_daemon_that_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        store.pause_lane("chat", "a test").await.unwrap();
        let (end, blocked) = std::sync::mpsc::channel::<()>();
        let (lanes, shutdown) = lanes(&store, Arc::new(Blocks(Blocking::new(blocked)))).await;
        let health = Health::new(store.clone(), lanes.clone(), None);
        assert_eq!(health.unready().await, [""; 0], "a probe may take its time");
        let stands = async {
            loop {
                // As if that time had passed.
                lanes.age(Duration::from_mins(2));
                let said = health.unready().await.concat();
                if said.starts_with("the lane of target chat has stood still for ") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_mins(2), stands).await.expect("it stands");
        drop(end);
        let goes_on = async {
            while !health.unready().await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_mins(2), goes_on).await.expect("it goes on");
        shutdown.soft.cancel();
        store.close().await;
    }

    #[tokio::test]
    async fn entries_that_no_checkpoint_covers_for_long_are_said_and_an_anchor_that_fails_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let (_end, blocked) = std::sync::mpsc::channel::<()>();
        let (lanes, shutdown) = lanes(&store, Arc::new(Blocks(Blocking::new(blocked)))).await;
        let mut health = Health::new(store.clone(), lanes, None);
        let detail = serde_json::json!({});
        store.record(revoked_trail::EntryKind::DaemonStarted, detail).await.unwrap();
        assert_eq!(health.unready().await, [""; 0], "the signer has a moment");
        health.patience = Duration::from_millis(20);
        until_says(&health, "1 entries of the trail wait for one").await;
        store.keep_checkpoint(1, "a note".to_owned(), true).await.unwrap();
        assert_eq!(health.unready().await, [""; 0]);
        health.patience = PATIENCE;
        for (kind, says) in ANCHORS {
            store
                .raise_alert(kind, "trail".to_owned(), "a test".to_owned())
                .await
                .unwrap();
            assert_eq!(health.unready().await, [says]);
            store.end_alert(kind, "trail".to_owned()).await.unwrap();
        }
        shutdown.soft.cancel();
        store.close().await;
    }
}
