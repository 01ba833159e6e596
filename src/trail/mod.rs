//! The trail in operation: whose key signs it, checkpoints that leave the machine, and verification of a store's file.
//!
//! The pure parts are in [`revoked_trail`]; the rows are written by [`crate::store`]. Here they meet keys and files, an entry its words (`gist`), and what a report
//! cites its proofs (`cited`).

mod anchor_file;
mod checkpoint_signer;
mod cited;
mod gist;
mod keys;
mod look;
mod rotation;
mod startup_check;
mod verify;

pub use anchor_file::{AnchorFile, BESIDE_THE_STORE, anchors_beside};
pub use checkpoint_signer::{CheckpointSigner, run};
pub use cited::{Cited, cite};
pub use gist::{action, gist};
pub use keys::{keys_beside, known_keys, publish, publish_again, read_keys, signer};
pub use look::{Broken, Looked, WholeLook, look_at_newest};
pub use rotation::{Rotated, TrailPlace, rotate};
pub use startup_check::{StartTransition, check as check_at_start, refusal};
pub use verify::{verify, verify_snapshot, verify_telling};
