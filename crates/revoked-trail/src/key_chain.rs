//! The keys of one trail while it is read: which was replaced where, and on whose word its successor signs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entry_kind::EntryKind;
use super::finding::{KeyBegins, KeyWord};
use super::key::{KeyKind, VerifierKey};
use super::key_rotation;

/// What an entry says of a change of keys.
pub(super) struct KeyChange {
    /// The new key.
    pub(super) to: VerifierKey,
    statement: Option<String>,
}

impl KeyChange {
    /// Reads the entry's line.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Line {
            detail: Detail,
        }
        #[derive(Deserialize)]
        struct Detail {
            verifier: String,
            #[serde(default)]
            statement: Option<String>,
        }
        let Line { detail } = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let to: VerifierKey = detail.verifier.parse().map_err(|error| format!("{error}"))?;
        if to.kind() != KeyKind::Log {
            return Err(format!("{to} is no key that signs a trail"));
        }
        Ok(Self {
            to,
            statement: detail.statement,
        })
    }
}

/// The keys that were replaced, and those that came instead.
#[derive(Debug, Default)]
pub(super) struct KeyChain {
    begun: Vec<KeyBegins>,
    /// By id: the key's text, and the entry that replaced it.
    replaced: BTreeMap<u32, (String, u64)>,
}

impl KeyChain {
    /// Takes the change that entry `seq` tells of. Answers on whose word the new key signs.
    pub(super) fn take(&mut self, seq: u64, kind: EntryKind, change: &KeyChange, keys: &[VerifierKey]) -> Result<KeyWord, String> {
        let word = match &change.statement {
            Some(statement) if kind == EntryKind::TrailKeyRotated => {
                let rotation = key_rotation::open(statement, keys).map_err(|error| error.to_string())?;
                if rotation.to != change.to {
                    return Err("its statement names another key".to_owned());
                }
                if let Some((key, by)) = self.replaced.get(&rotation.from.id()) {
                    return Err(format!("the key {key} was itself replaced by entry {by}"));
                }
                self.replace(&rotation.from, seq);
                KeyWord::KeyBefore
            }
            _ => KeyWord::OwnWord,
        };
        if kind == EntryKind::TrailKeyLost {
            let of_this_trail = keys
                .iter()
                .filter(|key| key.kind() == KeyKind::Log && key.name() == change.to.name());
            for key in of_this_trail.filter(|key| **key != change.to) {
                self.replace(key, seq);
            }
        }
        self.begun.push(KeyBegins {
            key: change.to.clone(),
            from: seq,
            word,
        });
        Ok(word)
    }

    fn replace(&mut self, key: &VerifierKey, seq: u64) {
        self.replaced.entry(key.id()).or_insert_with(|| (key.to_string(), seq));
    }

    /// Whether the key of this id was replaced before it signed this size: the key and the entry that replaced it.
    pub(super) fn replaced(&self, id: u32, size: u64) -> Option<(String, u64)> {
        self.replaced.get(&id).filter(|(_, by)| size > *by).cloned()
    }

    /// The keys of the trail in their order, where there is more than one.
    pub(super) fn begins(&self, origin: &str, keys: &[VerifierKey]) -> Vec<KeyBegins> {
        if self.begun.is_empty() {
            return Vec::new();
        }
        let first = keys
            .iter()
            .filter(|key| key.kind() == KeyKind::Log && key.name() == origin)
            .filter(|key| self.begun.iter().all(|begun| begun.key != **key))
            .map(|key| KeyBegins {
                key: key.clone(),
                from: 0,
                word: KeyWord::Brought,
            });
        first.chain(self.begun.iter().cloned()).collect()
    }
}
