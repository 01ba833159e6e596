//! The entry line: one JSON object, stored as written and hashed as stored. Verification never writes it again.

use serde::{Serialize, Serializer as _};

use super::detail::Detail;
use super::entry_kind::EntryKind;
use crate::{Actor, Timestamp};

/// What an entry says, before the store gives it its place (`seq`) and time (`at`).
///
/// Personal data stands behind `subject_ref` (see [`mod@super::subject_ref`]), never in `detail`: the line can't be erased.
#[derive(Debug, Clone)]
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
    /// Everything else, as a JSON object: status, request id, counts, reason. One without members is left out of the line.
    ///
    /// It never holds a secret. A member named like one (`token`, `secret`, `password`, `authorization`, `csrf`, …) with a long string
    /// as its value stops a debug build, and is replaced by `(withheld)` in a release build; ids go under names such as `token_id`.
    pub detail: Detail,
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
            detail: Detail::new(),
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

    /// The same, with this detail: [`detail!`](crate::detail!), or an object of `serde_json::json!`, which costs a tree first.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Detail>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The bytes to store and to hash: one line without its end, members in the fixed order `seq`, `at` (ms), `kind`, `actor`, `case`,
    /// `job`, `subject_ref`, `detail`; what is absent is left out. `seq` is the entry's place in the trail and the index of its leaf.
    #[must_use]
    pub fn line(&self, seq: u64, at: Timestamp) -> String {
        debug_assert!(
            self.detail.secret_member().is_none(),
            "{}: the detail's member `{}` looks like a secret",
            self.kind,
            self.detail.secret_member().unwrap_or_default(),
        );
        let reference = self.subject_ref.as_deref().unwrap_or_default();
        let mut line = Vec::with_capacity(LEAST + reference.len() + self.detail.length());
        line.extend_from_slice(br#"{"seq":"#);
        push(&mut line, &seq);
        line.extend_from_slice(br#","at":"#);
        push(&mut line, &at.ms());
        line.extend_from_slice(br#","kind":""#);
        line.extend_from_slice(self.kind.name().as_bytes());
        line.extend_from_slice(br#"","actor":"#);
        // Writing to memory cannot fail, and a text becomes one line of JSON: control characters are escaped.
        drop(serde_json::Serializer::new(&mut line).collect_str(&self.actor));
        if let Some(case) = self.case {
            line.extend_from_slice(br#","case":"#);
            push(&mut line, &case);
        }
        if let Some(job) = self.job {
            line.extend_from_slice(br#","job":"#);
            push(&mut line, &job);
        }
        if self.subject_ref.is_some() {
            line.extend_from_slice(br#","subject_ref":"#);
            push(&mut line, reference);
        }
        if !self.detail.is_empty() {
            line.extend_from_slice(br#","detail":"#);
            self.detail.append_to(&mut line);
        }
        line.push(b'}');
        String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// About how long a line is without its reference and its detail.
const LEAST: usize = 160;

fn push<T: Serialize + ?Sized>(line: &mut Vec<u8>, value: &T) {
    drop(serde_json::to_writer(line, value));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::detail;

    const AT: Timestamp = Timestamp::from_ms(1_764_000_000_120);

    #[test]
    fn the_line_has_its_members_in_the_fixed_order() {
        let entry = Entry::new(EntryKind::ActionFinished, Actor::operator("alice", Some(1000)))
            .case(7)
            .job(9)
            .subject_ref("s_abc")
            .detail(detail! { "status": 200, "request_id": "x1" });
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
    #[should_panic(expected = "action.started: the detail's member `X-CSRF-Token` looks like a secret")]
    fn a_secret_in_the_detail_stops_a_debug_build() {
        let detail = json!({"headers": {"X-CSRF-Token": "pq8c4kf7x3dkzr1r5iywa6m5zc"}});
        let line = Entry::new(EntryKind::ActionStarted, Actor::Daemon).detail(detail).line(0, AT);
        drop(line);
    }

    proptest! {
        #[test]
        fn any_text_stays_on_one_line_and_reads_back(name: String, text: String, reference: String) {
            let entry = Entry::new(EntryKind::SignalRejected, Actor::source(name)).subject_ref(reference.clone())
                .detail(detail! { "reason": text });
            let line = entry.line(3, AT);
            prop_assert_eq!(&line, &entry.line(3, AT));
            prop_assert!(!line.contains('\n') && !line.contains('\r'));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["seq"].as_u64(), Some(3));
            prop_assert_eq!(read["at"].as_i64(), Some(AT.ms()));
            prop_assert_eq!(&read["actor"], &json!(entry.actor.to_string()));
            prop_assert_eq!(read["subject_ref"].as_str(), Some(reference.as_str()));
            prop_assert_eq!(&read["detail"], &json!({ "reason": text }));
        }
    }
}
