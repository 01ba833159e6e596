//! The hot path as sets: the mutations of every signal and every job as plain values, of which the writer reads, decides and writes a whole
//! group at once.
//!
//! [`hot_mutation`] first (what they are, and how one is done alone), then the three steps of a group: [`reading`] (what the group needs to
//! know, in one step; [`people`] what deliveries do), the decisions, in memory: [`decide`] with [`accept`], [`claim`], [`start`], [`finish`], [`settle`], and
//! [`writing`] (set statements, in one more; [`delivery_rows`] those of deliveries).
//!
//! What a decision cannot take on by what was read, such as a signal that joins a case or a job that failed, is done alone after the rest
//! of the group, in the same transaction. Alone and in a group, a mutation leaves the same rows and the same bytes in the trail.

pub(in crate::store) mod accept;
pub(in crate::store) mod claim;
pub(in crate::store) mod decide;
pub(in crate::store) mod delivery_rows;
pub(in crate::store) mod finish;
pub(in crate::store) mod hot_mutation;
pub(in crate::store) mod people;
pub(in crate::store) mod reading;
pub(in crate::store) mod settle;
pub(in crate::store) mod start;
pub(in crate::store) mod writing;
