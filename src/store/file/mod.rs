//! The database file: opening it, whose it is, whether it can be read and written, and who else commits to it.
//!
//! [`open`] first (the start sequence), with [`privacy`] for the modes; then [`probes`] (health) and [`commit_watch`] (other processes).

pub(in crate::store) mod commit_watch;
pub(in crate::store) mod open;
pub(in crate::store) mod privacy;
pub(in crate::store) mod probes;
