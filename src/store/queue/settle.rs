//! The end of an attempt: the job's next state, the next sweep, and the case's verdict, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;

use super::open_case::Closed;
use crate::model::{
    Actor, Evidence, Finished, Job, JobKind, JobState, Lease, Priority, Reason, Settlement, Step, Timestamp, Verdict,
};
use crate::store::{Claim, Result, Store, StoreError, Tx};

/// How long a settlement waits before it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How much later than it is asked for a sweep after a leaver may come at most.
const LONGEST_WINDOW: Duration = Duration::from_mins(5);

impl Store {
    /// Ends an attempt. Consumes the claim: settling twice does not compile. While the disk is full or another process holds the lock,
    /// it waits and tries again: an end that is not recorded would leave the job to its lease, minutes later.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] where the lease had ended: another attempt has the job, and nothing of this one is recorded.
    pub async fn settle(&self, claim: Claim, finished: Vec<Finished>, evidence: Evidence, settlement: Settlement) -> Result<()> {
        let (target, again) = (claim.job.target.clone(), settlement == Settlement::Interrupted);
        let end = Arc::new((claim, finished, evidence, settlement));
        let receivers = self.receivers();
        let told = loop {
            let (end, receivers) = (Arc::clone(&end), Arc::clone(&receivers));
            let written = self.write(move |tx| {
                Box::pin(async move {
                    let (claim, finished, evidence, settlement) = &*end;
                    let closed = tx
                        .settle(&claim.job, claim.lease.clone(), finished, evidence, settlement.clone())
                        .await?;
                    // In the same transaction: what is proved and what is to be told of it are lost together or not at all.
                    Ok(closed == Some(Closed::Verdict("contained")) && tx.announce(claim.job.case, &receivers).await?)
                })
            });
            match written.await {
                Err(error @ (StoreError::Full | StoreError::Busy | StoreError::Unread)) => {
                    tracing::warn!(%error, "could not settle a job yet; will try again");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                other => break other?,
            }
        };
        if told {
            self.0.outbox.notify_waiters();
        }
        self.0.promoter.notify_one();
        if again {
            self.wake_lanes(&[target]);
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Ends an attempt. Answers how the case closed, where it closed with it.
    async fn settle(
        &mut self,
        job: &Job,
        lease: Lease,
        finished: &[Finished],
        evidence: &Evidence,
        settlement: Settlement,
    ) -> Result<Option<Closed>> {
        let called_off = self.is_called_off(job.case.0).await?;
        let settlement = match settlement {
            Settlement::Retry { .. } | Settlement::Snooze { .. } | Settlement::Interrupted | Settlement::Hold { .. }
                if called_off && job.kind != JobKind::Release =>
            {
                Settlement::CalledOff
            }
            // What the verdict proves is older than the newest signal: the next attempt looks again.
            Settlement::Done(_) if !called_off && self.signalled_since(job, evidence.after_at).await? => {
                Settlement::Snooze { due: self.now }
            }
            other => other,
        };
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
            Settlement::Retry { error, .. } | Settlement::GiveUp { error } | Settlement::Hold { why: error } => {
                Some(error.as_str())
            }
            _ => None,
        };
        // What has failed is tried again one day, and goes on counting.
        let kept = if matches!(next, JobState::Done { .. } | JobState::Cancelled) {
            evidence.clone().of_a_job_that_is_over()
        } else {
            evidence.clone()
        };
        let row = sqlx::query(
            "UPDATE job SET state = ?, due = ?, lease_id = NULL, lease_until = NULL, attempt = ?, verdict = ?, outcome = ?, \
                    error = coalesce(?, error), evidence = ?, finished_at = ? \
             WHERE id = ? AND state = 'running' AND lease_id = ? \
             RETURNING sweep, (SELECT priority FROM cases WHERE cases.id = case_id)",
        )
        .bind(next.word())
        .bind(due)
        .bind(attempt)
        .bind(verdict.as_ref().map(Verdict::word))
        .bind(verdict.as_ref().and_then(|verdict| serde_json::to_string(verdict).ok()))
        .bind(error)
        .bind(serde_json::to_string(&kept).unwrap_or_default())
        .bind(next.is_final().then_some(self.now.ms()))
        .bind(job.id.0)
        .bind(lease_id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("settling a job"))?
        .ok_or(StoreError::LeaseLost(job.id))?;
        let sweep: i64 = row.get(0);
        let urgent = Priority(row.get(1)).is_urgent();
        self.finish(job, finished).await?;
        // Nothing is proved while an action is under way, so a verdict leaves none open.
        if !matches!(settlement, Settlement::Done(_)) {
            self.forget_open_actions(job.case.0, job.id.0).await?;
        }
        self.record_settlement(job, evidence, &settlement);
        if job.containment.leaked.is_some() && next.is_final() {
            self.wipe_credential_of(job.case.0).await?;
        }
        match settlement {
            Settlement::Done(_) if job.kind == JobKind::Release => Ok(None),
            Settlement::Done(verdict) => {
                if !called_off {
                    self.next_sweep(job, &verdict, evidence, (sweep, urgent)).await?;
                }
                self.close_if_over(job.case.0, &job.subject_ref, Some(job.id)).await
            }
            Settlement::CalledOff => {
                self.close_called_off(job).await?;
                Ok(None)
            }
            Settlement::GiveUp { error } => {
                // Where nobody is known by these names anywhere, one alert about that says more than one for each target.
                let closed = self.close_if_over(job.case.0, &job.subject_ref, Some(job.id)).await?;
                if closed != Some(Closed::Nobody) {
                    let summary = format!("case {} could not be contained at {}: {error}", job.case, job.target);
                    self.raise("could_not_revoke", &format!("job:{}", job.id), &summary, Some(job.case.0))
                        .await?;
                }
                Ok(closed)
            }
            Settlement::Hold { why } => self.hold_case(job, &why).await.map(|()| None),
            Settlement::Retry { .. } | Settlement::Snooze { .. } | Settlement::Interrupted => Ok(None),
        }
    }

    /// Whether a signal joined the job's case after the last look at the target.
    async fn signalled_since(&mut self, job: &Job, looked: Option<Timestamp>) -> Result<bool> {
        let Some(looked) = looked else { return Ok(false) };
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM signal WHERE case_id = ? AND received_at > ?)")
            .bind(job.case.0)
            .bind(looked.ms())
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for newer signals"))
    }

    fn record_settlement(&mut self, job: &Job, evidence: &Evidence, settlement: &Settlement) {
        use serde_json::json;
        let (kind, detail) = match settlement {
            Settlement::Done(verdict) => (
                EntryKind::JobSettled,
                json!({
                    "target": job.target, "verdict": verdict.word(), "says": verdict.to_string(), "principal": evidence.principal,
                    "before": evidence.before, "after": evidence.after, "suspended": evidence.suspended.1,
                    "ended": evidence.ended, "ended_count": evidence.ended_count, "requests": evidence.requests,
                    "before_at": evidence.before_at.map(Timestamp::ms), "after_at": evidence.after_at.map(Timestamp::ms),
                    "first_revoke_at": evidence.first_revoke_at.map(Timestamp::ms),
                    "refused_at": evidence.refused_at.map(Timestamp::ms), "doors": evidence.doors,
                }),
            ),
            Settlement::Retry { due, error } => (
                EntryKind::JobRetried,
                json!({ "target": job.target, "attempt": job.attempt, "due": due.ms(), "error": error }),
            ),
            Settlement::Snooze { due } => (EntryKind::JobSnoozed, json!({ "target": job.target, "due": due.ms() })),
            Settlement::Interrupted => (EntryKind::JobInterrupted, json!({ "target": job.target })),
            Settlement::CalledOff => (
                EntryKind::JobCancelled,
                json!({
                    "target": job.target, "why": "its case was called off while it was at work", "principal": evidence.principal,
                    "before": evidence.before, "after": evidence.after, "ended": evidence.ended, "ended_count": evidence.ended_count,
                }),
            ),
            Settlement::Hold { why } => (EntryKind::HoldPlaced, json!({ "target": job.target, "why": why })),
            Settlement::GiveUp { error } => (
                EntryKind::JobFailed,
                json!({ "target": job.target, "attempt": job.attempt, "error": error }),
            ),
        };
        self.record(
            &Entry::new(kind, Actor::Daemon)
                .case(job.case.0)
                .job(job.id.0)
                .subject_ref(&job.subject_ref)
                .detail(detail),
        );
    }

    /// Schedules the next sweep of the chain. The times count from the containing verdict, not from sweep to sweep. Where the last sweep of a
    /// chain found access again, a new chain begins.
    async fn next_sweep(&mut self, job: &Job, verdict: &Verdict, evidence: &Evidence, (sweep, urgent): (i64, bool)) -> Result<()> {
        if matches!(
            verdict,
            Verdict::NoPrincipal { .. } | Verdict::Failed { .. } | Verdict::Released { .. }
        ) {
            return Ok(());
        }
        if job.containment.leaked.is_some() && evidence.principal.is_none() {
            // Nobody is known to look after.
            return Ok(());
        }
        let mut containment = job.containment.clone();
        // The credential itself is not kept for later looks.
        containment.leaked = None;
        let number = usize::try_from(sweep).unwrap_or(usize::MAX);
        let since = match job.kind {
            JobKind::Sweep => job.contained_at.unwrap_or(self.now),
            JobKind::Contain | JobKind::Release => self.now,
        };
        let (number, since, after) = match containment.sweep(number) {
            Some(after) => (number, since, after),
            None if evidence.came_back => {
                containment.keep_out = None;
                let Some(after) = containment.sweep(0) else { return Ok(()) };
                (0, self.now, after)
            }
            None => return Ok(()),
        };
        // A sweep that comes late (the daemon was down) does not bunch with the next: at least now.
        let priority = if job.reason == Reason::Compromised || urgent {
            // Whoever broke in once may be back: that look must not wait behind the leavers.
            // A compromise that has joined a case of another reason has made it urgent.
            Priority::PROMPT
        } else {
            Priority::SWEEP
        };
        let asked = since.plus(after);
        let due = if priority == Priority::SWEEP {
            gathered(asked, after)
        } else {
            asked
        };
        let due = due.max(self.now);
        self.enqueue(&NewJob {
            case: job.case.0,
            target: &job.target,
            kind: JobKind::Sweep,
            containment: &serde_json::to_string(&containment).unwrap_or_default(),
            priority,
            state: &JobState::Scheduled { due },
            held_due: None,
            sweep: i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1),
            approved: job.approved,
            subject_ref: &job.subject_ref,
            evidence: serde_json::to_string(&evidence.for_a_sweep()).ok(),
            chain_at: Some(since),
        })
        .await?;
        Ok(())
    }

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

/// When a sweep after a leaver comes that is asked for `after` the verdict, at `asked`: at the end of the window in which that is, together with
/// all others of the window. One reading of what concerns nobody in particular serves all of them then.
fn gathered(asked: Timestamp, after: Duration) -> Timestamp {
    let window = i64::try_from((after / 4).min(LONGEST_WINDOW).as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    let into = asked.ms().rem_euclid(window);
    Timestamp::from_ms(if into == 0 { asked.ms() } else { asked.ms() - into + window })
}
