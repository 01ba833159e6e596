//! Requeues finished jobs: what is over at a target is put into the queue once more, in the same case.

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;

use super::new_job::NewJob;
use crate::model::{Actor, JobKind, JobState, Priority, Step};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError, Tx};

/// The newest containing job `j` of case `?1` at each target, as a condition.
pub(in crate::store) const NEWEST_CONTAINING: &str = "j.case_id = ?1 AND j.kind = 'contain' AND j.state <> 'cancelled' AND j.id = \
     (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.kind = 'contain' AND k.state <> 'cancelled')";

/// The newest containing job of a case at a target, as it may be put into the queue once more.
#[derive(Debug, Clone)]
pub(in crate::store) struct ContainingJob {
    pub(in crate::store) id: i64,
    pub(in crate::store) target: String,
    pub(in crate::store) containment: String,
    pub(in crate::store) priority: Priority,
    pub(in crate::store) approved: bool,
    /// What it failed of; `None` where it has a verdict.
    pub(in crate::store) error: Option<String>,
}

impl ContainingJob {
    /// What [`ContainingJob::read`] reads, of a row of `job j`.
    pub(in crate::store) const COLUMNS: &str = "j.id, j.target, j.containment, j.priority, j.approved, j.state, j.error";

    pub(in crate::store) fn read(row: &SqliteRow) -> Result<Self> {
        let failed = row.read::<&str>(5)? == "failed";
        let error: Option<String> = row.read(6)?;
        Ok(Self {
            id: row.read(0)?,
            target: row.read(1)?,
            containment: row.read(2)?,
            priority: Priority(row.read(3)?),
            approved: row.read(4)?,
            error: failed.then(|| error.unwrap_or_default()),
        })
    }
}

impl Tx<'_> {
    /// Asks once more for what a job that is over was about. One that stands in the ledger leaves it; a proof stays as it is, beside the
    /// new job. `why` goes into the trail.
    pub(in crate::store) async fn requeue(
        &mut self,
        case: i64,
        subject_ref: &str,
        job: &ContainingJob,
        why: &'static str,
    ) -> Result<()> {
        if job.error.is_some() {
            return self.requeue_failed(case, Some(subject_ref), job, why).await;
        }
        self.enqueue(&NewJob {
            case,
            target: &job.target,
            kind: JobKind::Contain,
            containment: &job.containment,
            priority: job.priority,
            state: &JobState::Queued,
            held_due: None,
            sweep: 0,
            approved: job.approved,
            subject_ref,
            evidence: None,
            chain_at: None,
        })
        .await?;
        Ok(())
    }

    /// Puts a job of the ledger into the queue again, with all its attempts. `from` goes into the trail.
    pub(super) async fn requeue_failed(
        &mut self,
        case: i64,
        subject_ref: Option<&str>,
        job: &ContainingJob,
        from: &str,
    ) -> Result<()> {
        let error = job.error.clone().unwrap_or_default();
        JobState::Failed { error: error.clone() }.next(Step::Retry)?;
        sqlx::query(
            "UPDATE job SET state = 'queued', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, attempt = 0, verdict = NULL, \
                    outcome = NULL, finished_at = NULL, priority = min(priority, $1) \
             WHERE id = $2 AND state = 'failed'",
        )
        .bind(job.priority.0)
        .bind(job.id)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("trying a job again"))?;
        let mut entry = Entry::new(EntryKind::JobEnqueued, Actor::Daemon)
            .case(case)
            .job(job.id)
            .detail(serde_json::json!({ "target": job.target, "from": from, "error": error }));
        entry.subject_ref = subject_ref.map(ToOwned::to_owned);
        self.record(&entry);
        Ok(())
    }
}
