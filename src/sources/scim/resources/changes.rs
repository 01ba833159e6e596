//! What changes a resource: POST, PUT, PATCH, DELETE. Each reads what is kept, works out what is to be kept from now on, and hands in both
//! that and the signal that follows from the difference, to be stored together.

use ::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use ::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::namesakes::Namesakes;
use super::record::Record;
use super::storage::{forget_all, keep, second_name};
use super::user_mapping::{ResourceOp, UserMapping, check, together};
use crate::model::{Alarm, AlarmKind, Delivery, Reason, StateChange, Timestamp};
use crate::sources::scim::http::answer::{self, RequestError, not_found, told};
use crate::sources::scim::protocol::attribute_selection::AttributeSelection;
use crate::sources::scim::protocol::schema::{ResourceType, USER};
use crate::sources::scim::protocol::{attribute_values, patch};
use crate::sources::{Received, SourceState};

/// One request that changes something.
pub(in crate::sources::scim) struct Change<'c> {
    pub(in crate::sources::scim) source: &'c str,
    pub(in crate::sources::scim) mapping: &'c UserMapping,
    pub(in crate::sources::scim) state: &'c dyn SourceState,
    pub(in crate::sources::scim) kind: &'static ResourceType,
    pub(in crate::sources::scim) base: &'c str,
    pub(in crate::sources::scim) headers: &'c HeaderMap,
    pub(in crate::sources::scim) selection: &'c AttributeSelection,
    /// SHA-256 of the body.
    pub(in crate::sources::scim) digest: [u8; 32],
    pub(in crate::sources::scim) now: Timestamp,
}

/// What is to become of the attributes of a resource.
pub(in crate::sources::scim) enum Update {
    /// PUT: these.
    Whole(Map<String, Value>),
    /// PATCH: what they become by it.
    Patch(Map<String, Value>),
}

impl Change<'_> {
    /// POST.
    pub(in crate::sources::scim) async fn create(&self, body: Map<String, Value>) -> Result<Received, RequestError> {
        let mut members = attribute_values::resource(self.kind, body)?;
        if *self.kind == USER {
            members.entry("active").or_insert(Value::Bool(true));
        }
        let mut record = Record {
            id: uuid::Uuid::now_v7().to_string(),
            version: 1,
            created_ms: self.now.ms(),
            changed_ms: self.now.ms(),
            departed: false,
            names: 0,
            known: None,
            members,
        };
        if !record.is_active() {
            record.known = Some(Vec::new());
        }
        check(self.kind, &record)?;
        self.check_unique(&record).await?;
        let steps = keep(self.kind, self.mapping, None, &mut record)?;
        // One who comes inactive was never active here: an import of everybody who ever left must not look like a mass departure.
        let delivery = self.delivery(ResourceOp::Created, None, &record, steps).await?;
        Ok(self.answered(StatusCode::CREATED, delivery, &record))
    }

    /// PUT and PATCH.
    pub(in crate::sources::scim) async fn change(&self, id: &str, wanted: Update) -> Result<Received, RequestError> {
        let Some(before) = self.find(id).await? else {
            return self.unknown(id, wanted);
        };
        let mut members = match wanted {
            Update::Whole(body) => attribute_values::resource(self.kind, body)?,
            Update::Patch(body) => patch::apply(self.kind, id, &before.members, body)?,
        };
        // What a PUT does not say about whether the person is active stays as it was: nobody is ever deactivated by leaving it out.
        if let Some(active) = before.members.get("active") {
            members.entry("active").or_insert_with(|| active.clone());
        }
        if members == before.members {
            return Ok(Received::Reply(self.shown(StatusCode::OK, &before)));
        }
        let mut after = Record {
            version: before.version + 1,
            changed_ms: self.now.ms(),
            members,
            ..before.clone()
        };
        check(self.kind, &after)?;
        self.check_unique(&after).await?;
        if after.is_active() {
            after.departed = false;
        } else if before.is_active() {
            after.departed = self.mapping.deactivates_by_departure();
        }
        after.known = (!after.is_active()).then(|| self.mapping.known_since(&before, &after));
        let steps = keep(self.kind, self.mapping, Some(&before), &mut after)?;
        let delivery = self.delivery(ResourceOp::Changed, Some(&before), &after, steps).await?;
        Ok(self.answered(StatusCode::OK, delivery, &after))
    }

    /// DELETE.
    pub(in crate::sources::scim) async fn delete(&self, id: &str) -> Result<Received, RequestError> {
        // A repetition of one that was done finds nothing.
        let before = self.find(id).await?.ok_or_else(not_found)?;
        let after = Record {
            version: before.version + 1,
            ..before.clone()
        };
        let steps = forget_all(self.kind, &before);
        let delivery = self.delivery(ResourceOp::Deleted, Some(&before), &after, steps).await?;
        Ok(Received::Answered(delivery, answer::gone()))
    }

    /// 404; and where somebody was to be deactivated whom we do not know, a human hears of it: the store is older than the client's
    /// memory of us, and a departure would be lost.
    fn unknown(&self, id: &str, wanted: Update) -> Result<Received, RequestError> {
        let active = Map::from_iter([("active".to_owned(), Value::Bool(true))]);
        let members = match wanted {
            Update::Whole(body) => attribute_values::resource(self.kind, body)?,
            Update::Patch(body) => patch::apply(self.kind, id, &active, body)?,
        };
        if *self.kind != USER || members.get("active") != Some(&Value::Bool(false)) {
            return Err(not_found());
        }
        let mut delivery = Delivery::of(self.source, Vec::new(), self.now);
        delivery.alarms.push(Alarm {
            kind: AlarmKind::UnknownUser,
            about: None,
            summary: Some(format!(
                "source {}: a user was deactivated who is not known here, so that nobody's access ended; ask the identity provider who it is",
                self.source
            )),
        });
        Ok(Received::Answered(delivery, answer::nothing()))
    }

    /// The resource, if it is the one that the client means.
    async fn find(&self, id: &str) -> Result<Option<Record>, RequestError> {
        let Some(entry) = self.state.state_entry(self.kind.namespace, id).await? else {
            return Ok(None);
        };
        let record = Record::read(&entry)?;
        let tag = record.tag();
        if named(self.headers, &IF_MATCH, &tag) == Some(false) || named(self.headers, &IF_NONE_MATCH, &tag) == Some(true) {
            let why = "the resource has changed since: its version is another";
            return Err(told(StatusCode::PRECONDITION_FAILED, None, why));
        }
        Ok(Some(record))
    }

    async fn check_unique(&self, record: &Record) -> Result<(), RequestError> {
        if *self.kind != USER {
            return Ok(());
        }
        let called = second_name(record.text(self.kind.called).unwrap_or_default());
        let namesakes = self.state.state_entries_by(self.kind.namespace, &called).await?;
        if namesakes.iter().any(|entry| entry.key != record.id) {
            let why = "there is a user of that userName already";
            return Err(told(StatusCode::CONFLICT, Some("uniqueness"), why));
        }
        Ok(())
    }

    async fn delivery(
        &self,
        op: ResourceOp,
        before: Option<&Record>,
        after: &Record,
        state_changes: Vec<StateChange>,
    ) -> Result<Delivery, RequestError> {
        let mut delivery = Delivery::of(self.source, Vec::new(), self.now);
        delivery.state_changes = state_changes;
        if *self.kind != USER {
            return Ok(delivery);
        }
        let user: Vec<&Record> = before.into_iter().chain([after]).collect();
        let signal = self.mapping.signal(op, before, after, self.digest, self.now);
        let others = Namesakes::find(self.state, self.mapping, &user).await?;
        if let (Some(mut signal), Some(before)) = (signal, before)
            && let Some(subject) = others.own(&signal.subject, before, after)
        {
            signal.subject = subject;
            if signal.reason != Reason::Reactivated {
                let others = Namesakes::of_person(self.state, self.mapping, &user, &signal.subject).await?;
                others.restrict(&mut signal);
            }
            delivery.signals.push(signal);
        }
        // What an inactive user is called says nothing of whose the names are now.
        if op != ResourceOp::Deleted && after.is_active() {
            let names = self.mapping.names(after);
            if op == ResourceOp::Created {
                delivery.active.extend(together(names.clone()));
            }
            let had = before.map_or(Vec::new(), |before| self.mapping.known(before));
            delivery.identities.push(others.identity(&names, &had));
        }
        Ok(delivery)
    }

    fn answered(&self, status: StatusCode, delivery: Delivery, record: &Record) -> Received {
        Received::Answered(delivery, self.shown(status, record))
    }

    /// The resource under `status`.
    pub(in crate::sources::scim) fn shown(&self, status: StatusCode, record: &Record) -> ::http::Response<bytes::Bytes> {
        let whole = record.show(self.kind, self.base);
        let headers = answer::resource(status, &Value::Object(whole.clone()));
        let (parts, _) = headers.into_parts();
        let body = self.selection.of(self.kind, whole).to_string();
        ::http::Response::from_parts(parts, bytes::Bytes::from(body))
    }
}

/// Whether a header of entity tags names `tag`, by the weak comparison of RFC 9110, since ours are all weak; `None` where it is not there.
pub(in crate::sources::scim) fn named(headers: &HeaderMap, name: &HeaderName, tag: &str) -> Option<bool> {
    let mut there = None;
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    for value in headers.get_all(name) {
        let named = value
            .to_str()
            .unwrap_or_default()
            .split(',')
            .any(|one| one.trim() == "*" || bare(one) == bare(tag));
        there = Some(there.unwrap_or(false) || named);
    }
    there
}

impl UserMapping {
    /// Whether one whose `active` became false counts as departed.
    const fn deactivates_by_departure(&self) -> bool {
        matches!(self.deactivation, super::user_mapping::Deactivation::Departed)
    }
}
