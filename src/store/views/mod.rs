//! Read-only views.

pub(in crate::store) mod cases;
pub(in crate::store) mod counts;
pub(in crate::store) mod jobs;
