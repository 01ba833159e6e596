//! The transactional outbox: statements to receivers, written with the closing of a case and kept until they are delivered or dead letters.
//!
//! [`queue_statements`] first, with [`proof`] for what may be said; then [`dispatch`] (due, delivered, retried, dead) and [`backlog`].

pub(in crate::store) mod backlog;
pub(in crate::store) mod dispatch;
pub(in crate::store) mod proof;
pub(in crate::store) mod queue_statements;
