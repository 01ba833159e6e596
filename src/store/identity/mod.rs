//! Identity: which names are one person's, and the pseudonyms that stand for people everywhere else.
//!
//! [`references`] first (pseudonyms), then [`resolution`] (from names to a person), [`links`] (what sources say) over [`link_rows`],
//! [`operator_links`], [`reassignment`] (of an identifier to somebody else) and [`erasure`].

pub(in crate::store) mod erasure;
pub(in crate::store) mod link_rows;
pub(in crate::store) mod links;
pub(in crate::store) mod operator_links;
pub(in crate::store) mod reassignment;
pub(in crate::store) mod references;
pub(in crate::store) mod resolution;
