//! Certificates of our own: read from their files with their keys, and shown by a listener that takes a renewed one over while it runs.
//!
//! [`validity()`] is from when until when any certificate is good. `identity` reads one with its key and says what is wrong with it; `shown` is what a
//! listener shows.

mod identity;
mod shown;
mod validity;

#[cfg(test)]
pub(crate) mod tests;

pub use identity::{Files, Leaf, Unusable};
pub use shown::{Renewal, Shown};
pub use validity::validity;
