//! Expires leases: a job whose worker died, or took too long, is requeued when its lease has ended.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, JobState, LEASE_LENGTH, Lease, Step, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Takes jobs back whose lease has ended; at a daemon's start all of them, since nobody else can hold one.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn expire_leases(&self, everything: bool) -> Result<u64> {
        let (ended, refused) = self.write(move |tx| Box::pin(tx.expire_leases(everything))).await?;
        if let Some(row) = refused {
            self.mend_after(row).await;
        }
        for (job, _) in &ended {
            self.reserved().end(*job);
        }
        let targets: Vec<String> = ended.into_iter().map(|(_, target)| target).collect();
        self.wake_lanes(&targets);
        Ok(targets.len() as u64)
    }
}

/// A lease that begins at `now`.
pub(in crate::store) fn new_lease(now: Timestamp) -> Lease {
    Lease {
        id: uuid::Uuid::now_v7().to_string(),
        until: now.plus(LEASE_LENGTH),
    }
}

impl Tx<'_> {
    /// The jobs that were taken back, each with its target, and a row that SQLite refuses to change: the others come back without it.
    async fn expire_leases(&mut self, everything: bool) -> Result<(Vec<(i64, String)>, Option<(String, String)>)> {
        let ended = if everything { i64::MAX } else { self.now.ms() };
        let rows = sqlx::query(
            "SELECT id, case_id, target, lease_id, lease_until FROM job INDEXED BY job_running WHERE state = 'running' AND lease_until <= ?",
        )
        .bind(ended)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for leases that ended"))?;
        let (mut ended_jobs, mut refused) = (Vec::new(), None);
        for row in &rows {
            // A job must come back whatever stands in the rest of its row.
            let (id, case): (i64, i64) = (row.read(0)?, row.read(1).unwrap_or_default());
            let lease = Lease {
                // Only recorded.
                id: row.lossy(3)?,
                until: Timestamp::from_ms(row.read(4)?),
            };
            JobState::Running { lease: lease.clone() }.next(Step::Expire)?;
            // The attempt is not given back: it may have done something, and a job that kills its daemon must run out of attempts.
            let taken_back = sqlx::query(
                "UPDATE job SET state = 'queued', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                        finished_at = NULL \
                 WHERE id = $1 AND state = 'running'",
            )
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a job back"));
            if let Err(error) = taken_back {
                refused = Some(error.mistyped_row().ok_or(error)?);
                continue;
            }
            self.record(
                &Entry::new(EntryKind::JobLeaseExpired, Actor::Daemon)
                    .case(case)
                    .job(id)
                    .detail(serde_json::json!({ "lease": lease.id })),
            );
            self.mark_open_actions_unknown(case, id).await?;
            ended_jobs.push((id, row.lossy(2)?));
        }
        Ok((ended_jobs, refused))
    }
}
