//! The shared state of every route: ports, limits, penalties, and the deliveries at work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client_penalty::ClientPenalties;
use super::throttled_endpoints::ThrottledEndpoints;
use super::{Limits, Ports};

/// What every route shares.
pub(super) struct AppState {
    pub(super) ports: Ports,
    pub(super) limits: Arc<Limits>,
    pub(super) penalties: ClientPenalties,
    throttled: Arc<ThrottledEndpoints>,
    /// At each endpoint one for each delivery at work, its sender waiting or not. Only endpoints that there are have an entry.
    permits: Mutex<HashMap<String, Arc<Semaphore>>>,
    pub(super) tracker: TaskTracker,
    /// Comes with the order to stop.
    pub(super) stopping: CancellationToken,
    /// Comes when what still runs is cut.
    pub(super) cut: CancellationToken,
}

impl AppState {
    /// Deliveries run in `tracker` until they are done or `cut`.
    pub(super) fn new(
        ports: Ports,
        limits: Arc<Limits>,
        tracker: TaskTracker,
        stopping: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        Self {
            ports,
            penalties: ClientPenalties::new(&limits),
            throttled: Arc::default(),
            permits: Mutex::default(),
            limits,
            tracker,
            stopping,
            cut,
        }
    }

    /// The permits of deliveries at work at `endpoint`, as many as may run at once.
    pub(super) fn permits(&self, endpoint: &str) -> Arc<Semaphore> {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.limits.deliveries.min(self.limits.connections);
        let permits = permits.entry(endpoint.to_owned());
        Arc::clone(permits.or_insert_with(|| Arc::new(Semaphore::new(most))))
    }

    /// Says that somebody is throttled at `endpoint`. Where nobody was until now, the intake is told, and told again once that is over: when
    /// whoever was throttled has earned back all that it had.
    pub(super) fn throttle(&self, endpoint: &str) {
        if !self.throttled.throttle(endpoint) {
            return;
        }
        let (intake, throttled, endpoint) = (
            Arc::clone(&self.ports.intake),
            Arc::clone(&self.throttled),
            endpoint.to_owned(),
        );
        let quiet = self.limits.failure_recovery.saturating_mul(self.limits.failures);
        let watched = async move {
            intake.throttling_started(&endpoint).await;
            while let Err(until) = throttled.release(&endpoint, quiet) {
                tokio::time::sleep_until(until).await;
            }
            intake.throttling_ended(&endpoint).await;
        };
        let stopping = self.stopping.clone();
        self.tracker.spawn(stopping.run_until_cancelled_owned(watched));
    }
}
