//! Cases in the hands of a human: approval, cancelling, releasing, and subjects that nobody could resolve.
//!
//! [`holds`] first (what waits), [`held_set`] (what exactly) and [`hold_decision`] (approve or reject it), then [`call_off`] (cancel),
//! [`release`] with [`other_demands`] (undo a suspension), and [`unresolved`]. How a case is opened, coalesced and closed stands in `queue`,
//! with the jobs that it lives by.

pub(in crate::store) mod call_off;
pub(in crate::store) mod held_set;
pub(in crate::store) mod hold_decision;
pub(in crate::store) mod holds;
pub(in crate::store) mod other_demands;
pub(in crate::store) mod release;
pub(in crate::store) mod unresolved;
