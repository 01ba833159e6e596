//! Planned departures (leavers).

pub(in crate::store) mod concurrent_employments;
pub(in crate::store) mod employments;
pub(in crate::store) mod lifecycle;
pub(in crate::store) mod queries;
pub(in crate::store) mod reactivation;
pub(in crate::store) mod rescission;
