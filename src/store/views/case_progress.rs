//! How far a case is at each of its targets: cheap enough to ask for again and again.

use sqlx::sqlite::SqliteRow;

use super::stopped::{STOPPED, STOPPED_FROM, Stopped, read_stopped};
use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// How many waiting jobs are counted before one of a case.
const COUNTED: i64 = 1000;

/// How far a case is at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProgress {
    /// The target.
    pub target: String,
    /// Where its newest job stands.
    pub state: String,
    /// When it may start, where it waits for that.
    pub due: Option<Timestamp>,
    /// Attempts so far, without those that were given back.
    pub attempt: u32,
    /// What stood in the way of the last attempt.
    pub error: Option<String>,
    /// What was proved, as a word.
    pub verdict: Option<String>,
    /// Whether something was sent already.
    pub acted: bool,
    /// Why nothing goes on at the target.
    pub stopped: Option<Stopped>,
    /// When the target's next call may leave.
    pub next_permit_at: Option<Timestamp>,
    /// How many jobs stand before it in the queue, up to a thousand.
    pub before: i64,
}

impl Store {
    /// Since when there is something to do about a case: its first signal was received, or the day has come that it waited for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case_begins(&self, case: i64) -> Result<Timestamp> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT max(c.received_at, coalesce((SELECT max(d.acts_at) FROM departure d WHERE d.case_id = c.id), 0), \
                        coalesce((SELECT min(i.act_at) FROM inbox i WHERE i.case_id = c.id), 0)) FROM cases c WHERE c.id = $1",
        )
        .bind(case)
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking since when a case is at work"))?;
        let at = at.ok_or(StoreError::NotFound { what: "case", id: case })?;
        Ok(Timestamp::from_ms(at))
    }

    /// How far a case is at each target, in the order in which it takes them: without releases, and without looks that are still to come.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn case_progress(&self, case: i64) -> Result<Vec<JobProgress>> {
        let sql = format!(
            "SELECT j.target, j.state, j.due, j.attempt, j.error, j.verdict, j.acted, l.next_permit_at, \
                    CASE WHEN j.state = 'queued' THEN (SELECT count(*) FROM (SELECT 1 FROM job o WHERE o.state = 'queued' \
                         AND o.target = j.target AND (o.priority, o.id) < (j.priority, j.id) LIMIT $2)) ELSE 0 END, \
                    {STOPPED} FROM job j {STOPPED_FROM} \
             WHERE j.id IN (SELECT max(id) FROM job WHERE case_id = $1 AND kind <> 'release' AND NOT (kind = 'watch' AND state = 'scheduled') \
                            GROUP BY target) ORDER BY j.id",
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .bind(COUNTED)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking how far a case is"))?;
        rows.iter().map(read_progress).collect()
    }
}

fn read_progress(row: &SqliteRow) -> Result<JobProgress> {
    let lossy = |index: usize| (!row.is_null(index)).then(|| row.lossy(index)).transpose();
    Ok(JobProgress {
        target: row.lossy(0)?,
        state: row.lossy(1)?,
        due: time_at(row, 2)?,
        attempt: row.read(3)?,
        error: lossy(4)?,
        verdict: lossy(5)?,
        acted: row.read(6)?,
        stopped: read_stopped(row, 9)?,
        next_permit_at: time_at(row, 7)?,
        before: row.read(8)?,
    })
}
