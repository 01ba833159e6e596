//! What an attempt saw and did, kept with the job: counts and ids, never a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Access, Action, GrantKind, GrantRef, Timestamp};

/// What an attempt saw and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The target's id of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Whether the target could not be asked at all: it knows nobody by any name of this form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nameless: bool,
    /// Whether the names fit several accounts, and a human must say which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
    /// How many grants of each kind were listed before the first action.
    pub before: BTreeMap<GrantKind, usize>,
    /// How many were listed by the last observation.
    pub after: BTreeMap<GrantKind, usize>,
    /// Whether the account was suspended before and after.
    pub suspended: (bool, bool),
    /// The grants that were listed before and no more after, at most [`Evidence::LISTED`] of them.
    pub ended: Vec<GrantRef>,
    /// How many those were in all.
    pub ended_count: usize,
    /// When the first observation was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_at: Option<Timestamp>,
    /// When the first action that takes something away was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_revoke_at: Option<Timestamp>,
    /// When an observation first showed the account suspended after we asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_at: Option<Timestamp>,
    /// When the last observation was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_at: Option<Timestamp>,
    /// The target's ids of the requests behind the last observation, for comparison with its own logs.
    pub requests: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What the target cannot end or see.
    pub not_covered: Vec<String>,
}

impl Evidence {
    /// How many ended grants are named one by one; the count goes on.
    pub const LISTED: usize = 200;

    /// Takes in the first and the last observation.
    pub fn compare(&mut self, before: &Access, after: &Access) {
        self.before = before.counts();
        self.after = after.counts();
        self.suspended = (before.suspended, after.suspended);
        let gone: Vec<&GrantRef> = before
            .grants
            .iter()
            .map(|grant| &grant.name)
            .filter(|name| !after.holds(name))
            .collect();
        self.ended_count = gone.len();
        self.ended = gone.into_iter().take(Self::LISTED).cloned().collect();
        self.before_at = Some(before.at);
        self.after_at = Some(after.at);
        self.requests.clone_from(&after.requests);
        for note in &after.notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
    }
}

/// An action that was answered, or of which nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The row that [`Started`] gave.
    pub id: i64,
    /// What became of it.
    pub outcome: ActionOutcome,
    /// The target's ids of its requests.
    pub requests: Vec<String>,
    /// When the answer came.
    pub at: Timestamp,
}

/// An action whose intent is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its row.
    pub id: i64,
    /// What is about to be sent.
    pub action: Action,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// The target accepted it.
    Done,
    /// It was so already.
    Already,
    /// The target refused, or did not answer: the text says which.
    Failed(String),
    /// It was never sent, since an earlier action of the plan failed.
    NotSent,
    /// Nobody knows: the daemon died between sending and recording.
    Unknown,
}

impl ActionOutcome {
    /// The word in the tables and the trail.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Failed(_) => "failed",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}
