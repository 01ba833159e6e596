//! The objects in recorded answers: what kind each is, its id, and the few that every recording has.

use revoked_sandbox::{Id, World};
use serde_json::Value;

/// The channel that the recorded hooks post to, and its team.
pub(super) const CHANNEL: (&str, &str) = ("niin97brnbyj5xb7uafiumzgje", "aaf78db7eibg8kjdct635hey3h");

/// The recording operator's personal access token: its secret, its id, and its holder.
pub(super) const OPERATOR: (&str, &str, &str) = ("redactedeb7374fadca93fa755", "6cfbu8hkp7f5f8gozicuaegnqw", "admin");

/// What kind of thing an object in an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Team,
    Person,
    Bot,
    Token,
    App,
    Session,
    Incoming,
    Outgoing,
    Command,
    Audit,
}

pub(super) fn kind(object: &Value) -> Option<Kind> {
    let has = |name: &str| object.get(name).is_some();
    match () {
        () if has("invite_id") => Some(Kind::Team),
        () if has("username") && has("timezone") => Some(Kind::Person),
        () if has("owner_id") => Some(Kind::Bot),
        () if has("is_active") => Some(Kind::Token),
        () if has("client_secret") => Some(Kind::App),
        () if has("last_activity_at") => Some(Kind::Session),
        () if has("channel_locked") => Some(Kind::Incoming),
        () if has("trigger_words") => Some(Kind::Outgoing),
        () if has("trigger") => Some(Kind::Command),
        () if has("extra_info") => Some(Kind::Audit),
        () => None,
    }
}

pub(super) fn name_of(object: &Value) -> Option<String> {
    object
        .get("id")
        .or_else(|| object.get("user_id"))
        .and_then(Value::as_str)
        .map(str::to_owned)
}

pub(super) fn id(text: &str) -> Id {
    Id::parse(text).unwrap_or_else(|| panic!("{text} is no id"))
}

pub(super) fn number(object: &Value, name: &str) -> i64 {
    object.get(name).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn authorise(world: &mut World, person: Id, app: Id) {
    if let Some(person) = world.person_mut(person)
        && !person.authorisations.iter().any(|(other, _)| *other == app)
    {
        person.authorisations.push((app, "user".to_owned()));
    }
}
