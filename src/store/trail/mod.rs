//! Reading the trail.

pub(in crate::store) mod read;
pub(in crate::store) mod record;
pub(in crate::store) mod snapshot;
