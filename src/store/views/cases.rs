//! What the commands and the metrics show: read only, by any process that may read the file.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::{Evidence, Timestamp, Verdict};
use crate::store::{Result, Store, StoreError};

/// A case as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseView {
    /// Its number.
    pub id: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// What stands for the subject in the trail.
    pub subject_ref: String,
    /// Why it was opened.
    pub reason: String,
    /// The playbook it follows.
    pub playbook: String,
    /// How urgent it is; 0 goes first.
    pub priority: u8,
    /// `open`, `held`, `closed` or `cancelled`.
    pub state: String,
    /// The worst verdict of its targets, once it is closed.
    pub verdict: Option<String>,
    /// The source of the first signal.
    pub source: String,
    /// Who asked, where a signal says so.
    pub requested_by: Option<String>,
    /// The hold it waits under or waited under.
    pub hold: Option<i64>,
    /// When the first signal was received.
    pub received_at: Timestamp,
    /// When the first action that takes something away was answered.
    pub first_revoke_at: Option<Timestamp>,
    /// When it was first contained.
    pub contained_at: Option<Timestamp>,
    /// How often a sweep had to open it again.
    pub reopened: i64,
    /// When it was called off: nothing more is done for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_at: Option<Timestamp>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_why: Option<String>,
}

/// A job as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobView {
    /// Its number.
    pub id: i64,
    /// Its case.
    pub case: i64,
    /// Its target.
    pub target: String,
    /// `contain` or `watch`.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// When it may start, where it is scheduled.
    pub due: Option<Timestamp>,
    /// How urgent it is.
    pub priority: u8,
    /// Attempts so far.
    pub attempt: u32,
    /// What was proved, in full.
    pub verdict: Option<Verdict>,
    /// The newest error.
    pub error: Option<String>,
    /// When it was put into the queue.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What its newest attempt saw and did.
    pub evidence: Option<Evidence>,
}

/// An action as `case show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionView {
    /// Its number.
    pub id: i64,
    /// Its job.
    pub job: i64,
    /// What was sent.
    pub action: serde_json::Value,
    /// When its intent was recorded.
    pub started_at: Timestamp,
    /// When it was answered.
    pub finished_at: Option<Timestamp>,
    /// What came of it; `None` while it is under way.
    pub outcome: Option<String>,
    /// What stood in its way, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The target's ids of its requests.
    pub requests: Vec<String>,
}

/// A signal as `case show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignalView {
    /// Its number.
    pub id: i64,
    /// Its source.
    pub source: String,
    /// Its reason.
    pub reason: String,
    /// `act`, `hold`, `ignore` or `withdraw`.
    pub decision: String,
    /// Why, where it was not to be acted on.
    pub why: Option<String>,
    /// Who asked.
    pub requested_by: Option<String>,
    /// The note.
    pub note: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// A case with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseDetail {
    /// The case.
    pub case: CaseView,
    /// The signals that led to it.
    pub signals: Vec<SignalView>,
    /// Its jobs, sweeps included.
    pub jobs: Vec<JobView>,
    /// What was sent to targets.
    pub actions: Vec<ActionView>,
}

/// Which cases or jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only this state.
    pub state: Option<String>,
    /// Only this target (jobs).
    pub target: Option<String>,
    /// Only this subject, by every reference that has stood for it (cases).
    pub subject_refs: Option<Vec<String>>,
    /// Only this case (jobs).
    pub case: Option<i64>,
    /// Without those whose case was called off: nothing more is done about them (jobs).
    pub pursued: bool,
    /// At most so many, newest first.
    pub limit: u32,
}

/// The numbers that `status` and `/metrics` show, read from the tables and never counted along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Jobs by state.
    pub jobs: BTreeMap<String, i64>,
    /// Cases by state.
    pub cases: BTreeMap<String, i64>,
    /// Closed cases by verdict.
    pub verdicts: BTreeMap<String, i64>,
    /// Jobs in the could-not-revoke ledger.
    pub ledger: i64,
    /// When the oldest of them failed.
    pub ledger_oldest: Option<Timestamp>,
    /// Open alerts.
    pub alerts: i64,
    /// Open holds.
    pub holds: i64,
    /// Entries of the trail.
    pub trail: i64,
    /// The size of the newest signed checkpoint.
    pub signed: Option<i64>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// Lanes that are paused, with why.
    pub paused: BTreeMap<String, String>,
    /// Departures that wait for their day.
    pub planned: i64,
}

const CASE: &str = "SELECT c.id, p.subject, c.subject_ref, c.reason, c.playbook, c.priority, c.state, c.verdict, c.source, c.requested_by, \
     c.hold, c.received_at, c.first_revoke_at, c.contained_at, c.reopened, c.called_off_at, c.called_off_by, \
     c.called_off_why FROM cases c LEFT JOIN person p ON p.ref = c.subject_ref";

const JOB: &str =
    "SELECT id, case_id, target, kind, state, due, priority, attempt, outcome, error, created_at, finished_at, evidence FROM job";

impl Store {
    /// Cases, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn cases(&self, filter: &ListFilter) -> Result<Vec<CaseView>> {
        let sql = format!(
            "{CASE} WHERE (?1 IS NULL OR c.state = ?1) AND (?2 IS NULL OR c.subject_ref IN (SELECT value FROM json_each(?2))) ORDER BY c.id DESC LIMIT ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.state.as_deref())
            .bind(
                filter
                    .subject_refs
                    .as_ref()
                    .map(|list| serde_json::to_string(list).unwrap_or_default()),
            )
            .bind(filter.limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing cases"))?;
        Ok(rows.iter().map(read_case).collect())
    }

    /// One case without its jobs: cheap enough to ask for again and again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case(&self, id: i64) -> Result<CaseView> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{CASE} WHERE c.id = ?")))
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a case"))?
            .ok_or(StoreError::NotFound { what: "case", id })?;
        Ok(read_case(&row))
    }

    /// One case with its signals, jobs and actions.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case_detail(&self, id: i64) -> Result<CaseDetail> {
        let case = self.case(id).await?;
        let jobs = self
            .jobs(&ListFilter {
                case: Some(id),
                limit: 1000,
                ..ListFilter::default()
            })
            .await?;
        let signals = sqlx::query(
            "SELECT id, source, reason, decision, why, requested_by, note, received_at FROM signal WHERE case_id = ? ORDER BY id LIMIT 1000",
        )
        .bind(id)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading a case's signals"))?;
        let actions = sqlx::query(
            "SELECT a.id, a.job_id, a.action, a.started_at, a.finished_at, a.outcome, a.requests, a.why FROM action a JOIN job j ON j.id = a.job_id \
             WHERE j.case_id = ? ORDER BY a.id LIMIT 5000",
        )
        .bind(id)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading a case's actions"))?;
        Ok(CaseDetail {
            case,
            signals: signals.iter().map(read_signal).collect(),
            jobs,
            actions: actions.iter().map(read_action).collect(),
        })
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn jobs(&self, filter: &ListFilter) -> Result<Vec<JobView>> {
        // A case's jobs are found by its index; the planner cannot tell from an optional parameter that it may be used.
        let by_case = if filter.case.is_some() { "case_id = ?3" } else { "?3 IS NULL" };
        let pursued = if filter.pursued {
            "EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id AND c.called_off_at IS NULL)"
        } else {
            "1"
        };
        let sql = format!(
            "{JOB} WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR target = ?2) AND {by_case} AND {pursued} ORDER BY id DESC LIMIT ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.state.as_deref())
            .bind(filter.target.as_deref())
            .bind(filter.case)
            .bind(filter.limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing jobs"))?;
        Ok(rows.iter().map(read_job).collect())
    }

    /// The numbers of `status`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts {
            jobs: self.tally("SELECT state, count(*) FROM job GROUP BY state").await?,
            cases: self.tally("SELECT state, count(*) FROM cases GROUP BY state").await?,
            verdicts: self
                .tally("SELECT verdict, count(*) FROM cases WHERE verdict IS NOT NULL GROUP BY verdict")
                .await?,
            ..Counts::default()
        };
        let row = sqlx::query(
            "WITH ledger AS (SELECT j.finished_at FROM job j INDEXED BY job_ledger JOIN cases c ON c.id = j.case_id \
                             WHERE j.state = 'failed' AND c.called_off_at IS NULL) \
             SELECT (SELECT count(*) FROM ledger), (SELECT min(finished_at) FROM ledger), (SELECT count(*) FROM alert WHERE cleared_at IS NULL), (SELECT count(*) FROM hold WHERE state = 'open'), \
                    (SELECT size FROM trail_head), (SELECT max(size) FROM checkpoint), \
                    (SELECT at FROM checkpoint ORDER BY size DESC LIMIT 1), (SELECT count(*) FROM departure WHERE state IN ('planned', 'blocked'))",
        )
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the status"))?;
        counts.ledger = row.get(0);
        counts.ledger_oldest = at(&row, 1);
        counts.alerts = row.get(2);
        counts.holds = row.get(3);
        counts.trail = row.get(4);
        counts.signed = row.get(5);
        counts.signed_at = at(&row, 6);
        counts.planned = row.get(7);
        let paused = sqlx::query("SELECT target, paused_why FROM lane WHERE paused_at IS NOT NULL")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the lanes"))?;
        counts.paused = paused.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(counts)
    }

    async fn tally(&self, sql: &'static str) -> Result<BTreeMap<String, i64>> {
        let rows = sqlx::query(sql)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("counting"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

fn at(row: &SqliteRow, column: usize) -> Option<Timestamp> {
    row.get::<Option<i64>, _>(column).map(Timestamp::from_ms)
}

fn read_case(row: &SqliteRow) -> CaseView {
    CaseView {
        id: row.get(0),
        subject: row.get(1),
        subject_ref: row.get(2),
        reason: row.get(3),
        playbook: row.get(4),
        priority: row.get(5),
        state: row.get(6),
        verdict: row.get(7),
        source: row.get(8),
        requested_by: row.get(9),
        hold: row.get(10),
        received_at: Timestamp::from_ms(row.get(11)),
        first_revoke_at: at(row, 12),
        contained_at: at(row, 13),
        reopened: row.get(14),
        called_off_at: at(row, 15),
        called_off_by: row.get(16),
        called_off_why: row.get(17),
    }
}

fn read_job(row: &SqliteRow) -> JobView {
    let json = |column: usize| row.get::<Option<String>, _>(column);
    JobView {
        id: row.get(0),
        case: row.get(1),
        target: row.get(2),
        kind: row.get(3),
        state: row.get(4),
        due: at(row, 5),
        priority: row.get(6),
        attempt: row.get(7),
        verdict: json(8).and_then(|text| serde_json::from_str(&text).ok()),
        error: row.get(9),
        created_at: Timestamp::from_ms(row.get(10)),
        finished_at: at(row, 11),
        evidence: json(12).and_then(|text| serde_json::from_str(&text).ok()),
    }
}

fn read_signal(row: &SqliteRow) -> SignalView {
    SignalView {
        id: row.get(0),
        source: row.get(1),
        reason: row.get(2),
        decision: row.get(3),
        why: row.get(4),
        requested_by: row.get(5),
        note: row.get(6),
        received_at: Timestamp::from_ms(row.get(7)),
    }
}

fn read_action(row: &SqliteRow) -> ActionView {
    let requests: Option<String> = row.get(6);
    ActionView {
        id: row.get(0),
        job: row.get(1),
        action: serde_json::from_str(row.get(2)).unwrap_or_default(),
        started_at: Timestamp::from_ms(row.get(3)),
        finished_at: at(row, 4),
        outcome: row.get(5),
        requests: requests.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        why: row.get(7),
    }
}
