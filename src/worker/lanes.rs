//! All lanes: starting them, offering their kept slots to the intake, and showing where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::concurrency::Slot;
use super::lane::Lane;
use super::lane_settings::{LaneSettings, LaneStatus, Shutdown, WorkSettings};
use super::pacer::Pacer;
use super::protection::Protection;
use super::scheduler;
use crate::store::{Claim, Result, Store, StoreError};

/// The lanes of a running daemon. Cheap to clone.
#[derive(Clone)]
pub struct Lanes(Arc<BTreeMap<String, Arc<Lane>>>);

impl Lanes {
    /// Starts one lane for each target, and the scheduler. Leases of an earlier life must have been expired before.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn start(
        store: &Store,
        lanes: Vec<LaneSettings>,
        protection: Arc<dyn Protection>,
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
                Arc::clone(&protection),
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
        shutdown.spawn_watched("the scheduler", scheduler::run(store.clone(), shutdown.soft.clone()));
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
