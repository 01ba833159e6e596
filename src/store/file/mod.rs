//! The database file: opening it, whose it is, and whether it can still be read and written.

pub(in crate::store) mod commit_watch;
pub(in crate::store) mod open;
pub(in crate::store) mod privacy;
pub(in crate::store) mod probes;
