//! Reading the trail.

pub(in crate::store) mod read;
