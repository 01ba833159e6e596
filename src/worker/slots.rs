//! The concurrency limit of one lane, with one slot kept for urgent work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The slots of one lane. Where there is more than one, the last is kept for urgent work; a single slot serves all, urgent first.
pub(super) struct Slots {
    size: usize,
    busy: Mutex<Busy>,
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Busy {
    urgent: usize,
    others: usize,
}

impl Slots {
    /// `size` slots; `freed` is notified whenever one is given back.
    pub(super) fn new(size: usize, freed: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            size: size.max(1),
            busy: Mutex::default(),
            freed,
        })
    }

    /// Up to `limit` slots for work of any urgency.
    pub(super) fn take(self: &Arc<Self>, limit: usize) -> Vec<Slot> {
        let mut busy = self.busy();
        let kept = usize::from(self.size > 1);
        let open = (self.size - kept)
            .saturating_sub(busy.others)
            .min(self.size - busy.urgent - busy.others);
        let taken = open.min(limit);
        busy.others += taken;
        (0..taken).map(|_| self.slot(false)).collect()
    }

    /// A slot for one urgent job.
    pub(super) fn take_urgent(self: &Arc<Self>) -> Option<Slot> {
        let mut busy = self.busy();
        (busy.urgent + busy.others < self.size).then(|| {
            busy.urgent += 1;
            self.slot(true)
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        let busy = self.busy();
        busy.urgent + busy.others
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
        drop(busy);
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
    fn one_slot_is_kept_for_urgent_work() {
        let slots = slots(4);
        let routine = slots.take(9);
        assert_eq!(routine.len(), 3);
        let urgent = slots.take_urgent();
        assert!(urgent.is_some());
        assert!(slots.take_urgent().is_none());
        drop(routine);
        assert_eq!(slots.take(9).len(), 3);
    }

    #[test]
    fn a_single_slot_serves_all() {
        let slots = slots(1);
        let routine = slots.take(2);
        assert_eq!(routine.len(), 1);
        assert!(slots.take_urgent().is_none());
        drop(routine);
        let urgent = slots.take_urgent();
        assert!(urgent.is_some());
        assert!(slots.take(1).is_empty());
    }

    #[test]
    fn urgent_work_in_an_open_slot_leaves_room_for_the_rest() {
        let slots = slots(2);
        let mut taken = slots.take(1);
        taken[0].for_urgent();
        assert_eq!(slots.take(1).len(), 1);
        assert_eq!(slots.taken(), 1);
    }
}
