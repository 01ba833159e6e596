//! Leavers: planned departures, the employments that block them, and what calls them off.
//!
//! [`lifecycle`] first (plan, reschedule, execute) with [`held_changes`] (what is said of a plan while a human decides about it) and [`moves`] (what counts against no limit), then [`employments`] and [`concurrent_employments`] (who has another employment stays),
//! [`rescission`] (called off by HR or an operator), [`reactivation`] (a source says that somebody is back), and [`queries`].

pub(in crate::store) mod concurrent_employments;
pub(in crate::store) mod employments;
pub(in crate::store) mod held_changes;
pub(in crate::store) mod lifecycle;
pub(in crate::store) mod moves;
pub(in crate::store) mod queries;
pub(in crate::store) mod reactivation;
pub(in crate::store) mod rescission;
