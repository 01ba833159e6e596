//! What a target can end, what it can list, and what it cannot see.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, GrantKind, Sentence};

/// What a target can do for a containment. The plan asks for nothing else, and the report prints what is not covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The kinds it can end.
    pub ends: BTreeSet<GrantKind>,
    /// The kinds it can list, and so prove gone.
    pub lists: BTreeSet<GrantKind>,
    /// Whether it can suspend an account.
    pub suspends: bool,
    /// Whether it can reset a password.
    pub resets_password: bool,
    /// Whether one call ends all sessions (OAuth's included).
    pub ends_all_sessions: bool,
    /// What must follow whenever sessions were ended: clearing node caches, silencing open connections.
    pub after_sessions: Vec<Action>,
    /// How many principals one action may name; 1 where the target takes no sets.
    pub set_size: usize,
    /// What lives on and cannot be ended or seen here, one sentence each.
    pub not_covered: Vec<Sentence>,
}
