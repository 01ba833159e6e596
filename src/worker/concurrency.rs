//! Concurrency: how many jobs of one lane are at work at once, so many urgent ones and as many others.
//!
//! How many *calls* are under way is the pacer's business, and much less: jobs mostly wait for their permits. That many are at work lets them
//! share readings, and lets every urgent one block its account before any goes into depth.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::token_bucket::Rate;

/// Jobs of one sort at work at most.
const MOST: usize = 64;
/// How long the jobs at work may wait for each other's calls, so that each is over long before its lease ends.
const SPAN: Duration = Duration::from_mins(4);
/// The calls of a large job.
const CALLS: u32 = 25;

/// How many jobs of one sort may be at work at a target of this rate: as many as get their calls through well within an attempt's limit, and
/// never fewer than calls may be under way.
pub(super) fn max_concurrent_jobs(rate: Rate, concurrency: usize) -> usize {
    let calls = SPAN.as_secs_f64() / rate.interval().as_secs_f64() / f64::from(CALLS);
    let jobs = (1..=MOST)
        .rev()
        .find(|jobs| u32::try_from(*jobs).is_ok_and(|jobs| f64::from(jobs) <= calls));
    jobs.unwrap_or(1).max(concurrency)
}

/// The slots of one lane.
pub(super) struct Slots {
    /// Of each sort.
    size: usize,
    busy: Mutex<Busy>,
    freed: Arc<Notify>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Busy {
    urgent: usize,
    others: usize,
}

impl Slots {
    /// `size` slots for urgent jobs, and as many for the others; `freed` is notified whenever one is given back.
    pub(super) fn new(size: usize, freed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            size: size.max(1),
            busy: Mutex::default(),
            freed,
            emptied: Notify::new(),
        })
    }

    /// Up to `limit` slots for work of any urgency.
    pub(super) fn take(self: &Arc<Self>, limit: usize) -> Vec<Slot> {
        let mut busy = self.busy();
        let taken = self.size.saturating_sub(busy.others).min(limit);
        busy.others += taken;
        (0..taken).map(|_| self.slot(false)).collect()
    }

    /// A slot for one urgent job.
    pub(super) fn take_urgent(self: &Arc<Self>) -> Option<Slot> {
        let mut busy = self.busy();
        (busy.urgent < self.size).then(|| {
            busy.urgent += 1;
            self.slot(true)
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        let busy = self.busy();
        busy.urgent + busy.others
    }

    /// Returns once none is taken.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            let mut emptied = std::pin::pin!(emptied);
            // Registered before the look: what is given back meanwhile is not missed.
            emptied.as_mut().enable();
            if self.taken() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn slot(self: &Arc<Self>, urgent: bool) -> Slot {
        Slot {
            slots: Arc::clone(self),
            urgent,
            quiet: false,
        }
    }

    fn busy(&self) -> MutexGuard<'_, Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work at one job; given back when dropped.
#[must_use = "a slot that is dropped at once lets nothing run"]
pub struct Slot {
    slots: Arc<Slots>,
    urgent: bool,
    quiet: bool,
}

impl Slot {
    /// Gives the slot back without waking the lane, whose own it is: it found nothing to put in.
    pub(super) fn unused(mut self) {
        self.quiet = true;
    }

    /// Turns into a slot of urgent work, since the job that was claimed for it is urgent: another may then take its place among the rest.
    pub(super) fn for_urgent(&mut self) {
        if !self.urgent {
            self.urgent = true;
            let mut busy = self.slots.busy();
            busy.others -= 1;
            busy.urgent += 1;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut busy = self.slots.busy();
        if self.urgent {
            busy.urgent -= 1;
        } else {
            busy.others -= 1;
        }
        let empty = busy.urgent + busy.others == 0;
        drop(busy);
        if empty {
            self.slots.emptied.notify_waiters();
        }
        if !self.quiet {
            self.slots.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(size: usize) -> Arc<Slots> {
        Slots::new(size, Arc::default())
    }

    #[test]
    fn urgent_work_has_slots_of_its_own() {
        let slots = slots(4);
        let routine = slots.take(9);
        assert_eq!(routine.len(), 4);
        let urgent: Vec<_> = std::iter::from_fn(|| slots.take_urgent()).take(9).collect();
        assert_eq!(urgent.len(), 4);
        drop(routine);
        assert_eq!(slots.take(9).len(), 4);
    }

    #[test]
    fn urgent_work_in_an_open_slot_leaves_room_for_the_rest() {
        let slots = slots(2);
        let mut taken = slots.take(2);
        taken[0].for_urgent();
        assert_eq!(slots.take(2).len(), 1);
        assert_eq!(slots.taken(), 2);
    }

    #[test]
    fn a_slow_target_has_few_jobs_at_work_and_a_fast_one_no_more_than_are_worth_it() {
        let jobs = |rate| max_concurrent_jobs(Rate::per_second(rate).unwrap(), 4);
        assert_eq!([jobs(0.01), jobs(1.0), jobs(10.0), jobs(1000.0)], [4, 9, 64, 64]);
    }
}
