//! What the routes answer from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::closed::Closed;
use super::failures::Failures;
use super::{Limits, State};

/// What the routes answer from.
pub(super) struct Doorway {
    pub(super) state: State,
    pub(super) limits: Arc<Limits>,
    pub(super) failures: Failures,
    closed: Arc<Closed>,
    /// At each door one for each delivery at work, its sender waiting or not. Only doors that there are have an entry.
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
    pub(super) tracker: TaskTracker,
    /// Comes with the order to stop.
    pub(super) stopping: CancellationToken,
    /// Comes when what still runs is cut.
    pub(super) cut: CancellationToken,
}

impl Doorway {
    /// Deliveries run in `tracker` until they are done or `cut`.
    pub(super) fn new(
        state: State,
        limits: Arc<Limits>,
        tracker: TaskTracker,
        stopping: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        Self {
            state,
            failures: Failures::new(&limits),
            closed: Arc::default(),
            places: Mutex::default(),
            limits,
            tracker,
            stopping,
            cut,
        }
    }

    /// The places for deliveries at work at `door`.
    pub(super) fn places(&self, door: &str) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.limits.deliveries.min(self.limits.connections);
        let places = places.entry(door.to_owned());
        Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(most))))
    }

    /// Says that somebody is held off at `door`. Where nobody was until now, the intake is told, and told again once that is over: when
    /// whoever was held off has earned back all that it had.
    pub(super) fn close(&self, door: &str) {
        if !self.closed.hold_off(door) {
            return;
        }
        let (intake, closed, door) = (Arc::clone(&self.state.intake), Arc::clone(&self.closed), door.to_owned());
        let quiet = self.limits.failure_recovery.saturating_mul(self.limits.failures);
        let watched = async move {
            intake.closed(&door).await;
            while let Err(until) = closed.open(&door, quiet) {
                tokio::time::sleep_until(until).await;
            }
            intake.opened(&door).await;
        };
        let stopping = self.stopping.clone();
        self.tracker.spawn(stopping.run_until_cancelled_owned(watched));
    }
}
