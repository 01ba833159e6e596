//! Claims jobs under a lease: the most urgent of a target first.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;

use super::entries;
use super::lease::new_lease;
use crate::model::{CaseId, Containment, Evidence, Job, JobId, JobKind, Lease, Priority, Reason, Subject, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::{Result, Store, StoreError, Tx};

/// A worker's time-limited ownership of a job. Made only by the store, consumed by [`Store::settle`].
#[must_use = "a claim that is not settled blocks its job until the lease ends"]
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Arc<Job>,
    pub(in crate::store) lease: Lease,
}

impl Store {
    /// The most urgent job that waits for `target`, by a read: costs no commit.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn waiting(&self, target: &str) -> Result<Option<Priority>> {
        let row = sqlx::query(
            "SELECT priority FROM job INDEXED BY job_claim WHERE target = ? AND state = 'queued' ORDER BY priority, id LIMIT 1",
        )
        .bind(target)
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking at the queue"))?;
        // No number that stands there may keep the lane from looking: what is out of range is found by the claim.
        let clamped = |priority: i64| Priority(u8::try_from(priority.max(0)).unwrap_or(u8::MAX));
        row.map(|row| row.read(0).map(clamped)).transpose()
    }

    /// Takes up to `limit` jobs of `target` that are at least as urgent as `worst`, most urgent first.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn claim(&self, target: &str, worst: Priority, limit: usize) -> Result<Vec<Claim>> {
        let target = target.to_owned();
        self.write(move |tx| Box::pin(async move { tx.claim(&target, worst, limit).await }))
            .await
    }
}

impl Tx<'_> {
    async fn claim(&mut self, target: &str, worst: Priority, limit: usize) -> Result<Vec<Claim>> {
        let lease = new_lease(self.now);
        let rows = sqlx::query(
            "UPDATE job SET state = 'running', lease_id = ?1, lease_until = ?2, attempt = min(attempt, 4294967295) + 1 \
             WHERE id IN (SELECT id FROM job INDEXED BY job_claim \
                          WHERE target = ?3 AND state = 'queued' AND priority <= ?4 ORDER BY priority, id LIMIT ?5) \
             RETURNING id",
        )
        .bind(&lease.id)
        .bind(lease.until.ms())
        .bind(target)
        .bind(if worst.0 == u8::MAX { i64::MAX } else { i64::from(worst.0) })
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("claiming jobs"))?;
        let ids = rows.iter().map(|row| row.read(0)).collect::<Result<Vec<i64>>>()?;
        self.claimed(&ids, &lease).await
    }

    /// The claims on jobs that this transaction has just made running, most urgent first.
    pub(super) async fn claimed(&mut self, ids: &[i64], lease: &Lease) -> Result<Vec<Claim>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT j.id, j.case_id, j.target, j.kind, p.subject, c.subject_ref, j.containment, j.priority, j.attempt, c.received_at, \
                    j.acted, j.password_reset, j.approved, c.reason, j.evidence, coalesce(j.chain_at, c.contained_at), \
                    j.sweep \
             FROM json_each(?) n JOIN job j ON j.id = n.value JOIN cases c ON c.id = j.case_id LEFT JOIN person p ON p.ref = c.subject_ref \
             ORDER BY j.priority, j.id",
        )
        .bind(written("jobs", ids)?)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading claimed jobs"))?;
        let read = rows
            .iter()
            .map(|row| Ok((row.read(0)?, read_job(row))))
            .collect::<Result<_>>()?;
        let jobs = self.readable(ids, read).await?;
        let mut claims = Vec::with_capacity(jobs.len());
        for job in jobs {
            self.record(&entries::claimed(&job, &lease.id));
            claims.push(Claim {
                job: Arc::new(job),
                lease: lease.clone(),
            });
        }
        Ok(claims)
    }
}

/// Reads the columns that [`Tx::claimed`] selects.
fn read_job(row: &SqliteRow) -> Result<Job> {
    let id: i64 = row.read(0)?;
    let corrupt = |why: String| StoreError::Corrupt { table: "job", id, why };
    let subject: Option<String> = row.read(4)?;
    let subject: Subject = subject
        .ok_or_else(|| corrupt("the person was erased while work was open".to_owned()))?
        .parse()
        .map_err(|error| corrupt(format!("subject: {error}")))?;
    let containment: Containment = serde_json::from_str(row.read(6)?).map_err(|error| corrupt(format!("containment: {error}")))?;
    let kind: String = row.read(3)?;
    let reason: String = row.read(13)?;
    Ok(Job {
        id: JobId(id),
        case: CaseId(row.read(1)?),
        target: row.read(2)?,
        kind: JobKind::from_word(&kind).ok_or_else(|| corrupt(format!("kind {kind:?}")))?,
        subject,
        subject_ref: row.read(5)?,
        reason: Reason::from_word(&reason).ok_or_else(|| corrupt(format!("reason {reason:?}")))?,
        containment,
        priority: Priority(row.read(7)?),
        attempt: row.read(8)?,
        received_at: Timestamp::from_ms(row.read(9)?),
        acted: row.read(10)?,
        password_reset: row.read(11)?,
        approved: row.read(12)?,
        evidence: match row.read::<Option<&str>>(14)? {
            Some(text) => serde_json::from_str(text).map_err(|error| corrupt(format!("evidence: {error}")))?,
            None => Evidence::default(),
        },
        contained_at: time_at(row, 15)?,
        sweep: usize::try_from(row.read::<i64>(16)?).unwrap_or(0),
    })
}
