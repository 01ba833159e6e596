//! What a lane is given and what it shows: its settings, the settings all lanes share, how they are shut down, and their status.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::AttemptLimits;
use super::breaker::BreakerSettings;
use super::token_bucket::Rate;
use crate::backoff::Retries;
use crate::supervision::Supervisor;
use crate::targets::{Target, TargetRole};

/// One lane as the config describes it.
pub struct LaneSettings {
    /// The target's name in the config.
    pub name: String,
    /// The target.
    pub target: Arc<dyn Target>,
    /// What it is to the other targets.
    pub role: TargetRole,
    /// How many calls it may be sent.
    pub rate: Rate,
    /// How many calls urgent work may send at once after the lane was idle; up to 1 for none.
    pub burst: u32,
    /// How many calls are under way at once, at least one. From two on, the last is kept for urgent ones.
    pub concurrency: usize,
}

/// What all lanes share.
#[derive(Debug, Clone, Default)]
pub struct WorkSettings {
    /// How jobs are tried again.
    pub retries: Retries,
    /// When a lane stops calling a target that fails.
    pub breaker: BreakerSettings,
    /// How patient one attempt is.
    pub attempt_limits: AttemptLimits,
    /// How many urgent jobs are at work at one target, and how many others; as its rate allows where it says nothing.
    pub concurrent_jobs: Option<usize>,
    /// The seed of all jitter; none in earnest.
    pub seed: Option<u64>,
}

/// How lanes live and end.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Everything that lanes spawn is tracked here. Close it after `soft`, then wait for it.
    pub tracker: TaskTracker,
    /// Lanes claim nothing more; attempts run to their end.
    pub soft: CancellationToken,
    /// Attempts are cut off at their present call and give their job back.
    pub hard: CancellationToken,
    /// Is told of a lane, a pacer or the scheduler that ends before `soft` or panics.
    pub supervisor: Supervisor,
}

impl Shutdown {
    /// Spawns work that must not end before `soft`.
    pub fn spawn_watched(&self, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(self.supervisor.watch(name, self.soft.clone(), work));
    }
}

/// Where a lane stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LaneStatus {
    /// The target's name.
    pub target: String,
    /// Jobs that run.
    pub running: usize,
    /// Calls that wait for a permit.
    pub waiting_for_permit: usize,
    /// Why it is paused, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Whether its breaker is open: the target does not answer.
    pub down: bool,
}
