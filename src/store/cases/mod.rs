//! What a human decides about cases.

pub(in crate::store) mod call_off;
pub(in crate::store) mod holds;
pub(in crate::store) mod other_demands;
pub(in crate::store) mod release;
pub(in crate::store) mod unresolved;
