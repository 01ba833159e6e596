//! Cases in the hands of a human: approval, cancelling, releasing, and subjects that nobody could resolve.
//!
//! [`holds`] first (what waits), [`held_set`] (what exactly) and [`hold_decision`] (approve or reject it; [`approval_rule`], [`two_persons`] and
//! [`second_person`] where one person's word is not enough, `given_approvals` for lists), then [`call_off`] (cancel),
//! [`release`] with [`other_demands`] (undo a suspension), and [`unresolved`]; what people write beside it in [`notes`]; `reminder`, that a hold was forgotten. How a case is opened, coalesced and
//! closed stands in `queue`, with the jobs that it lives by.

pub(in crate::store) mod approval_rule;
pub(in crate::store) mod call_off;
mod given_approvals;
pub(in crate::store) mod held_set;
pub(in crate::store) mod hold_decision;
pub(in crate::store) mod holds;
pub(in crate::store) mod notes;
pub(in crate::store) mod other_demands;
pub(in crate::store) mod release;
mod reminder;
mod second_person;
pub(in crate::store) mod two_persons;
pub(in crate::store) mod unresolved;
