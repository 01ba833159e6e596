//! What came of accepting a delivery.

use super::reservation::Claim;
use crate::model::Receipt;

/// What came of accepting a delivery.
#[derive(Debug, Default)]
pub struct Accepted {
    /// For the sender.
    pub receipt: Receipt,
    /// Urgent jobs that were born claimed, since the lane had offered a slot, and were not told of before.
    pub claims: Vec<Claim>,
}

/// The same, with what is to be woken after the commit.
#[derive(Debug, Default)]
pub(in crate::store) struct Outcome {
    pub(in crate::store) accepted: Accepted,
    /// Lanes that have got work.
    pub(in crate::store) targets: Vec<String>,
    /// Whether a statement was queued for a receiver.
    pub(in crate::store) queued: bool,
    /// The number of the last signal that was stored.
    pub(in crate::store) newest_signal: i64,
}
