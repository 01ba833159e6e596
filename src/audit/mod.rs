//! The trail: entries, tree, checkpoints and their verification. Pure: no I/O.
//!
//! Every state change is one line of JSON ([`Entry::line`]); the lines are the leaves of a Merkle tree ([`Frontier`]); the head of the
//! tree is signed as a note that leaves the machine ([`note`]).

pub mod checkpoint;
pub mod entry;
pub mod frontier;
pub mod key;
pub mod kind;
pub mod note;
pub mod path;
pub mod proof;
pub mod redact;
pub mod reference;
pub mod tree;

pub use checkpoint::Checkpoint;
pub use entry::Entry;
pub use frontier::Frontier;
pub use key::{Signer, VerifierKey};
pub use kind::EntryKind;
pub use proof::Proof;
pub use reference::subject_ref;
pub use tree::Hash;
