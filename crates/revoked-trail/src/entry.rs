//! The entry line: one JSON object, stored as written and hashed as stored. Verification never writes it again.

use std::fmt::Write as _;

use serde_json::Value;

use super::entry_kind::EntryKind;
use super::redact;
use crate::{Actor, Timestamp};

/// What an entry says, before the store gives it its place (`seq`) and time (`at`).
///
/// Personal data stands behind `subject_ref` (see [`mod@super::subject_ref`]), never in `detail`: the line can't be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What happened.
    pub kind: EntryKind,
    /// Who caused it.
    pub actor: Actor,
    /// The case it belongs to.
    pub case: Option<i64>,
    /// The job it belongs to.
    pub job: Option<i64>,
    /// Whom it is about: `s_…`, a keyed reference that loses its meaning when the subject's key is erased.
    pub subject_ref: Option<String>,
    /// Everything else, as a JSON object: status, request id, counts, reason. An empty object or null is left out of the line.
    ///
    /// It never holds a secret. A member named like one (`token`, `secret`, `password`, `authorization`, `csrf`, …) with a long string
    /// as its value stops a debug build, and is replaced by `(withheld)` in a release build; ids go under names such as `token_id`.
    pub detail: Value,
}

impl Entry {
    /// An entry of `kind` by `actor` that says nothing else yet.
    #[must_use]
    pub fn new(kind: EntryKind, actor: Actor) -> Self {
        Self {
            kind,
            actor,
            case: None,
            job: None,
            subject_ref: None,
            detail: Value::Null,
        }
    }

    /// The same, about this case.
    #[must_use]
    pub fn case(mut self, id: i64) -> Self {
        self.case = Some(id);
        self
    }

    /// The same, about this job.
    #[must_use]
    pub fn job(mut self, id: i64) -> Self {
        self.job = Some(id);
        self
    }

    /// The same, about the subject behind this reference.
    #[must_use]
    pub fn subject_ref(mut self, reference: impl Into<String>) -> Self {
        self.subject_ref = Some(reference.into());
        self
    }

    /// The same, with this detail: an object (`serde_json::json!({…})`).
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// The bytes to store and to hash: one line without its end, members in the fixed order `seq`, `at` (ms), `kind`, `actor`, `case`,
    /// `job`, `subject_ref`, `detail`; what is absent is left out. `seq` is the entry's place in the trail and the index of its leaf.
    #[must_use]
    pub fn line(&self, seq: u64, at: Timestamp) -> String {
        debug_assert!(
            redact::secret_member(&self.detail).is_none(),
            "{}: the detail's member `{}` looks like a secret",
            self.kind,
            redact::secret_member(&self.detail).unwrap_or_default(),
        );
        debug_assert!(
            self.detail.is_object() || self.detail.is_null(),
            "{}: the detail must be an object",
            self.kind
        );
        let actor = Value::String(self.actor.to_string());
        let mut line = format!(r#"{{"seq":{seq},"at":{},"kind":"{}","actor":{actor}"#, at.ms(), self.kind);
        // Writing to a string cannot fail, and a `Value` prints itself as one line of JSON: control characters are escaped.
        let mut member = |name: &str, value: Value| {
            let _ = write!(line, r#","{name}":{value}"#);
        };
        if let Some(case) = self.case {
            member("case", case.into());
        }
        if let Some(job) = self.job {
            member("job", job.into());
        }
        if let Some(reference) = &self.subject_ref {
            member("subject_ref", reference.as_str().into());
        }
        match &self.detail {
            Value::Null => {}
            Value::Object(members) if members.is_empty() => {}
            detail => member("detail", redact::withheld(detail)),
        }
        line.push('}');
        line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp::from_ms(1_764_000_000_120);

    #[test]
    fn the_line_has_its_members_in_the_fixed_order() {
        let entry = Entry::new(EntryKind::ActionFinished, Actor::operator("alice", Some(1000)))
            .case(7)
            .job(9)
            .subject_ref("s_abc")
            .detail(json!({"status": 200, "request_id": "x1"}));
        assert_eq!(
            entry.line(17, AT),
            r#"{"seq":17,"at":1764000000120,"kind":"action.finished","actor":"operator:alice(1000)","case":7,"job":9,"#.to_owned()
                + r#""subject_ref":"s_abc","detail":{"request_id":"x1","status":200}}"#
        );
    }

    #[test]
    fn absent_members_are_left_out() {
        let entry = Entry::new(EntryKind::DaemonStarted, Actor::Daemon);
        let bare = r#"{"seq":0,"at":1764000000120,"kind":"daemon.started","actor":"daemon"}"#;
        assert_eq!(entry.line(0, AT), bare);
        assert_eq!(entry.detail(json!({})).line(0, AT), bare);
    }

    #[test]
    #[should_panic(expected = "looks like a secret")]
    fn a_secret_in_the_detail_stops_a_debug_build() {
        let detail = json!({"headers": {"X-CSRF-Token": "pq8c4kf7x3dkzr1r5iywa6m5zc"}});
        let line = Entry::new(EntryKind::ActionStarted, Actor::Daemon).detail(detail).line(0, AT);
        drop(line);
    }

    proptest! {
        #[test]
        fn any_text_stays_on_one_line_and_reads_back(name in "[a-z]{1,8}", text: String, reference: String) {
            let entry = Entry::new(EntryKind::SignalRejected, Actor::source(name)).subject_ref(reference.clone())
                .detail(json!({"reason": text}));
            let line = entry.line(3, AT);
            prop_assert_eq!(&line, &entry.line(3, AT));
            prop_assert!(!line.contains('\n') && !line.contains('\r'));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["seq"].as_u64(), Some(3));
            prop_assert_eq!(read["at"].as_i64(), Some(AT.ms()));
            prop_assert_eq!(read["subject_ref"].as_str(), Some(reference.as_str()));
            prop_assert_eq!(&read["detail"], &entry.detail);
        }
    }
}
