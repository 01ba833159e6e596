//! Claims jobs under a lease: the most urgent of a target first.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::entries;
use super::evidence_row;
use super::lease::new_lease;
use super::reservation::{Claim, Reservation};
use super::sets::hot_mutation::{ClaimRequest, HotMutation};
use crate::model::{CaseId, Containment, Evidence, Job, JobId, JobKind, Lease, Priority, Reason, Subject, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::identity::resolution::add_known_names;
use crate::store::transaction::set_words::values_of;
use crate::store::{Result, Store, StoreError, Tx};

/// What a claim reads of the queue: up to `$3` jobs of the target `$1` that are at least as urgent as `$2`, without those in `$4`. A bare
/// `$3` as the limit would have SQLite compile the statement anew each time that it is bound.
pub(super) const WAITING: &str = concat!(
    "SELECT id FROM job INDEXED BY job_claim WHERE target = $1 AND state = 'queued' AND priority <= $2 \
     AND id NOT IN (SELECT value FROM ",
    values_of!("$4"),
    ") ORDER BY priority, id LIMIT $3 + 0"
);
/// What [`read_job`] reads.
const JOB: &str = "SELECT j.id, j.case_id, j.target, j.kind, p.subject, c.subject_ref, j.containment, j.priority, j.attempt, c.received_at, \
     j.acted, j.password_reset, j.approved, c.reason, j.evidence, coalesce(j.chain_at, c.contained_at), j.sweep";

impl Store {
    /// The most urgent job that waits for `target`, by a read: costs no commit.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn waiting(&self, target: &str) -> Result<Option<Priority>> {
        let row = sqlx::query(
            "SELECT priority FROM job INDEXED BY job_claim WHERE target = $1 AND state = 'queued' \
             AND id NOT IN (SELECT value FROM json_each($2)) ORDER BY priority, id LIMIT 1",
        )
        .bind(target)
        .bind(self.reserved().as_json())
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking at the queue"))?;
        // No number that stands there may keep the lane from looking: what is out of range is found by the claim.
        let clamped = |priority: i64| Priority(u8::try_from(priority.max(0)).unwrap_or(u8::MAX));
        let priority = row.map(|row| row.read(0).map(clamped)).transpose();
        // Nor anything that is no number.
        Ok(priority.unwrap_or(Some(Priority::URGENT)))
    }

    /// Keeps up to `limit` jobs of `target` that are at least as urgent as `worst`, most urgent first, for this process: by a read. The lease
    /// is committed with the first intent of the attempt, with its end, or by [`Store::commit_claim`], whichever comes first; a crash
    /// before that leaves the job in the queue. Each target must have one caller only.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn reserve(&self, target: &str, worst: Priority, limit: usize) -> Result<Vec<Claim>> {
        let mut conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("looking at the queue"))?;
        let reserved = self.reserved().as_json();
        match read_waiting(&mut conn, (target, worst, limit, &reserved), self.clock().now()).await {
            Ok(jobs) => Ok(self.reserved_claims(jobs)),
            // The claim that commits gives up what cannot be read, and takes the rest.
            Err(error) if error.of_a_row().is_some() => self.claim(target, worst, limit).await,
            Err(error) => Err(error),
        }
    }

    fn reserved_claims(&self, jobs: Vec<Job>) -> Vec<Claim> {
        let lease = new_lease(self.clock().now());
        let claim = |job: Job| Claim {
            reservation: Some(self.reserved().reserve(job.id.0)),
            ..Claim::new(Arc::new(job), lease.clone())
        };
        jobs.into_iter().map(claim).collect()
    }

    /// Commits the lease of a claim that was reserved, where its attempt has not done so: others see then that the job is at work.
    ///
    /// # Errors
    /// Where the store cannot be written. A job that was taken back since is no error here: the next intent is refused.
    pub async fn commit_claim(&self, claim: &Claim) -> Result<()> {
        if !claim.reservation.as_ref().is_some_and(Reservation::is_current) {
            return Ok(());
        }
        let request = ClaimRequest {
            job: Arc::clone(&claim.job),
            lease: claim.lease.clone(),
        };
        self.write_hot(request, HotMutation::Claim).await
    }

    /// Takes up to `limit` jobs of `target` that are at least as urgent as `worst`, most urgent first, and commits their leases.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn claim(&self, target: &str, worst: Priority, limit: usize) -> Result<Vec<Claim>> {
        let (target, reserved) = (target.to_owned(), self.reserved().as_json());
        self.write(move |tx| Box::pin(async move { tx.claim(&target, worst, limit, &reserved).await }))
            .await
    }
}

/// The jobs of a target that a claim takes, as its worker receives them.
pub(in crate::store) async fn read_waiting(
    conn: &mut SqliteConnection,
    (target, worst, limit, reserved): (&str, Priority, usize, &str),
    now: Timestamp,
) -> Result<Vec<Job>> {
    let sql = format!(
        "{JOB} FROM job j JOIN cases c ON c.id = j.case_id LEFT JOIN person p ON p.ref = c.subject_ref \
         WHERE j.id IN ({WAITING}) ORDER BY j.priority, j.id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(target)
        .bind(bound_of(worst))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(reserved)
        .fetch_all(&mut *conn)
        .await
        .map_err(StoreError::sql("looking at the queue"))?;
    let mut jobs = rows.iter().map(read_job).collect::<Result<Vec<Job>>>()?;
    evidence_row::recall(conn, jobs.iter_mut().map(|job| &mut job.evidence)).await;
    if !jobs.is_empty() {
        add_known_names(conn, &mut jobs, now).await?;
    }
    for job in &mut jobs {
        job.attempt = job.attempt.saturating_add(1);
    }
    Ok(jobs)
}

/// The lowest urgency that is taken; a row may hold any number.
fn bound_of(worst: Priority) -> i64 {
    if worst.0 == u8::MAX { i64::MAX } else { i64::from(worst.0) }
}

impl Tx<'_> {
    pub(in crate::store) async fn claim(
        &mut self,
        target: &str,
        worst: Priority,
        limit: usize,
        reserved: &str,
    ) -> Result<Vec<Claim>> {
        let lease = new_lease(self.now);
        let sql = format!(
            "UPDATE job SET state = 'running', due = NULL, held_due = NULL, lease_id = $5, lease_until = $6, \
                    attempt = min(attempt, 4294967295) + 1, verdict = NULL, finished_at = NULL WHERE id IN ({WAITING}) RETURNING id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(target)
            .bind(bound_of(worst))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(reserved)
            .bind(&lease.id)
            .bind(lease.until.ms())
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("claiming jobs"))?;
        let ids = rows.iter().map(|row| row.read(0)).collect::<Result<Vec<i64>>>()?;
        self.claimed(&ids, &lease).await
    }

    /// Commits the lease of a reserved job; nothing where that was done already.
    pub(super) async fn commit_claim(&mut self, request: &ClaimRequest) -> Result<()> {
        let ClaimRequest { job, lease } = request;
        let touched = sqlx::query(
            "UPDATE job SET state = 'running', due = NULL, held_due = NULL, lease_id = $2, lease_until = $3, attempt = $4, \
                    verdict = NULL, finished_at = NULL \
             WHERE id = $1 AND state = 'queued'",
        )
        .bind(job.id.0)
        .bind(&lease.id)
        .bind(lease.until.ms())
        .bind(job.attempt)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("claiming a job"))?;
        if touched.rows_affected() > 0 {
            self.record(&entries::claimed(job, &lease.id));
        }
        Ok(())
    }

    /// The claims on jobs that this transaction has just made running, most urgent first.
    pub(super) async fn claimed(&mut self, ids: &[i64], lease: &Lease) -> Result<Vec<Claim>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{JOB} FROM json_each($1) n JOIN job j ON j.id = n.value JOIN cases c ON c.id = j.case_id \
             LEFT JOIN person p ON p.ref = c.subject_ref ORDER BY j.priority, j.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(written("jobs", ids)?)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading claimed jobs"))?;
        let read = rows
            .iter()
            .map(|row| Ok((row.read(0)?, read_job(row))))
            .collect::<Result<_>>()?;
        let mut jobs = self.readable(ids, read).await?;
        evidence_row::recall(self.conn, jobs.iter_mut().map(|job| &mut job.evidence)).await;
        let mut claims = Vec::with_capacity(jobs.len());
        for job in jobs {
            self.record(&entries::claimed(&job, &lease.id));
            claims.push(Claim::new(Arc::new(job), lease.clone()));
        }
        Ok(claims)
    }
}

/// Reads the columns of [`JOB`], the evidence with codes.
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
            Some(text) => evidence_row::with_codes(text).map_err(|error| corrupt(format!("evidence: {error}")))?,
            None => Evidence::default(),
        },
        contained_at: time_at(row, 15)?,
        sweep: usize::try_from(row.read::<i64>(16)?).unwrap_or(0),
    })
}
