//! Enqueues a job: the one way a row gets into the job queue.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, JobKind, JobState, Priority, Timestamp};
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
    pub(in crate::store) evidence: Option<String>,
    /// When the verdict was reached that a sweep looks after.
    pub(in crate::store) chain_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Puts a job into the queue, or where its state says.
    pub(in crate::store) async fn enqueue(&mut self, job: &NewJob<'_>) -> Result<i64> {
        let (due, lease) = match job.state {
            JobState::Scheduled { due } => (Some(due.ms()), None),
            JobState::Running { lease } => (None, Some(lease)),
            _ => (None, None),
        };
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
        .bind(&job.evidence)
        .bind(job.chain_at.map(Timestamp::ms))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("enqueuing a job"))?
        .last_insert_rowid();
        self.record(
            &Entry::new(EntryKind::JobEnqueued, Actor::Daemon)
                .case(job.case)
                .job(id)
                .subject_ref(job.subject_ref)
                .detail(serde_json::json!({
                    "target": job.target, "for": job.kind.word(), "state": job.state.word(), "due": due, "priority": job.priority.0,
                })),
        );
        Ok(id)
    }
}
