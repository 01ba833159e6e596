//! Identifiers that were changed or given to somebody else: the events `identifier-changed` and `identifier-recycled` (RISC 1.0 sections 2.5 and 2.6).

use serde_json::{Map, Value};

use super::event_mapping::Event;
use crate::model::{Renamed, Subject};

/// What an event says about the name that it is about. Nothing where the subject is no address, account or number: nothing else changes hands
/// by these events.
pub(in crate::sources::ssf) fn of(event: &Event, claims: &Map<String, Value>, subject: &Subject) -> Option<Renamed> {
    let format = match subject {
        Subject::Email(_) | Subject::Account(_) | Subject::PhoneNumber(_) => subject.format(),
        _ => return None,
    };
    if event.is_risc("identifier-recycled") {
        return Some(Renamed::Recycled(subject.clone()));
    }
    if !event.is_risc("identifier-changed") {
        return None;
    }
    // Optional in RISC; without it only the issuer knows the name now.
    let value = claims.get("new-value").and_then(Value::as_str)?;
    let to: Subject = format!("{format}:{value}").parse().ok()?;
    (to != *subject).then(|| Renamed::Changed {
        from: subject.clone(),
        to,
    })
}
