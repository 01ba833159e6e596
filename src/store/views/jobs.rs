//! Jobs of the queue as lists show them.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::{Evidence, Timestamp, Verdict};
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

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

const JOB: &str =
    "SELECT id, case_id, target, kind, state, due, priority, attempt, outcome, error, created_at, finished_at, evidence FROM job";

impl Store {
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
        rows.iter().map(read_job).collect()
    }
}

fn read_job(row: &SqliteRow) -> Result<JobView> {
    let (verdict, evidence): (Option<String>, Option<String>) = (row.read(8)?, row.read(12)?);
    Ok(JobView {
        id: row.read(0)?,
        case: row.read(1)?,
        target: row.read(2)?,
        kind: row.read(3)?,
        state: row.read(4)?,
        due: time_at(row, 5)?,
        priority: row.read(6)?,
        attempt: row.read(7)?,
        verdict: verdict.and_then(|text| serde_json::from_str(&text).ok()),
        error: row.read(9)?,
        created_at: Timestamp::from_ms(row.read(10)?),
        finished_at: time_at(row, 11)?,
        evidence: evidence.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
