//! What a target can end, what it can list, and what it cannot see.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Action, GrantKind, Sentence};

/// What a target can do for a containment. The plan asks for nothing else, and the report prints what is not covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an ability of its own")]
pub struct Capabilities {
    /// The kinds it can end.
    pub ends: BTreeSet<GrantKind>,
    /// The kinds it can list, and so prove gone.
    pub lists: BTreeSet<GrantKind>,
    /// Kinds that exist there and that it cannot list, each with why: what is demanded of them is never proved by a list.
    pub unlisted: BTreeMap<GrantKind, String>,
    /// The kinds that one call ends whole, whether they can be listed or not.
    pub ends_all: BTreeSet<GrantKind>,
    /// The kinds that a suspension ends for good, of which it says since when nothing older works.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ended_by_suspension: BTreeSet<GrantKind>,
    /// The kinds that it ends in sets, and how many grants one call takes.
    pub end_sets: BTreeMap<GrantKind, usize>,
    /// The kinds that can be disabled, so that they can be enabled again.
    pub disables: BTreeSet<GrantKind>,
    /// Whether it can suspend an account.
    pub suspends: bool,
    /// Whether it can reset a password.
    pub resets_password: bool,
    /// Whether a new password lifts a suspension there, so that it must be set before the account is suspended.
    pub password_first: bool,
    /// Whether one call ends all sessions (OAuth's included).
    pub ends_all_sessions: bool,
    /// What must follow whenever sessions were ended: clearing node caches, silencing open connections.
    pub after_sessions: Vec<Action>,
    /// How many principals one action may name; 1 where the target takes no sets.
    pub set_size: usize,
    /// What lives on and cannot be ended or seen here, one sentence each.
    pub not_covered: Vec<Sentence>,
}

impl Capabilities {
    /// Whether grants of this kind exist at the target at all. What does not exist there cannot be left over.
    #[must_use]
    pub fn has(&self, kind: GrantKind) -> bool {
        self.lists.contains(&kind)
            || self.ends.contains(&kind)
            || self.ends_all.contains(&kind)
            || self.unlisted.contains_key(&kind)
    }
}
