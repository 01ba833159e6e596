//! All lanes: starting them, offering their kept slots to the intake, and showing where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::concurrency::Slot;
use super::lane::Lane;
use super::lane_settings::{LaneSettings, LaneStatus, Shutdown, WorkSettings};
use super::pacer::Pacer;
use super::protection::Protection;
use super::scheduler;
use crate::model::{Delivery, Receipt, error_chain};
use crate::policy::Policy;
use crate::store::{Claim, Result, SlotOffer, SlotOffers, Store, StoreError, TargetPause};

/// How often it is looked which targets an operator has paused.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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
        let halted = store.paused_targets().await?;
        for lane in lanes {
            let paused = store.lane_paused(&lane.name).await?;
            let pacer = Arc::new(Pacer::new(&lane.name, lane.rate, lane.burst, lane.concurrency));
            if let Some(next) = store.permit_time(&lane.name).await? {
                pacer.close_for(next.since(store.clock().now()));
            }
            let name = lane.name.clone();
            let lane = Lane::new(
                lane,
                store.clone(),
                Arc::clone(&protection),
                Arc::clone(&settings),
                shutdown.clone(),
                pacer,
                (paused, halted.get(&name).map(TargetPause::sentence)),
            );
            started.insert(lane.name.clone(), lane);
        }
        for lane in started.values() {
            lane.spawn();
        }
        shutdown.spawn_watched("the scheduler", scheduler::run(store.clone(), shutdown.soft.clone()));
        let lanes = Self(Arc::new(started));
        shutdown.spawn_watched(
            "the look at paused targets",
            lanes.clone().obey_pauses(store.clone(), shutdown.soft.clone()),
        );
        Ok(lanes)
    }

    /// Has a delivery stored. Each lane offers a slot to an urgent job of it, whose reads begin beside the commit.
    ///
    /// # Errors
    /// Where the store cannot be written; nothing of the delivery is stored then, or of a large file a part.
    pub async fn accept(&self, store: &Store, policy: Arc<Policy>, delivery: Delivery) -> Result<Receipt> {
        if !delivery.signals.iter().any(|signal| signal.priority.is_urgent()) {
            let accepted = store.accept(policy, delivery, SlotOffers::default()).await?;
            return Ok(accepted.receipt);
        }
        let mut slots = BTreeMap::new();
        let mut offered = Vec::new();
        for target in self.0.keys() {
            if let Some((offer, slot)) = self.offer_urgent(target) {
                slots.insert(target.clone(), slot);
                offered.push(offer);
            }
        }
        let (born, claims) = mpsc::unbounded_channel();
        let offers = SlotOffers {
            slots: offered,
            born: Some(born),
        };
        let mut begin = |claim: Claim| {
            if let Some(slot) = slots.remove(&claim.job.target) {
                self.take(claim, slot);
            }
        };
        let accepted = beginning(claims, &mut begin, store.accept(policy, delivery, offers)).await?;
        accepted.claims.into_iter().for_each(begin);
        Ok(accepted.receipt)
    }

    /// The slot of `target` for one urgent job that is to be born claimed, with what the store is told of it; `None` where the lane has none
    /// or could not start it now. Give it to [`Lanes::take`] with the claim, or drop it.
    #[must_use]
    pub fn offer_urgent(&self, target: &str) -> Option<(SlotOffer, Slot)> {
        let lane = self.0.get(target)?;
        let offer = SlotOffer {
            target: target.to_owned(),
            able: Arc::new(lane.target.capabilities()),
        };
        Some((offer, lane.reserve_urgent()?))
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

    /// The targets whose lane has stood still for longer than this, each with for how long.
    #[must_use]
    pub fn standing(&self, longer_than: Duration) -> Vec<(String, Duration)> {
        let lanes = self.0.iter().map(|(name, lane)| (name.clone(), lane.stands_for()));
        lanes.filter(|(_, length)| *length > longer_than).collect()
    }

    /// Makes every lane later than it is by that long, as a test cannot wait.
    #[cfg(test)]
    pub(crate) fn age(&self, by: Duration) {
        for lane in self.0.values() {
            lane.age(by);
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

    /// Looks which targets an operator has paused, until `soft`: a command of another process says so in the store alone.
    async fn obey_pauses(self, store: Store, soft: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        while soft.run_until_cancelled(ticks.tick()).await.is_some() {
            match store.paused_targets().await {
                Ok(paused) => {
                    for (name, lane) in self.0.iter() {
                        lane.halt(paused.get(name).map(TargetPause::sentence));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "could not look which targets are paused; they stay as they are");
                }
            }
        }
    }

    /// Where each lane stands.
    #[must_use]
    pub fn status(&self) -> Vec<LaneStatus> {
        self.0.values().map(|lane| lane.status()).collect()
    }
}

/// Waits for an answer, and begins what is born meanwhile as soon as it is told of. Whatever was told of before the answer is begun before this
/// returns: a claim that is lost here keeps its job from everybody until its lease ends.
async fn beginning<T, A>(mut born: mpsc::UnboundedReceiver<T>, mut begin: impl FnMut(T), answer: impl Future<Output = A>) -> A {
    let mut answer = std::pin::pin!(answer);
    let answer = loop {
        tokio::select! {
            biased;
            Some(one) = born.recv() => begin(one),
            answer = &mut answer => break answer,
        }
    };
    // Between the look at the one and the look at the other, both may have come.
    while let Ok(one) = born.try_recv() {
        begin(one);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_born_between_the_last_look_and_the_answer_is_begun_too() {
        let (teller, born) = mpsc::unbounded_channel();
        teller.send("before").unwrap();
        let mut begun = Vec::new();
        // Polled after nothing more was found, it tells of another, and answers at once: as a writer does that is done before we look again.
        let answer = async {
            teller.send("between").unwrap();
            "stored"
        };
        assert_eq!(beginning(born, |one| begun.push(one), answer).await, "stored");
        assert_eq!(begun, ["before", "between"]);
    }
}
