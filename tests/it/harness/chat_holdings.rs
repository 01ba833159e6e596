//! What people hold at the chat server, and what was asked of it.

use std::collections::BTreeSet;

use revoked_sandbox::{Id, LoggedRequest, Sandbox};

/// What one person holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) id: Id,
    pub(crate) active: bool,
    pub(crate) sessions: BTreeSet<Id>,
    pub(crate) tokens: BTreeSet<Id>,
    /// OAuth grants, by their access token.
    pub(crate) grants: BTreeSet<Id>,
}

impl Holdings {
    pub(crate) fn of(chat: &Sandbox, username: &str) -> Self {
        let world = chat.world();
        let person = world.person(username).unwrap();
        Self {
            id: person.id,
            active: person.is_active(),
            sessions: person.sessions.iter().copied().collect(),
            tokens: world.tokens_of(person.id).map(|token| token.id).collect(),
            grants: world
                .grants()
                .filter(|grant| grant.person == person.id)
                .map(|grant| grant.access)
                .collect(),
        }
    }

    /// Whether nothing is left to act with.
    pub(crate) fn is_out(&self) -> bool {
        self.sessions.is_empty() && self.tokens.is_empty() && self.grants.is_empty()
    }
}

/// What everybody but one holds, the operator's own bot left out: its session comes with its first call.
pub(crate) fn others(chat: &Sandbox, username: &str) -> Vec<Holdings> {
    let names: Vec<String> = chat
        .world()
        .people()
        .filter(|person| person.username != username && person.username != "revoked-operator")
        .map(|person| person.username.clone())
        .collect();
    names.iter().map(|name| Holdings::of(chat, name)).collect()
}

/// The requests that may have changed something.
pub(crate) fn changes(chat: &Sandbox) -> Vec<LoggedRequest> {
    let reads = ["/roles/names", "/users/ids", "/users/usernames"];
    chat.requests()
        .into_iter()
        .filter(|seen| seen.method != "GET" && !reads.iter().any(|path| seen.path.ends_with(path)))
        .collect()
}
