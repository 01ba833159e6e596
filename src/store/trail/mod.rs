//! The trail as it is read, and what the daemon adds to it about itself. Appending stands in `writer`.
//!
//! [`read`] first (search and head) with [`mentions`] (which blocks speak of a job or a subject) and [`place`] (where an instant lies), then [`snapshot`] (verification and export) and [`record`].

pub(in crate::store) mod mentions;
pub(in crate::store) mod place;
pub(in crate::store) mod read;
pub(in crate::store) mod record;
pub(in crate::store) mod snapshot;
