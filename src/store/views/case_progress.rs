//! How far a case is at each of its targets: cheap enough to ask for again and again.

use sqlx::sqlite::SqliteRow;

use super::stopped::{STOPPED, STOPPED_FROM, Stopped, read_stopped};
use crate::model::{Action, LEASE_LENGTH, Timestamp};
use crate::store::batches::id_of_batch;
use crate::store::batches::pause::BatchPause;
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
    /// The paused batch that keeps it back, with who paused it and why.
    pub kept_back: Option<(String, BatchPause)>,
    /// When the target's next call may leave.
    pub next_permit_at: Option<Timestamp>,
    /// How many jobs stand before it in the queue, up to a thousand.
    pub before: i64,
    /// How many jobs at the target are more urgent, waiting or at work: their calls leave before its own. The waiting up to a thousand.
    pub more_urgent: i64,
    /// Of a job at work, since when nothing more is recorded of it: it was claimed, a change was intended, or one was answered.
    pub silent_since: Option<Timestamp>,
    /// The first change whose intent is recorded without an answer.
    pub intended: Option<Action>,
    /// How many of them there are.
    pub intents: i64,
}

impl Store {
    /// How far a case is at each target, in the order in which it takes them: without releases, and without looks that are still to come.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn case_progress(&self, case: i64) -> Result<Vec<JobProgress>> {
        let sql = format!(
            "SELECT j.target, j.state, j.due, j.attempt, j.error, j.verdict, j.acted, l.next_permit_at, \
                    CASE WHEN j.state = 'queued' THEN (SELECT count(*) FROM (SELECT 1 FROM job o WHERE o.state = 'queued' \
                         AND o.target = j.target AND (o.priority, o.id) < (j.priority, j.id) LIMIT $2)) ELSE 0 END, \
                    CASE WHEN j.state IN ('queued', 'running') THEN (SELECT count(*) FROM (SELECT 1 FROM job o WHERE o.state = 'queued' \
                         AND o.target = j.target AND o.priority < j.priority LIMIT $2)) \
                         + (SELECT count(*) FROM job o WHERE o.id > 0 AND o.state = 'running' AND o.target = j.target \
                            AND o.priority < j.priority) ELSE 0 END, \
                    CASE WHEN j.state = 'running' THEN max(j.lease_until - $3, coalesce((SELECT max(max(a.started_at, \
                         coalesce(a.finished_at, 0))) FROM action a WHERE a.job_id = j.id), 0)) END, \
                    CASE WHEN j.state = 'running' THEN (SELECT a.action FROM action a WHERE a.job_id = j.id AND a.outcome IS NULL \
                         ORDER BY a.id LIMIT 1) END, \
                    (SELECT count(*) FROM action a WHERE a.job_id = j.id AND a.outcome IS NULL), \
                    {STOPPED}, kept.set_key, kept.at, kept.by, kept.note FROM job j {STOPPED_FROM} \
             LEFT JOIN paused_case kc ON kc.case_id = j.case_id AND j.state = 'held' LEFT JOIN batch_pause kept ON kept.set_key = kc.set_key \
             WHERE j.id IN (SELECT max(id) FROM job WHERE case_id = $1 AND kind <> 'release' AND NOT (kind = 'watch' AND state = 'scheduled') \
                            GROUP BY target) ORDER BY j.id",
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .bind(COUNTED)
            .bind(i64::try_from(LEASE_LENGTH.as_millis()).unwrap_or(i64::MAX))
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
        stopped: read_stopped(row, 13)?,
        kept_back: if row.is_null(20) {
            None
        } else {
            Some((id_of_batch(&row.lossy(20)?), BatchPause::read(row, 21)))
        },
        next_permit_at: time_at(row, 7)?,
        before: row.read(8)?,
        more_urgent: row.read(9)?,
        // What cannot be read of these says nothing.
        silent_since: time_at(row, 10).ok().flatten(),
        intended: row.lossy(11).ok().and_then(|text| serde_json::from_str(&text).ok()),
        intents: row.read(12)?,
    })
}
