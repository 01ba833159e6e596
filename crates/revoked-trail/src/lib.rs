//! The trail: entries, tree, signed checkpoints, proofs and their verification. Pure: bytes and public keys go in, findings come out.
//!
//! Every state change is one line of JSON ([`Entry::line`]); the exact bytes of the lines are the leaves of a Merkle tree
//! ([`Frontier`]); the head of the tree is signed as a note that leaves the machine ([`checkpoint::sign`]). From these come the evidence
//! for one entry ([`EntryProof`]) and the verification of the whole ([`Verifier`]), both of which need nothing but bytes and public keys.
//!
//! Reading order: [`entry`] with [`entry_kind`], [`Detail`] and [`redact`], what an entry says; [`tree`], [`frontier`] and [`tree_proof`], the Merkle tree;
//! [`key`], [`signed_note`], [`checkpoint`], its signed head, and [`key_rotation`], the change of its key; [`entry_proof`]; [`verifier`], which reads a whole trail, and [`finding`], what
//! it finds; [`export`] and [`checkpoint_file`], what the program `revoked-verify` (`src/main.rs`) reads; [`cited_entries`] and [`report_verifier`], a
//! report that is verified by itself.
//!
//! Invariants: bytes are hashed as stored and never written again; a head is signed only after its COMMIT; nothing personal and nothing
//! secret stands in a line.

mod actor;
pub mod checkpoint;
pub mod checkpoint_file;
pub mod cited_entries;
mod detail;
#[cfg(test)]
mod detail_by_tree;
pub mod entry;
pub mod entry_kind;
pub mod entry_proof;
pub mod export;
pub mod finding;
pub mod frontier;
pub mod key;
mod key_chain;
pub mod key_rotation;
pub mod redact;
pub mod report_verifier;
mod report_words;
pub mod signed_note;
mod sorted_json;
pub mod subject_ref;
mod summary;
#[cfg(test)]
mod tampering;
mod time;
pub mod tree;
pub mod tree_proof;
pub mod verifier;

pub use actor::{Actor, Behind, NoActor, is_issuer, is_login};
pub use checkpoint::Checkpoint;
pub use cited_entries::{CitedCheckpoint, CitedEntries, CitedEntry};
pub use detail::Detail;
pub use entry::Entry;
pub use entry_kind::EntryKind;
pub use entry_proof::EntryProof;
pub use finding::{Finding, Place, Report};
pub use frontier::Frontier;
pub use key::{Signer, VerifierKey};
pub use report_verifier::VerifiedReport;
pub use report_words::{JudgedSummary, ReportSummary};
pub use subject_ref::subject_ref;
pub use summary::Summary;
pub use time::Timestamp;
pub use tree::{BLOCK, Hash, leaf_hash};
pub use verifier::Verifier;
