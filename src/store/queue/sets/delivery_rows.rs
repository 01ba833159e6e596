//! The rows that the deliveries of a group write.

use serde::Serialize;

use crate::store::transaction::set_words::{bytes_of, rows_of};
use crate::store::transaction::statements::Statements;

/// The rows that the deliveries of a group write, each as the JSON list of its columns.
#[derive(Default)]
pub(super) struct DeliveryRows {
    pub(super) people: Vec<PersonRow>,
    /// `name, ref`.
    pub(super) aliases: Vec<(String, String)>,
    pub(super) cases: Vec<NewCaseRow>,
    pub(super) signals: Vec<SignalRow>,
    /// `id, case_id, taken_at`.
    pub(super) inbox: Vec<(i64, i64, i64)>,
    pub(super) health: Vec<HealthRow>,
}

/// A person who is known or new: `ref, key (hexadecimal), subject, seen_at`.
#[derive(Serialize)]
pub(super) struct PersonRow(pub(super) String, pub(super) String, pub(super) String, pub(super) i64);

/// A new case: the columns of [`CASES`].
#[derive(Serialize)]
pub(super) struct NewCaseRow {
    pub(super) id: i64,
    pub(super) subject_ref: String,
    pub(super) reason: &'static str,
    pub(super) playbook: String,
    pub(super) scope: String,
    pub(super) priority: u8,
    pub(super) source: String,
    pub(super) requested_by: Option<String>,
    pub(super) note: Option<String>,
    pub(super) received_at: i64,
}

/// A new signal that is acted on: the columns of [`SIGNALS`].
#[derive(Serialize)]
pub(super) struct SignalRow {
    pub(super) id: i64,
    pub(super) source: String,
    pub(super) key: String,
    /// Hexadecimal.
    pub(super) digest: String,
    pub(super) subject_ref: String,
    pub(super) reason: &'static str,
    pub(super) case_id: i64,
    pub(super) requested_by: Option<String>,
    pub(super) note: Option<String>,
    pub(super) occurred_at: Option<i64>,
    pub(super) received_at: i64,
    pub(super) asked: String,
}

/// What a source has said: `source, spoke_at, lags`.
#[derive(Serialize)]
pub(super) struct HealthRow(pub(super) String, pub(super) i64, pub(super) String);

/// SQLite's reading of hexadecimal; PostgreSQL's is `decode(…, 'hex')`.
pub(super) const PEOPLE: &str = concat!(
    "INSERT INTO person (ref, key, subject, seen_at) SELECT ref, ",
    bytes_of!("key"),
    ", subject, seen_at FROM ",
    rows_of!("$1", 0 => "ref", 1 => "key", 2 => "subject", 3 => "seen_at"),
    " n WHERE true ON CONFLICT (subject) DO UPDATE SET seen_at = excluded.seen_at"
);
pub(super) const ALIASES: &str = concat!(
    "INSERT INTO alias (name, ref) SELECT name, ref FROM ",
    rows_of!("$1", 0 => "name", 1 => "ref"),
    " n WHERE true ON CONFLICT DO NOTHING"
);
pub(super) const CASES: &str = concat!(
    "INSERT INTO cases (id, subject_ref, reason, playbook, scope, priority, state, source, requested_by, note, \
     received_at) SELECT id, subject_ref, reason, playbook, scope, priority, 'open', source, requested_by, note, \
     received_at FROM ",
    rows_of!(
        "$1",
        "id",
        "subject_ref",
        "reason",
        "playbook",
        "scope",
        "priority",
        "source",
        "requested_by",
        "note",
        "received_at"
    ),
    " n"
);
pub(super) const SIGNALS: &str = concat!(
    "INSERT INTO signal (id, source, key, digest, subject_ref, reason, decision, case_id, requested_by, note, occurred_at, \
     received_at, asked) SELECT id, source, key, ",
    bytes_of!("digest"),
    ", subject_ref, reason, 'act', case_id, requested_by, note, occurred_at, received_at, asked FROM ",
    rows_of!(
        "$1",
        "id",
        "source",
        "key",
        "digest",
        "subject_ref",
        "reason",
        "case_id",
        "requested_by",
        "note",
        "occurred_at",
        "received_at",
        "asked"
    ),
    " n"
);
pub(super) const TAKEN: &str = concat!(
    "UPDATE inbox SET state = 'accepted', case_id = n.case_id, taken_at = n.at FROM ",
    rows_of!("$1", 0 => "id", 1 => "case_id", 2 => "at"),
    " n WHERE inbox.id = n.id AND inbox.state = 'new'"
);
pub(super) const HEALTH: &str = concat!(
    "INSERT INTO source_health (source, since, spoke_at, signal_at, lags) SELECT source, at, at, at, lags FROM ",
    rows_of!("$1", 0 => "source", 1 => "at", 2 => "lags"),
    " n WHERE true ON CONFLICT (source) DO UPDATE SET signal_at = excluded.signal_at, lags = substr(source_health.lags || \
     excluded.lags, -256), spoke_at = CASE WHEN excluded.spoke_at < source_health.spoke_at THEN source_health.spoke_at \
     ELSE excluded.spoke_at END"
);

impl DeliveryRows {
    /// Notes that a source has said something at `at`; `lag` as the store keeps it.
    pub(super) fn spoke(&mut self, source: &str, at: i64, lag: &str) {
        let known = self.health.iter().position(|row| row.0 == source);
        let place = known.unwrap_or(self.health.len());
        if known.is_none() {
            self.health.push(HealthRow(source.to_owned(), at, String::new()));
        }
        let row = &mut self.health[place];
        row.1 = row.1.max(at);
        row.2.push_str(lag);
        let surplus = row.2.len().saturating_sub(256);
        row.2.drain(..surplus);
    }

    /// The statements that write it.
    pub(super) fn push_to(&self, list: &mut Statements) {
        list.push_set(PEOPLE, &self.people);
        list.push_set(ALIASES, &self.aliases);
        list.push_set(CASES, &self.cases);
        list.push_set(SIGNALS, &self.signals);
        list.push_set(TAKEN, &self.inbox);
        list.push_set(HEALTH, &self.health);
    }
}
