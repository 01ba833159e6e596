//! What the listening server answers from: the intake, and the store behind readiness and gauges.

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::{Limits, Readiness, State, StoreGauges};
use crate::config::Listen;
use crate::intake::Intake;
use crate::store::Store;
use crate::telemetry;

pub(super) fn state(store: &Store, intake: Intake, targets: Vec<String>) -> State {
    State {
        intake: Arc::new(intake),
        readiness: Arc::new(Ready(store.clone())),
        metrics: telemetry::metrics(),
        gauges: Arc::new(StoreGauges::new(store.clone(), targets)),
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

struct Ready(Store);

#[async_trait]
impl Readiness for Ready {
    /// A target that is down or paused is no reason: signals are taken in and wait.
    async fn unready(&self) -> Vec<String> {
        match self.0.prove_writer().await {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!("the store cannot be written: {error}")],
        }
    }
}
