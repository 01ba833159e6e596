//! A job that is to be put into the queue.

use super::lease::new_lease;
use super::slot_offer::SlotOffer;
use crate::model::{JobKind, JobState, Lease, Priority, Timestamp};

/// A job to be put into the queue.
pub(in crate::store) struct NewJob<'a> {
    pub(in crate::store) case: i64,
    pub(in crate::store) target: &'a str,
    pub(in crate::store) kind: JobKind,
    /// As JSON, so that a delivery of thousands writes it once.
    pub(in crate::store) containment: &'a str,
    pub(in crate::store) priority: Priority,
    pub(in crate::store) state: &'a JobState,
    /// For a job that is held: when it may start after its approval.
    pub(in crate::store) held_due: Option<Timestamp>,
    /// How many sweeps came before; for a sweep, its own number from 1.
    pub(in crate::store) sweep: i64,
    pub(in crate::store) approved: bool,
    pub(in crate::store) subject_ref: &'a str,
    /// As its row holds it: whom a sweep or a release looks after.
    pub(in crate::store) evidence: Option<&'a str>,
    /// When the verdict was reached that a sweep looks after.
    pub(in crate::store) chain_at: Option<Timestamp>,
}

impl<'a> NewJob<'a> {
    /// When it is due, where it waits for that, and the lease that it is born with.
    pub(super) fn due_and_lease(&self) -> (Option<i64>, Option<&'a Lease>) {
        match self.state {
            JobState::Scheduled { due } => (Some(due.ms()), None),
            JobState::Running { lease } => (None, Some(lease)),
            _ => (None, None),
        }
    }
}

/// An urgent job takes the slot that its lane has offered; everything else waits in the queue.
pub(super) fn initial_state(
    slots: &mut Vec<SlotOffer>,
    target: &str,
    priority: Priority,
    now: Timestamp,
) -> (JobState, Option<SlotOffer>) {
    let offered = slots.iter().position(|slot| slot.target == target);
    match offered.filter(|_| priority.is_urgent()) {
        Some(n) => (JobState::Running { lease: new_lease(now) }, Some(slots.swap_remove(n))),
        None => (JobState::Queued, None),
    }
}
