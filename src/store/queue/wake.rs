//! Wakes lanes and the scheduler in process, after a commit that gave them work.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::store::Store;

impl Store {
    /// Is notified after a commit that queued work for the lane of `target`.
    #[must_use]
    pub fn wake(&self, target: &str) -> Arc<Notify> {
        let mut wakes = self.0.wakes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(wakes.entry(target.to_owned()).or_default())
    }

    /// Is notified after a commit that scheduled a job.
    #[must_use]
    pub fn wake_scheduler(&self) -> Arc<Notify> {
        Arc::clone(&self.0.scheduler)
    }

    pub(in crate::store) fn wake_lanes(&self, targets: &[String]) {
        for target in targets {
            self.wake(target).notify_one();
        }
    }

    /// Wakes every lane and the scheduler: another process has committed something.
    pub fn wake_everything(&self) {
        let wakes = self.0.wakes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for wake in wakes.values() {
            wake.notify_one();
        }
        self.0.scheduler.notify_one();
    }
}
