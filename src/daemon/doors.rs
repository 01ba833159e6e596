//! What the listening server answers from: the intake, the lanes and the store behind its ports.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::api::{Admission, Door, Limits, Readiness, Refusal, State, TurnedAway};
use crate::config::Listen;
use crate::intake::Intake;
use crate::model::Timestamp;
use crate::sources::{Rejection, RejectionKind, SenderAuth};
use crate::store::{SourceHealth, Store};
use crate::telemetry::{Gauges, Metrics, table};
use crate::transmitter::Transmitter;
use crate::worker::Lanes;

pub(super) fn state(store: &Store, lanes: &Lanes, intake: Intake, transmitter: Option<Transmitter>, metrics: Metrics) -> State {
    let front = Arc::new(Front {
        store: store.clone(),
        lanes: lanes.clone(),
        intake,
        transmitter: transmitter.clone(),
        asked: Mutex::new(()),
    });
    State {
        intake: front.clone(),
        transmitter: transmitter.map(|transmitter| Arc::new(Told(transmitter)) as Arc<dyn crate::api::Transmitter>),
        readiness: front.clone(),
        metrics,
        gauges: front,
    }
}

pub(super) fn limits(listen: &Listen) -> Limits {
    Limits {
        header: listen.header,
        body: listen.body,
        connections: super::descriptors::connections(listen.connections),
        connections_per_address: listen.per_peer,
        proxies: listen.proxies.clone(),
        ..Limits::default()
    }
}

/// How long the store may take to prove that it can be written, and that it can be read.
const PROOF: Duration = Duration::from_secs(3);

/// With less room than this a delivery may not fit, and its sender is better off elsewhere or later.
const LEAST_ROOM: u64 = 1 << 20;

struct Front {
    store: Store,
    lanes: Lanes,
    intake: Intake,
    transmitter: Option<Transmitter>,
    /// Held by whoever asks how we are, ready or in numbers: whoever asks often waits for himself, and not for the store's readers.
    asked: Mutex<()>,
}

/// The largest body that a receiver may send: a thousand acknowledgements and as many errors fit.
const ASKED_CAP: usize = 256 << 10;

struct Told(Transmitter);

#[async_trait]
impl crate::api::Transmitter for Told {
    fn door(&self, path: &str) -> Option<Door> {
        self.0.page(path).map(|page| Door {
            body_cap: ASKED_CAP,
            methods: page.methods(),
        })
    }

    fn admits(&self, head: &http::Request<Bytes>) -> Admission {
        match self.0.knows(head) {
            None => Admission::Unread,
            Some(true) => Admission::Proven,
            Some(false) => Admission::Refused(Refusal {
                code: "unauthorized",
                why: "the receiver's token is missing or not valid here".to_owned(),
                answer: Transmitter::unauthorized(),
            }),
        }
    }

    async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        self.0.answer(&request).await
    }
}

#[async_trait]
impl crate::api::Intake for Front {
    fn door(&self, source: &str, below: Option<&str>) -> Option<Door> {
        let push = self.intake.push_source(source)?;
        below.is_none_or(|below| push.has_path_below(below)).then(|| Door {
            body_cap: push.body_cap(),
            methods: push.methods(),
        })
    }

    async fn admits(&self, source: &str, head: &http::Request<Bytes>) -> Admission {
        match self.intake.admits(source, head).await {
            Ok(SenderAuth::Proven) => Admission::Proven,
            Ok(SenderAuth::Unread) => Admission::Unread,
            Err(refused) => Admission::Refused(Refusal {
                code: refused.rejection.code,
                why: refused.rejection.description,
                answer: refused.answer,
            }),
        }
    }

    async fn proves(&self, source: &str, request: &http::Request<Bytes>) -> bool {
        self.intake.proves(source, request).await
    }

    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        self.intake.deliver(source, &request).await
    }

    async fn turned_away(&self, source: &str, refused: TurnedAway<'_>) {
        let rejection = Rejection {
            kind: RejectionKind::Malformed,
            code: refused.code,
            description: refused.why.to_owned(),
            digest: None,
        };
        self.intake.refuse(source, &rejection, refused.proven, refused.trace).await;
    }

    async fn closed(&self, source: &str) {
        self.intake.endpoint_closed(source).await;
    }

    async fn opened(&self, source: &str) {
        self.intake.endpoint_opened(source).await;
    }

    async fn passed_on(&self, by: IpAddr) {
        self.intake.passed_on(by).await;
    }
}

#[async_trait]
impl Readiness for Front {
    /// A target that is down or paused is no reason: signals are taken in and wait.
    async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let _alone = self.asked.lock().await;
        let proofs = tokio::join!(
            timeout(PROOF, self.store.prove_writer()),
            timeout(PROOF, self.store.prove_readers())
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
            Ok(room) if room < LEAST_ROOM => {
                reasons.push(format!("the disk under the store is full: {} KiB are left", room / 1024));
            }
            Ok(_) => {}
            Err(error) => reasons.push(format!("the disk under the store cannot be asked for its room: {error}")),
        }
        reasons
    }
}

#[async_trait]
impl Gauges for Front {
    async fn refresh(&self) {
        let _alone = self.asked.lock().await;
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
        table::ALERTS_OPEN.set([], number(counts.alerts));
        table::HOLDS_OPEN.set([], number(counts.holds));
        table::TRAIL_ENTRIES.set([], number(counts.trail));
        let unanchored = counts.trail - counts.signed.unwrap_or(0);
        table::TRAIL_UNANCHORED.set([], number(unanchored));
        table::TRAIL_UNANCHORED_SECONDS.set([], age(counts.signed_at.filter(|_| unanchored > 0)));
        table::WAL_BYTES.set([], number(wal_bytes(&self.store).await));
        match self.store.source_health().await {
            Ok(sources) => sources.iter().for_each(|source| health(source, now)),
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not read the sources' health for the metrics");
            }
        }
        for receiver in self.transmitter.iter().flat_map(Transmitter::receivers) {
            if let Ok(untold) = self.store.untold(receiver).await {
                table::STATEMENTS_WAITING.set([receiver], number(untold.pending));
                table::STATEMENTS_OLDEST_SECONDS.set([receiver], age(untold.oldest));
            }
        }
        for lane in self.lanes.status() {
            table::LANE_PAUSED.set([&lane.target], if lane.paused.is_some() { 1.0 } else { 0.0 });
        }
    }
}

/// Sets what the metrics say of one source.
fn health(source: &SourceHealth, now: Timestamp) {
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

/// Looked up by name and never opened: closing any descriptor of the file would drop SQLite's locks. Absent means empty.
async fn wal_bytes(store: &Store) -> i64 {
    let mut path = store.path().as_os_str().to_owned();
    path.push("-wal");
    tokio::fs::metadata(path)
        .await
        .map_or(0, |wal| i64::try_from(wal.len()).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts stay far below 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}
