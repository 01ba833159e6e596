//! Jobs of the queue as lists show them.

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use crate::model::{Evidence, JobState, Timestamp, Verdict};
use crate::store::columns::{Columns as _, time_at};
use crate::store::queue::evidence_row;
use crate::store::{Listed, Result, Store, StoreError, UnreadableRow};

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
    /// Only those with a lower number (jobs).
    pub before: Option<i64>,
    /// At most so many, newest first.
    pub limit: u32,
}

impl ListFilter {
    /// What could not be revoked, and is tried again: the ledger (jobs).
    #[must_use]
    pub fn of_ledger(limit: u32) -> Self {
        Self {
            state: Some("failed".to_owned()),
            pursued: true,
            limit,
            ..Self::default()
        }
    }
}

/// A job as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
    #[schema(value_type = Option<Object>)]
    pub verdict: Option<Verdict>,
    /// The newest error.
    pub error: Option<String>,
    /// When it was put into the queue.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How many looks after the verdict are planned in all, where it is one of them and they end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<i64>,
    /// What its newest attempt saw and did.
    #[schema(value_type = Option<Object>)]
    pub evidence: Option<Evidence>,
}

pub(super) const JOB: &str = "SELECT id, case_id, target, kind, state, due, priority, attempt, outcome, error, created_at, finished_at, evidence, \
     CASE WHEN kind = 'watch' AND json_valid(containment) AND containment ->> 'keep_out' IS NULL \
          THEN json_array_length(containment, '$.watch') END FROM job";

impl Store {
    /// Jobs, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn jobs(&self, filter: &ListFilter) -> Result<Listed<JobView>> {
        let doing = || StoreError::sql("listing jobs");
        let mut conn = self.readers().begin().await.map_err(doing())?;
        let pursued = if filter.pursued {
            " AND EXISTS (SELECT 1 FROM cases c WHERE c.id = case_id AND c.called_off_at IS NULL)"
        } else {
            ""
        };
        let mut query = QueryBuilder::<Sqlite>::new(JOB);
        let shelves = match shelves(&mut conn, filter).await {
            // A target that cannot be read is no shelf to look at, and its jobs are to be named.
            Err(error) if error.of_a_row().is_some() => None,
            shelves => shelves?,
        };
        if shelves.is_none() {
            query.push(" WHERE true").push(pursued);
            if let Some(before) = filter.before {
                query.push(" AND id < ").push_bind(before);
            }
            if let Some(case) = filter.case {
                query.push(" AND case_id = ").push_bind(case);
            }
            for (column, value) in [(" AND state = ", &filter.state), (" AND target = ", &filter.target)] {
                if let Some(value) = value {
                    query.push(column).push_bind(value);
                }
            }
        } else {
            // The newest of each state at each target come straight from the index `job_listed`, however many there are in all.
            query.push(" WHERE id IN (SELECT id FROM (SELECT id FROM job WHERE false)");
            for (state, target) in shelves.into_iter().flatten() {
                query
                    .push(" UNION ALL SELECT id FROM (SELECT id FROM job WHERE id > 0 AND state = ")
                    .push_bind(state);
                query.push(" AND target = ").push_bind(target).push(pursued);
                if let Some(before) = filter.before {
                    query.push(" AND id < ").push_bind(before);
                }
                query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit).push(")");
            }
            query.push(")");
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
        let rows = query.build().fetch_all(&mut *conn).await.map_err(doing())?;
        let mut listed = Listed::read("job", &rows, read_job)?;
        for row in &rows {
            if let Some(what) = unread_part(row) {
                listed.name(
                    "job",
                    row,
                    format!("its {what} cannot be read, and the job is shown without it"),
                );
            }
        }
        let Listed { rows: jobs, unreadable } = &mut listed;
        evidence_row::recall(&mut conn, jobs.iter_mut().filter_map(|job| job.evidence.as_mut())).await;
        for (job, evidence) in jobs.iter().filter_map(|job| Some((job, job.evidence.as_ref()?))) {
            for code in evidence_row::unexplained(evidence) {
                unreadable.push(UnreadableRow {
                    table: "wording",
                    row: code.to_owned(),
                    why: format!(
                        "it cannot be read what the code stands for, which is shown in its place at job {}",
                        job.id
                    ),
                });
            }
        }
        Ok(listed)
    }
}

/// Each state with each target at which a list is to look; `None` where it is to look at all of a case, or of the queue.
async fn shelves(conn: &mut SqliteConnection, filter: &ListFilter) -> Result<Option<Vec<(String, String)>>> {
    if filter.case.is_some() || (filter.state.is_none() && filter.target.is_none()) {
        return Ok(None);
    }
    let states: Vec<String> = match &filter.state {
        Some(state) => vec![state.clone()],
        None => JobState::WORDS.map(str::to_owned).to_vec(),
    };
    let mut shelves = Vec::new();
    for state in states {
        if let Some(target) = &filter.target {
            shelves.push((state, target.clone()));
            continue;
        }
        // From each target to the next one in the index.
        let rows = sqlx::query(
            "WITH RECURSIVE found (target) AS ( \
                 SELECT min(target) FROM job WHERE id > 0 AND state = $1 \
                 UNION ALL SELECT (SELECT min(target) FROM job WHERE id > 0 AND state = $1 AND target > found.target) FROM found \
                 WHERE found.target IS NOT NULL) \
             SELECT target FROM found WHERE target IS NOT NULL",
        )
        .bind(&state)
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::sql("listing jobs"))?;
        for row in &rows {
            shelves.push((state.clone(), row.read(0)?));
        }
    }
    Ok(Some(shelves))
}

pub(super) fn read_job(row: &SqliteRow) -> Result<JobView> {
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
        looks: row.read(13)?,
        evidence: evidence.and_then(|text| evidence_row::with_codes(&text).ok()),
    })
}

/// Which part of a job that is shown cannot be read: without it the job is still worth showing.
fn unread_part(row: &SqliteRow) -> Option<&'static str> {
    read_job(row).ok()?;
    let is_unread = |index, parses: fn(&str) -> bool| matches!(row.read::<Option<&str>>(index), Ok(Some(text)) if !parses(text));
    if is_unread(8, |text| serde_json::from_str::<Verdict>(text).is_ok()) {
        return Some("outcome");
    }
    is_unread(12, |text| evidence_row::with_codes(text).is_ok()).then_some("evidence")
}
