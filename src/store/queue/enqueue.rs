//! Enqueues a job: the one way a row gets into the job queue.

use super::entries;
use super::new_job::NewJob;
use crate::model::Timestamp;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Puts a job into the queue, or where its state says.
    pub(in crate::store) async fn enqueue(&mut self, job: &NewJob<'_>) -> Result<i64> {
        let (due, lease) = job.due_and_lease();
        let id = sqlx::query(
            "INSERT INTO job (case_id, target, kind, containment, priority, state, due, lease_id, lease_until, attempt, sweep, approved, \
                              held_due, created_at, evidence, chain_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(job.case)
        .bind(job.target)
        .bind(job.kind.word())
        .bind(job.containment)
        .bind(job.priority.0)
        .bind(job.state.word())
        .bind(due)
        .bind(lease.map(|lease| lease.id.as_str()))
        .bind(lease.map(|lease| lease.until.ms()))
        .bind(i64::from(lease.is_some()))
        .bind(job.sweep)
        .bind(job.approved)
        .bind(job.held_due.map(Timestamp::ms))
        .bind(self.now.ms())
        .bind(job.evidence)
        .bind(job.chain_at.map(Timestamp::ms))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("enqueuing a job"))?
        .last_insert_rowid();
        self.record(&entries::enqueued(id, job));
        Ok(id)
    }
}
