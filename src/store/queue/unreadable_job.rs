//! A job that cannot be read goes to the could-not-revoke ledger with an alert, so that its lane goes on with the others.
//!
//! Another program wrote into the row, or the file is damaged. Nothing can be done for the job until somebody has mended the row, and the
//! ledger tries it again once an hour.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, Job, JobId, Verdict};
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Of the jobs that this transaction has just made running, those that could be read, with every name that is known of their people.
    /// The others go to the ledger.
    pub(super) async fn readable(&mut self, ids: &[i64], read: Vec<(i64, Result<Job>)>) -> Result<Vec<Job>> {
        for id in ids {
            if !read.iter().any(|(found, _)| found == id) {
                self.give_up_unreadable(*id, "its case is not there").await?;
            }
        }
        let mut jobs = Vec::with_capacity(read.len());
        for (id, job) in read {
            match job {
                Ok(job) => jobs.push(job),
                Err(error) => self.give_up(id, error).await?,
            }
        }
        match self.add_known_names(&mut jobs).await {
            Err(error) if error.of_a_row().is_some() => self.named_one_by_one(jobs).await,
            named => named.map(|()| jobs),
        }
    }

    /// Looks the names up for each job alone, since those of one cannot be read.
    async fn named_one_by_one(&mut self, jobs: Vec<Job>) -> Result<Vec<Job>> {
        let mut named = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            match self.add_known_names(std::slice::from_mut(&mut job)).await {
                Ok(()) => named.push(job),
                Err(error) => self.give_up(job.id.0, error).await?,
            }
        }
        Ok(named)
    }

    async fn give_up(&mut self, job: i64, error: StoreError) -> Result<()> {
        let Some(why) = error.of_a_row() else { return Err(error) };
        self.give_up_unreadable(job, &why).await
    }

    /// Moves a job that cannot be read to the ledger. It changes what the ledger needs and reads as little as it can: any other column of
    /// the row may be what is damaged. `why` goes into the trail, and must not say what stands in the row.
    pub(in crate::store) async fn give_up_unreadable(&mut self, job: i64, why: &str) -> Result<()> {
        let error = format!("the store's row of the job cannot be read: {why}");
        let verdict = Verdict::Failed { why: error.clone() };
        let outcome = written("the verdict of a job", &verdict)?;
        let row = sqlx::query(
            "UPDATE job SET state = 'failed', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, \
                    verdict = $2, outcome = $3, error = $4, finished_at = $5 \
             WHERE id = $1 AND state IN ('scheduled', 'queued', 'running') \
             RETURNING target, (SELECT c.id FROM cases c WHERE c.id = case_id), \
                       (SELECT c.subject_ref FROM cases c WHERE c.id = case_id)",
        )
        .bind(job)
        .bind(verdict.word())
        .bind(outcome)
        .bind(&error)
        .bind(self.now.ms())
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("giving up a job that cannot be read"))?;
        let Some(row) = row else { return Ok(()) };
        let (target, case): (String, Option<i64>) = (row.lossy(0)?, row.read(1)?);
        let subject_ref: Option<String> = row.read(2).ok().flatten();
        let mut entry = Entry::new(EntryKind::JobFailed, Actor::Daemon)
            .job(job)
            .detail(serde_json::json!({ "target": target, "error": error }));
        entry.case = case;
        entry.subject_ref.clone_from(&subject_ref);
        self.record(&entry);
        let of = case.map_or_else(|| "no case".to_owned(), |case| format!("case {case}"));
        let summary = format!(
            "job {job} of {of} at {target} could not be carried out, since {error}; mend the row or contain the person by hand (revoked job list)"
        );
        self.raise_alert("could_not_revoke", &format!("job:{job}"), &summary, case)
            .await?;
        let (Some(case), Some(subject_ref)) = (case, subject_ref) else {
            return Ok(());
        };
        match self.close_if_done(case, &subject_ref, Some(JobId(job))).await {
            // The case stays open, and the ledger and the alert say why.
            Err(error) if error.of_a_row().is_some() => {
                tracing::warn!(case.id = case, error = %crate::model::error_chain(&error), "could not close the case of a job that was given up");
                Ok(())
            }
            closed => closed.map(|_| ()),
        }
    }
}
