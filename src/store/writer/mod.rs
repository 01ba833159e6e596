//! The single writer: every mutation goes through it, and it commits what has gathered as one transaction.
//!
//! [`group_commit`] first (the loop), then [`group`] (one transaction: what can be done as sets, then the rest one by one), and
//! [`fold`] (when the log goes back into the database) with [`lock_sharing`] (the write lock among several processes); [`in_process`] ends the
//! writers before the process does.

pub(in crate::store) mod fold;
pub(in crate::store) mod group;
pub(in crate::store) mod group_commit;
pub(in crate::store) mod in_process;
pub(in crate::store) mod lock_sharing;
