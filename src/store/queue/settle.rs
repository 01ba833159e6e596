//! Settles an attempt: the job's next state, the next sweep, and the case's verdict, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use super::close_case::CaseOutcome;
use super::entries;
use super::evidence_row;
use super::reservation::Claim;
use super::sets::hot_mutation::{AttemptEnd, ClaimRequest, HotMutation};
use super::sweeps::NextSweep;
use crate::model::{Evidence, Finished, Job, JobKind, JobState, Priority, Settlement, Step, Timestamp, Verdict};
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError, Tx};

/// How long a settlement waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Store {
    /// Ends an attempt. Consumes the claim: settling twice does not compile. While the disk is full or another process holds the lock,
    /// it waits and tries again: an end that is not recorded would leave the job to its lease, minutes later. Not for room while the daemon
    /// stops: the next start takes the job back at once, and calls what was under way unknown.
    ///
    /// # Errors
    /// [`StoreError::Full`] where the daemon stops on a full disk.
    /// [`StoreError::LeaseLost`] where the lease had ended: another attempt has the job, and nothing of this one is recorded.
    pub async fn settle(&self, claim: Claim, finished: Vec<Finished>, evidence: Evidence, settlement: Settlement) -> Result<()> {
        let (target, again) = (claim.job.target.clone(), settlement == Settlement::Interrupted);
        let end = Arc::new(AttemptEnd {
            job: claim.job,
            lease: claim.lease,
            reservation: claim.reservation,
            finished,
            evidence,
            settlement,
            receivers: self.receivers(),
            identity_providers: self.identity_providers(),
        });
        let queued = loop {
            match self.write_hot(Arc::clone(&end), HotMutation::Settle).await {
                Err(StoreError::Full) if self.0.stopping.is_cancelled() => return Err(StoreError::Full),
                Err(error @ (StoreError::Full | StoreError::Busy | StoreError::Unread)) => {
                    tracing::warn!(%error, "could not settle a job yet; will try again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_AFTER) => {}
                        // Once more, and then no longer.
                        () = self.0.stopping.cancelled(), if matches!(error, StoreError::Full) => {}
                    }
                }
                other => break other?,
            }
        };
        // Whoever is woken now must find the job free.
        drop(end);
        if queued {
            self.0.outbox.notify_waiters();
        }
        self.0.scheduler.notify_one();
        if again {
            self.wake_lanes(&[target]);
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Ends an attempt. Answers whether a statement was queued for a receiver: in the same transaction, so that what is proved and what is to be
    /// told of it are lost together or not at all.
    pub(super) async fn settle_and_tell(&mut self, end: &AttemptEnd) -> Result<bool> {
        if end.is_reserved() {
            self.commit_claim(&ClaimRequest {
                job: Arc::clone(&end.job),
                lease: end.lease.clone(),
            })
            .await?;
        }
        let closed = self.settle(end).await?;
        Ok(closed == Some(CaseOutcome::Verdict("contained")) && self.queue_statements(end.job.case, &end.receivers).await?)
    }

    /// Ends an attempt. Answers how the case closed, where it closed with it.
    async fn settle(&mut self, end: &AttemptEnd) -> Result<Option<CaseOutcome>> {
        let AttemptEnd { job, evidence, .. } = end;
        let (lease, settlement) = (end.lease.clone(), end.settlement.clone());
        let called_off = self.is_called_off(job.case.0).await?;
        let newer = self.newer_signal(job, evidence.after_signal).await?;
        let settlement = in_its_case(job, settlement, (called_off, newer.is_some()), self.now);
        let lease_id = lease.id.clone();
        let next = JobState::Running { lease }.next(Step::Settle(settlement.clone()))?;
        let given_back = matches!(
            settlement,
            Settlement::Snooze { .. } | Settlement::Interrupted | Settlement::Hold { .. }
        );
        let attempt = if given_back {
            job.attempt.saturating_sub(1)
        } else {
            job.attempt
        };
        let due = match &next {
            JobState::Scheduled { due } => Some(due.ms()),
            _ => None,
        };
        let verdict = match &next {
            JobState::Done { verdict } => Some(verdict.clone()),
            JobState::Failed { error } => Some(Verdict::Failed { why: error.clone() }),
            _ => None,
        };
        let error = match &settlement {
            Settlement::Retry { error, .. } | Settlement::GiveUp { error } | Settlement::Hold { why: error, .. } => {
                Some(error.as_str())
            }
            _ => None,
        };
        // What has failed is tried again one day, and goes on counting.
        let mut kept = if matches!(next, JobState::Done { .. } | JobState::Cancelled) {
            evidence.clone().of_a_job_that_is_over()
        } else {
            evidence.clone()
        };
        if newer.is_some() {
            // The next attempt begins after it, whoever has stored it.
            kept.after_signal = newer;
        }
        let row = sqlx::query(
            "UPDATE job SET state = $1, due = $2, held_due = NULL, lease_id = NULL, lease_until = NULL, attempt = $3, verdict = $4, outcome = $5, \
                    error = coalesce($6, error), evidence = $7, finished_at = $8 \
             WHERE id = $9 AND state = 'running' AND lease_id = $10 \
             RETURNING sweep, (SELECT priority FROM cases WHERE cases.id = case_id)",
        )
        .bind(next.word())
        .bind(due)
        .bind(attempt)
        .bind(verdict.as_ref().map(Verdict::word))
        .bind(verdict.as_ref().map(|verdict| written("a verdict", verdict)).transpose()?)
        .bind(error)
        .bind(evidence_row::of_attempt(kept)?)
        .bind(next.is_final().then_some(self.now.ms()))
        .bind(job.id.0)
        .bind(lease_id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("settling a job"))?
        .ok_or(StoreError::LeaseLost(job.id))?;
        let sweep: i64 = row.read(0)?;
        // Of a case whose urgency cannot be read, what is left is done at once.
        let urgent = row.read(1).map_or(true, |priority| Priority(priority).is_urgent());
        self.finish(job, &end.finished).await?;
        // Nothing is proved while an action is under way, so a verdict leaves none open.
        if !matches!(settlement, Settlement::Done(_)) {
            self.mark_open_actions_unknown(job.case.0, job.id.0).await?;
        }
        self.record(&entries::settled(job, evidence, &settlement));
        if job.containment.leaked.is_some() && next.is_final() {
            self.wipe_credential_of(job.case.0).await?;
        }
        if !called_off && job.kind != JobKind::Release && !matches!(settlement, Settlement::Done(_)) {
            // A provider whose job is not over may have shown its block.
            self.look_again_after_block(job.case.0, &job.subject_ref, &end.identity_providers)
                .await?;
        }
        self.close_by(end, settlement, (sweep, urgent), called_off).await
    }

    /// What a settlement means for the case. Answers how it closed, where it closed.
    async fn close_by(
        &mut self,
        end: &AttemptEnd,
        settlement: Settlement,
        sweep: (i64, bool),
        called_off: bool,
    ) -> Result<Option<CaseOutcome>> {
        let AttemptEnd { job, evidence, .. } = end;
        match settlement {
            Settlement::Done(_) if job.kind == JobKind::Release => self.note_released(job.case.0).await.map(|()| None),
            Settlement::Done(verdict) => {
                if !called_off {
                    self.follow(end, &verdict, sweep).await?;
                }
                self.close_if_done(job.case.0, &job.subject_ref, Some(job.id)).await
            }
            Settlement::CalledOff => {
                self.close_called_off(job).await?;
                Ok(None)
            }
            Settlement::GiveUp { .. } if evidence.nameless && !end.identity_providers.is_empty() => {
                self.ask_by_new_names(job).await?;
                self.close_if_done(job.case.0, &job.subject_ref, Some(job.id)).await
            }
            Settlement::GiveUp { error } => {
                // Where nobody is known by these names anywhere, one alert about that says more than one for each target.
                let closed = self.close_if_done(job.case.0, &job.subject_ref, Some(job.id)).await?;
                if closed != Some(CaseOutcome::Nobody) {
                    let summary = format!("case {} could not be contained at {}: {error}", job.case, job.target);
                    self.raise_alert("could_not_revoke", &format!("job:{}", job.id), &summary, Some(job.case.0))
                        .await?;
                }
                Ok(closed)
            }
            Settlement::Hold { why, held_for } => self.hold_case(job, &why, held_for.as_ref()).await.map(|()| None),
            Settlement::Retry { .. } | Settlement::Snooze { .. } | Settlement::Interrupted => Ok(None),
        }
    }

    /// What follows on a verdict: the next sweep, and what it means for the other targets of the case.
    async fn follow(&mut self, end: &AttemptEnd, verdict: &Verdict, sweep: (i64, bool)) -> Result<()> {
        let job = &end.job;
        if let Some(next) = NextSweep::after(job, verdict, &end.evidence, sweep, self.now)? {
            self.enqueue(&next.job(job)).await?;
        }
        if end.identity_providers.is_empty() {
            return Ok(());
        }
        if matches!(verdict, Verdict::NoPrincipal { .. }) {
            self.ask_by_new_names(job).await?;
        }
        self.look_again_after_block(job.case.0, &job.subject_ref, &end.identity_providers)
            .await
    }

    /// The newest signal of the job's case, where it was stored after the last look at the target began.
    async fn newer_signal(&mut self, job: &Job, looked: Option<i64>) -> Result<Option<i64>> {
        let Some(looked) = looked else { return Ok(None) };
        sqlx::query_scalar("SELECT max(id) FROM signal WHERE case_id = $1 AND id > $2")
            .bind(job.case.0)
            .bind(looked)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for newer signals"))
    }
}

/// What the end of an attempt is in a case that was called off, or has a newer signal.
fn in_its_case(job: &Job, settlement: Settlement, (called_off, newer): (bool, bool), now: Timestamp) -> Settlement {
    match settlement {
        Settlement::Retry { .. } | Settlement::Snooze { .. } | Settlement::Interrupted | Settlement::Hold { .. }
            if called_off && job.kind != JobKind::Release =>
        {
            Settlement::CalledOff
        }
        // What the verdict proves is older than the newest signal: the next attempt looks again.
        Settlement::Done(_) if !called_off && newer => Settlement::Snooze { due: now },
        other => other,
    }
}
