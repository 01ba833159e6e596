//! Maps an item to a reason: a constant of the rule, or a word of the item.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::json::Pointer;
use crate::model::Reason;

/// Where a rule has its reason from.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a reason such as \"compromised\", or a table with a pointer and perhaps words, a table from the sender's words to reasons"
)]
pub(super) enum ReasonAt {
    /// Always the same.
    Always(Reason),
    /// By a word of the item.
    Word(Words),
}

/// A word of the item and what it means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Where the word stands.
    pointer: Pointer,
    /// What the sender's words mean; without them the words are ours.
    words: Option<BTreeMap<String, Reason>>,
}

impl ReasonAt {
    /// The reason of an item.
    ///
    /// # Errors
    /// Where the word is missing or not known. It is not quoted: a pointer that is wrong may stand at a name.
    pub(super) fn read(&self, item: &Value) -> Result<Reason, String> {
        let Words { pointer, words } = match self {
            Self::Always(reason) => return Ok(*reason),
            Self::Word(words) => words,
        };
        let word = pointer.text(item).ok_or_else(|| format!("no reason stands at {pointer}"))?;
        let reason = match words {
            Some(words) => words.get(&word).copied(),
            None => Reason::from_word(&word),
        };
        reason.ok_or_else(|| format!("the word at {pointer} is not a reason that is known here"))
    }

    /// The reasons that it can give.
    pub(super) fn all(&self) -> Vec<Reason> {
        match self {
            Self::Always(reason) => vec![*reason],
            Self::Word(Words { words: Some(words), .. }) => words.values().copied().collect(),
            Self::Word(_) => Reason::ALL.to_vec(),
        }
    }
}
