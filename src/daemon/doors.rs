//! What the listening server answers from: the intake, the lanes and the store behind its ports.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::api::{Door, Limits, Readiness, State};
use crate::config::Listen;
use crate::intake::Intake;
use crate::store::Store;
use crate::telemetry::{Gauges, Metrics, table};
use crate::worker::Lanes;

pub(super) fn state(store: &Store, lanes: &Lanes, intake: Intake, tracker: TaskTracker, metrics: Metrics) -> State {
    let front = Arc::new(Front {
        store: store.clone(),
        lanes: lanes.clone(),
        intake,
        tracker,
    });
    State {
        intake: front.clone(),
        readiness: front.clone(),
        metrics,
        gauges: front,
    }
}

pub(super) fn limits(listen: &Listen) -> Limits {
    Limits {
        header: listen.header,
        body: listen.body,
        connections: listen.connections,
        connections_per_address: listen.per_peer,
        proxies: listen.proxies.clone(),
        ..Limits::default()
    }
}

struct Front {
    store: Store,
    lanes: Lanes,
    intake: Intake,
    tracker: TaskTracker,
}

#[async_trait]
impl crate::api::Intake for Front {
    fn door(&self, source: &str) -> Option<Door> {
        self.intake.push_source(source).map(|push| Door {
            body_cap: push.body_cap(),
            methods: push.methods(),
        })
    }

    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> http::Response<Bytes> {
        // The server drops this future when the sender hangs up. What was stored must still reach its lane, so the work is not ours to
        // drop with it.
        let (intake, source) = (self.intake.clone(), source.to_owned());
        let answer = self
            .tracker
            .spawn(async move { intake.deliver(&source, &request).await })
            .await;
        answer.ok().flatten().unwrap_or_else(|| {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            response
        })
    }
}

#[async_trait]
impl Readiness for Front {
    /// A target that is down or paused is no reason: signals are taken in and wait.
    async fn unready(&self) -> Vec<String> {
        match self.store.prove_writer().await {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!("the store cannot be written: {error}")],
        }
    }
}

#[async_trait]
impl Gauges for Front {
    async fn refresh(&self) {
        let counts = match self.store.counts().await {
            Ok(counts) => counts,
            Err(error) => {
                tracing::warn!(error = %crate::model::chain(&error), "could not read the store for the metrics");
                return;
            }
        };
        for state in crate::model::JobState::WORDS {
            table::JOBS.set([state], number(counts.jobs.get(state).copied().unwrap_or(0)));
        }
        table::LEDGER.set([], number(counts.ledger));
        table::ALERTS_OPEN.set([], number(counts.alerts));
        table::TRAIL_ENTRIES.set([], number(counts.trail));
        table::TRAIL_UNANCHORED.set([], number(counts.trail - counts.signed.unwrap_or(0)));
        for lane in self.lanes.status() {
            table::LANE_PAUSED.set([&lane.target], if lane.paused.is_some() { 1.0 } else { 0.0 });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts stay far below 2^53")]
fn number(count: i64) -> f64 {
    count as f64
}
