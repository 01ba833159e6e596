//! How far a case is at each of its targets: cheap enough to ask for again and again.

use sqlx::sqlite::SqliteRow;

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
    /// Why nothing goes on at the target: it is paused, or does not answer.
    pub stopped: Option<String>,
    /// When the target's next call may leave.
    pub next_permit_at: Option<Timestamp>,
    /// How many jobs stand before it in the queue, up to a thousand.
    pub before: i64,
}

impl Store {
    /// How far a case is at each target, in the order in which it takes them: without releases, and without looks that are still to come.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn case_progress(&self, case: i64) -> Result<Vec<JobProgress>> {
        let rows = sqlx::query(
            "SELECT j.target, j.state, j.due, j.attempt, j.error, j.verdict, j.acted, \
                    coalesce(l.paused_why, (SELECT a.summary FROM alert a WHERE a.cleared_at IS NULL AND a.kind = 'target_down' \
                                            AND a.key = 'target:' || j.target)), \
                    l.next_permit_at, \
                    CASE WHEN j.state = 'queued' THEN (SELECT count(*) FROM (SELECT 1 FROM job o WHERE o.state = 'queued' \
                         AND o.target = j.target AND (o.priority, o.id) < (j.priority, j.id) LIMIT $2)) ELSE 0 END \
             FROM job j LEFT JOIN lane l ON l.target = j.target \
             WHERE j.id IN (SELECT max(id) FROM job WHERE case_id = $1 AND kind <> 'release' AND NOT (kind = 'watch' AND state = 'scheduled') \
                            GROUP BY target) ORDER BY j.id",
        )
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
        stopped: lossy(7)?,
        next_permit_at: time_at(row, 8)?,
        before: row.read(9)?,
    })
}
