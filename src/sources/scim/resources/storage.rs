//! How resources are stored in the source's state: one namespace for each type, and one with pointers to them by their other names.

use super::record::Record;
use super::user_mapping::{UserMapping, number};
use crate::model::{StateChange, StateEntry};
use crate::sources::scim::protocol::error::ScimError;
use crate::sources::scim::protocol::schema::{ResourceType, USER};

/// The namespace with the pointers: the key is the resource's id with a number, the second name the pointer's, the body the resource's id.
/// No name of a person stands in a key, since keys go into the trail.
pub(in crate::sources::scim) const NAMES: &str = "names";
/// A pointer by `externalId`.
pub(in crate::sources::scim) const EXTERNAL: &str = "external";
/// A pointer by e-mail address.
pub(in crate::sources::scim) const EMAIL: &str = "email";
/// A pointer by HR number.
pub(in crate::sources::scim) const EMPLOYEE: &str = "employee";

/// How a name is written as a second name: case makes no difference.
pub(in crate::sources::scim) fn second_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The steps that keep `after` in the place of `before`, and its pointers.
///
/// # Errors
/// `invalidValue` where it is too large.
pub(in crate::sources::scim) fn keep(
    kind: &ResourceType,
    mapping: &UserMapping,
    before: Option<&Record>,
    after: &mut Record,
) -> Result<Vec<StateChange>, ScimError> {
    let about = (*kind == USER).then(|| mapping.about(after)).flatten();
    let names = other_names(after);
    after.names = names.len();
    let mut steps = vec![StateChange::Put(StateEntry {
        namespace: kind.namespace.to_owned(),
        key: after.id.clone(),
        look_up: after.text(kind.called).map(second_name),
        about: about.clone(),
        body: after.write()?,
    })];
    for (n, name) in names.into_iter().enumerate() {
        steps.push(StateChange::Put(StateEntry {
            namespace: NAMES.to_owned(),
            key: pointer(&after.id, n),
            look_up: Some(name),
            about: about.clone(),
            body: after.id.clone(),
        }));
    }
    let stale = after.names..before.map_or(0, |before| before.names);
    steps.extend(stale.map(|n| forget(NAMES, pointer(&after.id, n))));
    Ok(steps)
}

/// The steps that forget a resource and its pointers.
pub(in crate::sources::scim) fn forget_all(kind: &ResourceType, record: &Record) -> Vec<StateChange> {
    let mut steps = vec![forget(kind.namespace, record.id.clone())];
    steps.extend((0..record.names).map(|n| forget(NAMES, pointer(&record.id, n))));
    steps
}

fn pointer(id: &str, n: usize) -> String {
    format!("{id}.{n}")
}

fn forget(namespace: &str, key: String) -> StateChange {
    StateChange::Delete {
        namespace: namespace.to_owned(),
        key,
    }
}

/// The names that a resource is looked up by, besides the one that it is called: by clients, and by us for whoever bears the same.
fn other_names(record: &Record) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(external) = record.text("externalId") {
        names.push(format!("{EXTERNAL}:{external}"));
    }
    if let Some(number) = number(record) {
        names.push(format!("{EMPLOYEE}:{number}"));
    }
    let emails = record.members.get("emails").and_then(serde_json::Value::as_array);
    for address in emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str()) {
        let name = format!("{EMAIL}:{}", second_name(address));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
