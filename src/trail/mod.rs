//! The trail in operation: whose key signs it, checkpoints that leave the machine, and verification of a store's file.
//!
//! The pure parts are in [`revoked_trail`]; the rows are written by [`crate::store`]. Here they meet keys and files.

mod anchor;
mod checkpoints;
mod keys;
mod start;
mod verify;

pub use anchor::AnchorFile;
pub use checkpoints::{Checkpoints, run};
pub use keys::{keys_beside, read_key, signer};
pub use start::{Turn, check as check_at_start};
pub use verify::verify;
