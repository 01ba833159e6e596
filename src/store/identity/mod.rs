//! Whose names are whose.

pub(in crate::store) mod changes;
pub(in crate::store) mod erasure;
pub(in crate::store) mod link_rows;
pub(in crate::store) mod links;
pub(in crate::store) mod operator_links;
pub(in crate::store) mod references;
pub(in crate::store) mod resolution;
