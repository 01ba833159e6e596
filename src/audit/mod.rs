//! The trail: entries, tree, checkpoints and their verification. Pure: no I/O.
//!
//! Every state change is one line of JSON ([`Entry::line`]); the lines are the leaves of a Merkle tree ([`Frontier`]).

pub mod entry;
pub mod frontier;
pub mod kind;
pub mod redact;
pub mod tree;

pub use entry::Entry;
pub use frontier::Frontier;
pub use kind::EntryKind;
pub use tree::{BLOCK, Hash, leaf_hash};
