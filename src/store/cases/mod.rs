//! Cases in the hands of a human: approval, cancelling, releasing, and subjects that nobody could resolve.
//!
//! [`holds`] first (approve or reject what waits), then [`call_off`] (cancel), [`release`] with [`other_demands`] (undo a suspension), and
//! [`unresolved`]; what people write beside it in [`notes`]. How a case is opened, coalesced and closed stands in `queue`, with the jobs that it lives by.

pub(in crate::store) mod call_off;
pub(in crate::store) mod holds;
pub(in crate::store) mod notes;
pub(in crate::store) mod other_demands;
pub(in crate::store) mod release;
pub(in crate::store) mod unresolved;
