//! Of each case of a time: its work at each target, with the times that its rows have.
//!
//! A row that crosses from the database by itself costs several times what it costs to find it, so a portion of cases comes as one text, in JSON.
//! Where that cannot be read, its rows come one by one, and the one that is at fault is named.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, StoreError};

/// How many cases are read at once.
pub(super) const AT_ONCE: usize = 2000;

/// The newest containing jobs of a case at one target, of which the first that reached a proof counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkRow {
    pub(super) case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub(super) subject: Option<String>,
    pub(super) reason: Arc<str>,
    /// Of the case.
    pub(super) state: Arc<str>,
    pub(super) received_at: Timestamp,
    pub(super) called_off: bool,
    /// From when to when its last hold stood.
    pub(super) hold: Option<(Timestamp, Option<Timestamp>)>,
    /// The day of its departure.
    pub(super) acts_at: Option<Timestamp>,
    pub(super) job: i64,
    pub(super) target: Arc<str>,
    /// Of the job.
    pub(super) job_state: Arc<str>,
    pub(super) verdict: Option<Arc<str>>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) first_revoke_at: Option<Timestamp>,
    /// When it is due, where it waits for that.
    pub(super) due: Option<Timestamp>,
    /// Whether no attempt has said anything.
    pub(super) is_untried: bool,
}

/// The numbers of the cases that may have begun from `since` on and before `until`, ascending: those received then; those that closed since then,
/// however long before they were received; those whose departure was carried out then.
pub(super) async fn cases(conn: &mut SqliteConnection, since: Timestamp, until: Timestamp) -> Result<Vec<i64>> {
    let doing = || StoreError::sql("looking for the cases of a time");
    let mut found: Vec<i64> = Vec::new();
    let mut before = i64::MAX;
    loop {
        let page = sqlx::query(
            "SELECT min(id), max(received_at), json_group_array(id) FILTER (WHERE received_at >= $3 AND received_at < $4) \
             FROM (SELECT id, received_at FROM cases WHERE id < $1 ORDER BY id DESC LIMIT $2)",
        )
        .bind(before)
        .bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX))
        .bind(since.ms())
        .bind(until.ms())
        .fetch_one(&mut *conn)
        .await
        .map_err(doing())?;
        let (first, latest): (Option<i64>, Option<i64>) = (page.read(0)?, page.read(1)?);
        let numbers: Vec<i64> = serde_json::from_str(page.read(2)?).map_err(|source| StoreError::Unreadable {
            column: "id".to_owned(),
            why: source.to_string(),
        })?;
        found.extend(numbers);
        match first {
            // A clock that was set back may have one stand behind others: only a page without any is the end.
            Some(first) if latest >= Some(since.ms()) => before = first,
            _ => break,
        }
    }
    for earlier in [
        "SELECT id FROM cases WHERE closed_at IS NOT NULL AND closed_at >= $1 AND received_at < $1 AND received_at < $2",
        "SELECT case_id FROM departure WHERE id > 0 AND state = 'executed' AND acts_at >= $1 AND acts_at < $2 AND case_id IS NOT NULL",
    ] {
        let earlier: Vec<i64> = sqlx::query_scalar(earlier)
            .bind(since.ms())
            .bind(until.ms())
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
        found.extend(earlier);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// What is read of each work.
macro_rules! columns {
    () => {
        "c.id, p.subject, c.reason, c.state, c.received_at, c.called_off_at IS NOT NULL, h.placed_at, h.decided_at, \
         (SELECT max(d.acts_at) FROM departure d WHERE d.case_id = c.id), j.id, j.target, j.state, j.verdict, j.finished_at, \
         CASE WHEN j.evidence IS NOT NULL AND json_valid(j.evidence) THEN j.evidence ->> '$.first_revoke_at' END, \
         coalesce(j.due, j.held_due), j.attempt = 0 AND j.error IS NULL AND j.evidence IS NULL"
    };
}

/// Of which cases.
macro_rules! of_cases {
    () => {
        " FROM json_each($1) n CROSS JOIN cases c ON c.id = n.value LEFT JOIN person p ON p.ref = c.subject_ref \
         LEFT JOIN hold h ON h.id = c.hold CROSS JOIN job j ON j.case_id = c.id WHERE j.kind = 'contain'"
    };
}

const TOGETHER: &str = concat!("SELECT '[' || group_concat(json_array(", columns!(), ")) || ']'", of_cases!());
const ONE_BY_ONE: &str = concat!("SELECT ", columns!(), of_cases!(), " ORDER BY c.id, j.target, j.id");

/// The words that rows repeat, each of which is kept once.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeSet<Arc<str>>);

impl Words {
    fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        self.0.insert(Arc::clone(&word));
        word
    }
}

/// The work of a portion of cases, one row for each case and target, in order.
pub(super) async fn work(conn: &mut SqliteConnection, cases: &[i64], words: &mut Words) -> Result<Listed<WorkRow>> {
    let cases = serde_json::Value::from(cases).to_string();
    let mut listed = match together(conn, &cases, words).await {
        Some(rows) => Listed {
            rows,
            ..Listed::default()
        },
        None => one_by_one(conn, &cases, words).await?,
    };
    let mut rows: Vec<WorkRow> = Vec::with_capacity(listed.rows.len());
    for row in listed.rows.drain(..) {
        match rows.last_mut() {
            // What was proved first counts; what was asked again since is another question.
            Some(before) if (before.case, &before.target) == (row.case, &row.target) => {
                if !is_proof(before) {
                    let first = before.first_revoke_at.or(row.first_revoke_at);
                    *before = row;
                    before.first_revoke_at = first;
                }
            }
            _ => rows.push(row),
        }
    }
    listed.rows = rows;
    Ok(listed)
}

/// A work as the text has it, column for column.
#[derive(Deserialize)]
struct Written<'t>(
    i64,
    #[serde(borrow)] Option<Cow<'t, str>>,
    #[serde(borrow)] Cow<'t, str>,
    #[serde(borrow)] Cow<'t, str>,
    i64,
    u8,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
    #[serde(borrow)] Cow<'t, str>,
    #[serde(borrow)] Cow<'t, str>,
    #[serde(borrow)] Option<Cow<'t, str>>,
    Option<i64>,
    #[serde(borrow)] Option<Cow<'t, str>>,
    Option<i64>,
    u8,
);

/// All rows at once; `None` where any of them cannot be read.
async fn together(conn: &mut SqliteConnection, cases: &str, words: &mut Words) -> Option<Vec<WorkRow>> {
    let row = sqlx::query(TOGETHER).bind(cases).fetch_one(conn).await.ok()?;
    let text: Option<&str> = row.read(0).ok()?;
    let written: Vec<Written<'_>> = serde_json::from_str(text.unwrap_or("[]")).ok()?;
    let mut rows: Vec<WorkRow> = written.into_iter().map(|row| row.work(words)).collect();
    rows.sort_by(|one, other| (one.case, &one.target, one.job).cmp(&(other.case, &other.target, other.job)));
    Some(rows)
}

async fn one_by_one(conn: &mut SqliteConnection, cases: &str, words: &mut Words) -> Result<Listed<WorkRow>> {
    let rows = sqlx::query(ONE_BY_ONE)
        .bind(cases)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("reading the work of a time"))?;
    let words = std::cell::RefCell::new(words);
    Listed::read("cases", &rows, |row| read_work(row, &mut words.borrow_mut()))
}

/// Whether the work has come to a verdict about somebody.
fn is_proof(row: &WorkRow) -> bool {
    matches!(row.verdict.as_deref(), Some("contained" | "unverified" | "residual"))
}

impl Written<'_> {
    fn work(self, words: &mut Words) -> WorkRow {
        WorkRow {
            case: self.0,
            subject: self.1.map(Cow::into_owned),
            reason: words.of(&self.2),
            state: words.of(&self.3),
            received_at: Timestamp::from_ms(self.4),
            called_off: self.5 != 0,
            hold: hold(self.6, self.7),
            acts_at: self.8.map(Timestamp::from_ms),
            job: self.9,
            target: words.of(&self.10),
            job_state: words.of(&self.11),
            verdict: self.12.map(|verdict| words.of(&verdict)),
            finished_at: self.13.map(Timestamp::from_ms),
            first_revoke_at: self.14.as_deref().and_then(first_revoke),
            due: self.15.map(Timestamp::from_ms),
            is_untried: self.16 != 0,
        }
    }
}

fn read_work(row: &SqliteRow, words: &mut Words) -> Result<WorkRow> {
    let mut gaps = Gaps::of(row);
    let work = WorkRow {
        case: gaps.read(0),
        subject: gaps.text_if_any(1),
        reason: words.of(&gaps.text(2)),
        state: words.of(&gaps.text(3)),
        received_at: gaps.time(4),
        called_off: gaps.read(5),
        hold: hold(gaps.read(6), gaps.read(7)),
        acts_at: gaps.time_if_any(8),
        job: gaps.read(9),
        target: words.of(&gaps.text(10)),
        job_state: words.of(&gaps.text(11)),
        verdict: gaps.text_if_any(12).map(|verdict| words.of(&verdict)),
        finished_at: gaps.time_if_any(13),
        first_revoke_at: gaps.text_if_any(14).as_deref().and_then(first_revoke),
        due: gaps.time_if_any(15),
        is_untried: gaps.read(16),
    };
    gaps.whole(work)
}

fn hold(placed: Option<i64>, decided: Option<i64>) -> Option<(Timestamp, Option<Timestamp>)> {
    placed.map(|placed| (Timestamp::from_ms(placed), decided.map(Timestamp::from_ms)))
}

/// As evidence has it: a text.
fn first_revoke(at: &str) -> Option<Timestamp> {
    at.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
}
