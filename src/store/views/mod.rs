//! Read-only views.

pub(in crate::store) mod cases;
