//! The queue: what waits, who may take it, and how long a claim lasts.

use std::sync::Arc;

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio::sync::Notify;

use crate::model::{
    Actor, CaseId, Containment, Evidence, Job, JobId, JobKind, JobState, LEASE_LENGTH, Lease, Priority, Reason, Step, Subject,
    Timestamp,
};
use crate::store::{Result, Store, StoreError, Tx};

/// A worker's time-limited ownership of a job. Made only by the store, consumed by [`Store::settle`].
#[must_use = "a claim that is not settled blocks its job until the lease ends"]
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub job: Job,
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
        Ok(row.map(|row| Priority(row.get(0))))
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

    /// Moves every job whose time has come into the queue. Answers when the next one is due.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn promote(&self) -> Result<Option<Timestamp>> {
        let (next, due) = self.next_due().await?;
        if !due {
            return Ok(next);
        }
        let targets = self.write(|tx| Box::pin(tx.promote())).await?;
        self.wake_lanes(&targets);
        Ok(self.next_due().await?.0)
    }

    /// When the next scheduled job is due, and whether that is now. A read, so that an idle promoter commits nothing.
    async fn next_due(&self) -> Result<(Option<Timestamp>, bool)> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due) FROM job INDEXED BY job_due WHERE state = 'scheduled'")
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("looking for what is due"))?;
        let next = next.map(Timestamp::from_ms);
        Ok((next, next.is_some_and(|due| due <= self.clock().now())))
    }

    /// Takes jobs back whose lease has ended; at a daemon's start all of them, since nobody else can hold one.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn expire(&self, everything: bool) -> Result<u64> {
        let targets = self.write(move |tx| Box::pin(tx.expire(everything))).await?;
        self.wake_lanes(&targets);
        Ok(targets.len() as u64)
    }

    /// Is notified after a commit that queued work for the lane of `target`.
    #[must_use]
    pub fn wake(&self, target: &str) -> Arc<Notify> {
        let mut wakes = self.0.wakes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(wakes.entry(target.to_owned()).or_default())
    }

    /// Is notified after a commit that scheduled a job.
    #[must_use]
    pub fn wake_promoter(&self) -> Arc<Notify> {
        Arc::clone(&self.0.promoter)
    }

    pub(in crate::store) fn wake_lanes(&self, targets: &[String]) {
        for target in targets {
            self.wake(target).notify_one();
        }
    }

    /// Wakes every lane and the promoter: another process has committed something.
    pub fn wake_everything(&self) {
        let wakes = self.0.wakes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for wake in wakes.values() {
            wake.notify_one();
        }
        self.0.promoter.notify_one();
    }
}

impl Tx<'_> {
    async fn claim(&mut self, target: &str, worst: Priority, limit: usize) -> Result<Vec<Claim>> {
        let lease = Lease {
            id: uuid::Uuid::now_v7().to_string(),
            until: self.now.plus(LEASE_LENGTH),
        };
        let rows = sqlx::query(
            "UPDATE job SET state = 'running', lease_id = ?1, lease_until = ?2, attempt = attempt + 1 \
             WHERE id IN (SELECT id FROM job INDEXED BY job_claim \
                          WHERE target = ?3 AND state = 'queued' AND priority <= ?4 ORDER BY priority, id LIMIT ?5) \
             RETURNING id",
        )
        .bind(&lease.id)
        .bind(lease.until.ms())
        .bind(target)
        .bind(worst.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("claiming jobs"))?;
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        self.claimed(&ids, &lease).await
    }

    /// The claims on jobs that this transaction has just made running, most urgent first.
    pub(in crate::store) async fn claimed(&mut self, ids: &[i64], lease: &Lease) -> Result<Vec<Claim>> {
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
        .bind(serde_json::to_string(ids).unwrap_or_default())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading claimed jobs"))?;
        let mut jobs = rows.iter().map(read_job).collect::<Result<Vec<Job>>>()?;
        self.name_all(&mut jobs).await?;
        let mut claims = Vec::with_capacity(jobs.len());
        for job in jobs {
            self.record(
                &Entry::new(EntryKind::JobClaimed, Actor::Daemon)
                    .case(job.case.0)
                    .job(job.id.0)
                    .detail(serde_json::json!({ "target": job.target, "attempt": job.attempt, "lease": lease.id })),
            );
            claims.push(Claim {
                job,
                lease: lease.clone(),
            });
        }
        Ok(claims)
    }

    async fn promote(&mut self) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "UPDATE job SET state = 'queued', due = NULL \
             WHERE id IN (SELECT id FROM job INDEXED BY job_due WHERE state = 'scheduled' AND due <= ? ORDER BY due LIMIT 1000) \
             RETURNING id, case_id, target",
        )
        .bind(self.now.ms())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("promoting what is due"))?;
        let mut targets = Vec::new();
        for row in &rows {
            let (job, case, target): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
            self.record(&Entry::new(EntryKind::JobDue, Actor::Daemon).case(case).job(job));
            self.departure_is_due(case, false).await?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    async fn expire(&mut self, everything: bool) -> Result<Vec<String>> {
        let ended = if everything { i64::MAX } else { self.now.ms() };
        let rows = sqlx::query(
            "SELECT id, case_id, target, lease_id, lease_until FROM job INDEXED BY job_running WHERE state = 'running' AND lease_until <= ?",
        )
        .bind(ended)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for leases that ended"))?;
        let mut targets = Vec::new();
        for row in &rows {
            let (id, case): (i64, i64) = (row.get(0), row.get(1));
            let lease = Lease {
                id: row.get(3),
                until: Timestamp::from_ms(row.get(4)),
            };
            JobState::Running { lease: lease.clone() }.next(Step::Expire)?;
            // The attempt is not given back: it may have done something, and a job that kills its daemon must run out of attempts.
            sqlx::query("UPDATE job SET state = 'queued', lease_id = NULL, lease_until = NULL WHERE id = ? AND state = 'running'")
                .bind(id)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("taking a job back"))?;
            self.record(
                &Entry::new(EntryKind::JobLeaseExpired, Actor::Daemon)
                    .case(case)
                    .job(id)
                    .detail(serde_json::json!({ "lease": lease.id })),
            );
            self.forget_open_actions(case, id).await?;
            targets.push(row.get(2));
        }
        Ok(targets)
    }
}

/// Reads the columns that [`Tx::claimed`] selects.
fn read_job(row: &SqliteRow) -> Result<Job> {
    let id: i64 = row.get(0);
    let corrupt = |why: String| StoreError::Corrupt { table: "job", id, why };
    let subject: Option<String> = row.get(4);
    let subject: Subject = subject
        .ok_or_else(|| corrupt("the person was erased while work was open".to_owned()))?
        .parse()
        .map_err(|error| corrupt(format!("subject: {error}")))?;
    let containment: Containment = serde_json::from_str(row.get(6)).map_err(|error| corrupt(format!("containment: {error}")))?;
    let kind: String = row.get(3);
    let reason: String = row.get(13);
    Ok(Job {
        id: JobId(id),
        case: CaseId(row.get(1)),
        target: row.get(2),
        kind: JobKind::from_word(&kind).ok_or_else(|| corrupt(format!("kind {kind:?}")))?,
        subject,
        subject_ref: row.get(5),
        reason: Reason::from_word(&reason).ok_or_else(|| corrupt(format!("reason {reason:?}")))?,
        containment,
        priority: Priority(row.get(7)),
        attempt: row.get(8),
        received_at: Timestamp::from_ms(row.get(9)),
        acted: row.get(10),
        password_reset: row.get(11),
        approved: row.get(12),
        evidence: match row.get::<Option<&str>, _>(14) {
            Some(text) => serde_json::from_str(text).map_err(|error| corrupt(format!("evidence: {error}")))?,
            None => Evidence::default(),
        },
        contained_at: row.get::<Option<i64>, _>(15).map(Timestamp::from_ms),
        sweep: usize::try_from(row.get::<i64, _>(16)).unwrap_or(0),
    })
}
