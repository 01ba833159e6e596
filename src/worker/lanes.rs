//! All lanes: starting them, offering their kept slots to the intake, and showing where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::AttemptLimits;
use super::backoff::Retries;
use super::breaker::BreakerSettings;
use super::guard::Guard;
use super::lane::Lane;
use super::permits::Pacer;
use super::promoter;
use super::quota::Rate;
use super::slots::Slot;
use crate::store::{Claim, Result, Store, StoreError};
use crate::targets::Target;

/// One lane as the config describes it.
pub struct LaneSettings {
    /// The target's name in the config.
    pub name: String,
    /// The target.
    pub target: Arc<dyn Target>,
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
    pub at_work: Option<usize>,
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

/// The lanes of a running daemon. Cheap to clone.
#[derive(Clone)]
pub struct Lanes(Arc<BTreeMap<String, Arc<Lane>>>);

impl Lanes {
    /// Starts one lane for each target, and the promoter. Leases of an earlier life must have been expired before.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn start(
        store: &Store,
        lanes: Vec<LaneSettings>,
        guard: Arc<dyn Guard>,
        settings: WorkSettings,
        shutdown: Shutdown,
    ) -> Result<Self> {
        let settings = Arc::new(settings);
        let mut started = BTreeMap::new();
        for lane in lanes {
            let paused = store.lane_paused(&lane.name).await?;
            let pacer = Arc::new(Pacer::new(&lane.name, lane.rate, lane.burst, lane.concurrency));
            if let Some(next) = store.permit_time(&lane.name).await? {
                pacer.close_for(next.since(store.clock().now()));
            }
            let lane = Lane::new(
                lane,
                store.clone(),
                Arc::clone(&guard),
                Arc::clone(&settings),
                shutdown.clone(),
                pacer,
                paused,
            );
            started.insert(lane.name.clone(), lane);
        }
        for lane in started.values() {
            lane.spawn();
        }
        shutdown.tracker.spawn(promoter::run(store.clone(), shutdown.soft.clone()));
        Ok(Self(Arc::new(started)))
    }

    /// The slot of `target` for one urgent job that is to be born claimed; `None` where the lane has none or could not start it now. Give
    /// it to [`Lanes::take`] with the claim, or drop it.
    #[must_use]
    pub fn reserve_urgent(&self, target: &str) -> Option<Slot> {
        self.0.get(target)?.reserve_urgent()
    }

    /// Starts a job that was born claimed.
    pub fn take(&self, claim: Claim, slot: Slot) {
        if let Some(lane) = self.0.get(&claim.job.target) {
            lane.take(claim, slot);
        } else {
            // Cannot be: the slot came from a lane. The lease brings the job back.
            tracing::error!(job.id = claim.job.id.0, "a job was claimed for a target that has no lane");
        }
    }

    /// Lets a paused lane work again, on an operator's word.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where there is no such lane, and where the store cannot be written.
    pub async fn resume(&self, target: &str) -> Result<()> {
        match self.0.get(target) {
            Some(lane) => lane.resume().await,
            None => Err(StoreError::Refused(format!("there is no target {target:?} in the config"))),
        }
    }

    /// Where each lane stands.
    #[must_use]
    pub fn status(&self) -> Vec<LaneStatus> {
        self.0.values().map(|lane| lane.status()).collect()
    }
}
