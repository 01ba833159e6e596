//! The database file: opening it, whose it is, whether it can be read and written, and who else commits to it.
//!
//! [`open`] first (the start sequence), with [`privacy`] for the modes and [`lock`] for whose it is; then [`identity_watch`] (whether the files
//! are still those that were opened), [`backup`], [`room`] (whether the disk is full), [`probes`] (health) and [`commit_watch`] (other processes).

pub(in crate::store) mod backup;
pub(in crate::store) mod commit_watch;
pub(in crate::store) mod identity_watch;
pub(in crate::store) mod integrity;
pub(in crate::store) mod lock;
pub(in crate::store) mod open;
pub(in crate::store) mod privacy;
pub(in crate::store) mod probes;
pub(in crate::store) mod room;
