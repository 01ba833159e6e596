//! The outbox.

pub(in crate::store) mod deliveries;
