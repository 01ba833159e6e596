//! The one writer (group commit), and the trail that it appends to.

pub(in crate::store) mod group_commit;
pub(in crate::store) mod trail_append;
pub(in crate::store) mod transaction;
