//! The single writer: every mutation goes through it, and it commits what has gathered as one transaction.
//!
//! [`transaction`] first (what a mutation is and sees), then [`group_commit`] (the loop), and [`trail_append`] (the entries of the same
//! transaction).

pub(in crate::store) mod group_commit;
pub(in crate::store) mod trail_append;
pub(in crate::store) mod transaction;
