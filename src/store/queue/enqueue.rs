//! Enqueues a job: the one way a row gets into the job queue.

use super::entries;
use crate::model::{JobKind, JobState, Lease, Priority, Timestamp};
use crate::store::{Result, StoreError, Tx};

/// A job to be put into the queue.
pub(in crate::store) struct NewJob<'a> {
    pub(in crate::store) case: i64,
    pub(in crate::store) target: &'a str,
    pub(in crate::store) kind: JobKind,
    /// As JSON, so that a delivery of thousands writes it once.
    pub(in crate::store) containment: &'a str,
    pub(in crate::store) priority: Priority,
    pub(in crate::store) state: &'a JobState,
    /// For a job that is held: when it may start after its approval.
    pub(in crate::store) held_due: Option<Timestamp>,
    /// How many sweeps came before; for a sweep, its own number from 1.
    pub(in crate::store) sweep: i64,
    pub(in crate::store) approved: bool,
    pub(in crate::store) subject_ref: &'a str,
    /// As JSON: whom a sweep or a release looks after.
    pub(in crate::store) evidence: Option<&'a str>,
    /// When the verdict was reached that a sweep looks after.
    pub(in crate::store) chain_at: Option<Timestamp>,
}

impl<'a> NewJob<'a> {
    /// When it is due, where it waits for that, and the lease that it is born with.
    pub(super) fn due_and_lease(&self) -> (Option<i64>, Option<&'a Lease>) {
        match self.state {
            JobState::Scheduled { due } => (Some(due.ms()), None),
            JobState::Running { lease } => (None, Some(lease)),
            _ => (None, None),
        }
    }
}

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
