//! The trail as it is read, and what the daemon adds to it about itself. Appending stands in `writer`.
//!
//! [`read`] first (search and head), then [`snapshot`] (verification and export) and [`record`].

pub(in crate::store) mod read;
pub(in crate::store) mod record;
pub(in crate::store) mod snapshot;
