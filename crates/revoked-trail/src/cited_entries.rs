//! The entries that a report cites, as the report carries them: each in the bytes that were hashed, with what leads from it to a signed checkpoint.
//! Whoever has the report and the trail's key needs nothing else ([`super::report_verifier`]).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::tree::{Hash, leaf_hash};

/// What a report carries of the trail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CitedEntries {
    /// The newest checkpoint when the report was made; absent where none was signed yet.
    pub checkpoint: Option<CitedCheckpoint>,
    /// The changes of the trail's key up to it, in order: whoever trusts the first key follows them to the one that signed.
    pub key_changes: Vec<CitedEntry>,
    /// The entries, in order.
    pub entries: Vec<CitedEntry>,
}

/// A signed head, as a report carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CitedCheckpoint {
    /// The trail's origin.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root over them, 64 hexadecimal digits.
    pub root: String,
    /// The signed note, verbatim.
    pub note: String,
    /// The files outside the database in which it stood when the report was made. The word of the machine.
    pub anchors: Vec<String>,
}

/// An entry, as a report carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CitedEntry {
    /// Its number, the index of its leaf.
    pub index: u64,
    /// The hash of its leaf, 64 hexadecimal digits.
    pub leaf: String,
    /// The line exactly as it was hashed.
    pub line: String,
    /// The hashes that lead from its leaf to the root of the checkpoint, in base64, from its sibling upwards (RFC 6962 §2.1.1); absent where the
    /// entry is newer than the checkpoint.
    pub path: Option<Vec<String>>,
}

impl CitedEntry {
    /// An entry with the way to a checkpoint, where there is one.
    #[must_use]
    pub fn new(index: u64, line: String, path: Option<Vec<Hash>>) -> Self {
        Self {
            index,
            leaf: leaf_hash(line.as_bytes()).to_string(),
            line,
            path: path.map(|path| path.into_iter().map(Hash::to_base64).collect()),
        }
    }

    /// The hashes of the way; nothing where one is none, or there is no way.
    #[must_use]
    pub fn hashes(&self) -> Option<Vec<Hash>> {
        self.path.as_ref()?.iter().map(|hash| Hash::from_base64(hash)).collect()
    }
}

impl CitedEntries {
    /// The entries that no signed checkpoint covers yet.
    #[must_use]
    pub fn not_signed_yet(&self) -> BTreeSet<u64> {
        let unsigned = self.entries.iter().filter(|entry| entry.path.is_none());
        unsigned.map(|entry| entry.index).collect()
    }
}
