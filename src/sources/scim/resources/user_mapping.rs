//! Maps a user to a subject, and a change of it to a signal: the only place where one is made.

use serde::Deserialize;
use serde_json::Value;

use super::record::Record;
use crate::model::{LONGEST_SUBJECT, Reason, Signal, Subject, Timestamp};
use crate::sources::scim::protocol::error::{INVALID_VALUE, ScimError, scim_error};
use crate::sources::scim::protocol::schema::{ENTERPRISE_URN, ResourceType, USER};

/// How many names of one person are used.
const MOST_NAMES: usize = 16;

/// What `externalId` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sources::scim) enum ExternalId {
    /// The client's own affair.
    #[default]
    Unused,
    /// The `sub` that the issuer has in its tokens. Okta's is.
    Sub,
    /// The HR system's number.
    EmployeeId,
    /// The account's own id at the target.
    AccountId,
}

/// What `active` becoming false means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sources::scim) enum Deactivation {
    /// The person has left.
    #[default]
    Departed,
    /// The account was switched off, for whatever reason.
    Suspended,
}

/// How resources become subjects and signals.
#[derive(Debug, Clone, Default)]
pub(in crate::sources::scim) struct UserMapping {
    /// The issuer whose `sub` the `externalId` is.
    pub(in crate::sources::scim) issuer: String,
    pub(in crate::sources::scim) external_id: ExternalId,
    pub(in crate::sources::scim) deactivation: Deactivation,
}

/// What was done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::scim) enum ResourceOp {
    Created,
    Changed,
    Deleted,
}

impl UserMapping {
    /// The names of whom a user resource is about, the strongest first.
    pub(in crate::sources::scim) fn names(&self, record: &Record) -> Vec<Subject> {
        let mut names: Vec<Subject> = Vec::new();
        let mut add = |name: Option<Subject>| {
            if let Some(name) = name
                && names.len() < MOST_NAMES
                && !names.contains(&name)
            {
                names.push(name);
            }
        };
        let external = record.text("externalId");
        match self.external_id {
            ExternalId::Unused => {}
            ExternalId::Sub => add(external.and_then(|sub| Subject::iss_sub(&self.issuer, sub).ok())),
            ExternalId::EmployeeId => add(external.and_then(|id| read("employee_id", id))),
            ExternalId::AccountId => add(external.and_then(|id| read("opaque", id))),
        }
        add(number(record).and_then(|number| read("employee_id", number)));
        for address in addresses(record) {
            add(read("email", address));
        }
        if let Some(called) = record.text(USER.called) {
            add(read("email", called)
                .filter(|_| called.contains('@'))
                .or_else(|| read("username", called)));
        }
        names
    }

    /// What a user is known by: its names, and of an inactive one those that it had while it was active.
    pub(in crate::sources::scim) fn known(&self, record: &Record) -> Vec<Subject> {
        record.known.clone().unwrap_or_else(|| self.names(record))
    }

    /// The same after a change, with what it was known by before. A client may rename the account in the same breath as it ends it, as Entra ID
    /// does when it deletes one: both names are the person's.
    pub(in crate::sources::scim) fn known_since(&self, before: &Record, after: &Record) -> Vec<Subject> {
        let mut names = self.known(before);
        if before.is_active() || after.is_active() {
            let more = self.names(after);
            let more: Vec<Subject> = more.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(more);
            names.truncate(MOST_NAMES);
        }
        names
    }

    /// The signal that a change gives rise to, where it does. Only a state that was known and is another now gives one, so that a
    /// repetition is harmless: `before` is what was kept and `after` what is kept from now on.
    pub(in crate::sources::scim) fn signal(
        &self,
        op: ResourceOp,
        before: Option<&Record>,
        after: &Record,
        body: [u8; 32],
        now: Timestamp,
    ) -> Option<Signal> {
        let before = before?;
        let (reason, what) = match (op, before.is_active(), after.is_active()) {
            // One who was reported when the account was deactivated is not reported again.
            (ResourceOp::Deleted, _, _) if before.departed => return None,
            (ResourceOp::Deleted, ..) => (Reason::Departed, "the user was deleted"),
            (_, true, false) => match self.deactivation {
                Deactivation::Departed => (Reason::Departed, "active became false"),
                Deactivation::Suspended => (Reason::Suspended, "active became false"),
            },
            (_, false, true) => (Reason::Reactivated, "active became true"),
            _ => return None,
        };
        let known = self.known_since(before, after);
        // One who was never active here is known by what it is called.
        let subject = together(if known.is_empty() { self.names(before) } else { known })?;
        let mut signal = Signal::new(format!("{}#{}", after.id, after.version), body, subject, reason);
        signal.occurred_at = Some(now);
        signal.note = Some(format!("SCIM: {what}"));
        Some(signal)
    }

    /// Whom what is kept of a user resource is about: the strongest name stands for the others, which
    /// [`Namesakes::identity`](super::namesakes::Namesakes::identity) links to it.
    pub(in crate::sources::scim) fn about(&self, record: &Record) -> Option<Subject> {
        // An address may be somebody else's by now; a `userName` that is none is the likelier to have stayed.
        let known = record.known.as_ref().and_then(|known| known.last()).cloned();
        known.or_else(|| self.names(record).into_iter().next())
    }
}

/// Checks what the attributes must be like together.
///
/// # Errors
/// `invalidValue`.
pub(in crate::sources::scim) fn check(kind: &ResourceType, record: &Record) -> Result<(), ScimError> {
    let called = record.text(kind.called).unwrap_or_default();
    if called.trim().is_empty() {
        return Err(scim_error(INVALID_VALUE, format!("{} is missing", kind.called)));
    }
    if *kind == USER && read("username", called).is_none() {
        let why = "userName is longer than 512 bytes, or holds control or invisible characters";
        return Err(scim_error(INVALID_VALUE, why));
    }
    let primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
    let emails = record.members.get("emails").and_then(Value::as_array);
    if emails.is_some_and(|emails| emails.iter().filter(primary).count() > 1) {
        return Err(scim_error(INVALID_VALUE, "only one of the emails can be primary"));
    }
    Ok(())
}

/// The addresses that name the person here, the primary one first. A private one names no account of the organisation's.
pub(in crate::sources::scim) fn addresses(record: &Record) -> Vec<&str> {
    let emails = record.members.get("emails").and_then(Value::as_array);
    let mut found: Vec<(bool, &str)> = emails
        .into_iter()
        .flatten()
        .filter(|email| {
            let purpose = email.get("type").and_then(Value::as_str).unwrap_or_default();
            !purpose.eq_ignore_ascii_case("home") && !purpose.eq_ignore_ascii_case("other")
        })
        .filter_map(|email| {
            let primary = email.get("primary") == Some(&Value::Bool(true));
            Some((!primary, email.get("value")?.as_str()?))
        })
        .collect();
    found.sort_by_key(|(later, _)| *later);
    found.into_iter().map(|(_, address)| address).collect()
}

/// The HR number that the enterprise extension holds.
pub(in crate::sources::scim) fn number(record: &Record) -> Option<&str> {
    record.members.get(ENTERPRISE_URN)?.get("employeeNumber")?.as_str()
}

fn read(word: &str, value: &str) -> Option<Subject> {
    Some(value)
        .filter(|value| value.len() <= LONGEST_SUBJECT)
        .and_then(|value| format!("{word}:{value}").parse().ok())
}

/// Names of one person as a subject.
pub(in crate::sources::scim) fn together(mut names: Vec<Subject>) -> Option<Subject> {
    match names.len() {
        0 | 1 => names.pop(),
        _ => Some(Subject::Aliases(names)),
    }
}
