//! The outbox.

pub(in crate::store) mod backlog;
pub(in crate::store) mod deliveries;
pub(in crate::store) mod proof;
pub(in crate::store) mod queue_statements;
