//! How far a case is at each of its targets: cheap enough to ask for again and again.

use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Stopped, Store, StoreError, TargetPause};

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
    /// Since when.
    pub stopped_at: Option<Timestamp>,
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
        let rows = sqlx::query(
            "SELECT j.target, j.state, j.due, j.attempt, j.error, j.verdict, j.acted, l.next_permit_at, \
                    CASE WHEN j.state = 'queued' THEN (SELECT count(*) FROM (SELECT 1 FROM job o WHERE o.state = 'queued' \
                         AND o.target = j.target AND (o.priority, o.id) < (j.priority, j.id) LIMIT $2)) ELSE 0 END, \
                    p.at, p.by, p.note, l.paused_at, l.paused_why, a.raised_at, a.summary \
             FROM job j LEFT JOIN lane l ON l.target = j.target LEFT JOIN target_pause p ON p.target = j.target \
             LEFT JOIN alert a ON a.cleared_at IS NULL AND a.kind = 'target_down' AND a.key = 'target:' || j.target \
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
    let (stopped, stopped_at) = stopped(row)?;
    Ok(JobProgress {
        target: row.lossy(0)?,
        state: row.lossy(1)?,
        due: time_at(row, 2)?,
        attempt: row.read(3)?,
        error: lossy(4)?,
        verdict: lossy(5)?,
        acted: row.read(6)?,
        stopped,
        stopped_at,
        next_permit_at: time_at(row, 7)?,
        before: row.read(8)?,
    })
}

/// Why nothing goes on at the target, and since when. Whatever stands in a row, that it is there says so.
fn stopped(row: &SqliteRow) -> Result<(Option<Stopped>, Option<Timestamp>)> {
    let since = |index: usize| time_at(row, index).ok().flatten();
    if !row.is_null(9) {
        let pause = TargetPause {
            since: since(9).unwrap_or(Timestamp::from_ms(0)),
            by: row.lossy(10).unwrap_or_default(),
            note: row.lossy(11).unwrap_or_default(),
        };
        return Ok((Some(Stopped::Paused(pause)), since(9)));
    }
    if !row.is_null(13) {
        return Ok((Some(Stopped::Refused(row.lossy(13)?)), since(12)));
    }
    if row.is_null(15) {
        return Ok((None, None));
    }
    Ok((Some(Stopped::Down(row.lossy(15)?)), since(14)))
}
