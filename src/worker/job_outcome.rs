//! The outcome of a job: what the end of an attempt (a verdict, a failure, a 429, a time-out) means for the job and for its lane.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::attempt::{AttemptContext, End, Ended, attempt};
use super::lane::Lane;
use super::pacer::Pacer;
use super::protection::Refusal;
use crate::model::{Evidence, Finished, Job, JobKind, Priority, Reason, Settlement, Verdict, error_chain};
use crate::store::{Claim, StoreError};
use crate::targets::{AttemptStage, CallContext, Permit, Permits, RateLimitHints, Remedy, TargetError};
use crate::telemetry::table;

/// How long a job waits after the store failed.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(5);

/// How long an attempt may read before its lease is committed all the same.
const COMMIT_CLAIM_AFTER: Duration = Duration::from_millis(250);

/// What came of an attempt, before it is written down.
pub(super) struct JobOutcome {
    claim: Claim,
    finished: Vec<Finished>,
    evidence: Evidence,
    settlement: Settlement,
}

impl Lane {
    /// Makes one attempt, and decides what its end means. `None` where another attempt has the job.
    pub(super) async fn work(&self, claim: Claim) -> Option<JobOutcome> {
        let job = &claim.job;
        let span = tracing::info_span!(
            "job",
            job.id = job.id.0,
            case.id = job.case.0,
            subject_ref = %job.subject_ref,
            target = %self.name,
            attempt = job.attempt
        );
        async {
            let metered = Arc::new(MeteredPermits {
                pacer: Arc::clone(&self.pacer),
                waited: AtomicU64::new(0),
            });
            let call_context = CallContext::new(claim.job.priority, Arc::clone(&metered) as _);
            let cut = self.cut();
            let context = AttemptContext {
                target: self.target.as_ref(),
                role: self.role,
                call_context: &call_context,
                store: &self.store,
                protection: self.protection.as_ref(),
                attempt_limits: &self.settings.attempt_limits,
                hard: &cut,
            };
            let ended = tokio::select! {
                ended = Box::pin(attempt(&context, &claim)) => ended,
                never = self.commit_claim_late(&claim) => match never {},
            };
            self.outcome(claim, ended, &metered).await
        }
        .instrument(span)
        .await
    }

    /// Commits the lease of an attempt that reads for long before it writes anything, so that others see the job at work. Never ends.
    async fn commit_claim_late(&self, claim: &Claim) -> Infallible {
        tokio::time::sleep(COMMIT_CLAIM_AFTER).await;
        if let Err(error) = self.store.commit_claim(claim).await {
            tracing::warn!(error = %error_chain(&error), "could not record yet that the job is at work");
        }
        std::future::pending().await
    }

    async fn outcome(&self, claim: Claim, ended: Ended, metered: &MeteredPermits) -> Option<JobOutcome> {
        let Ended { end, finished, evidence } = ended;
        if let End::Store(StoreError::LeaseLost(_)) = end {
            tracing::warn!("the lease was lost: another attempt has the job, or its batch was paused");
            self.state().breaker.undecided(Instant::now());
            return None;
        }
        let settlement = match self.settlement_of(&claim.job, end, metered).await {
            // An account that stays suspended is no access that could not be revoked: it does not stand in the ledger.
            Settlement::GiveUp { error } if claim.job.kind == JobKind::Release => Settlement::Done(Verdict::Failed { why: error }),
            settlement => settlement,
        };
        log_settlement(&claim.job, &settlement, &evidence);
        if let Settlement::Done(verdict) = &settlement {
            self.measure(&claim.job, verdict);
        }
        Some(JobOutcome {
            claim,
            finished,
            evidence,
            settlement,
        })
    }

    /// Writes down what came of an attempt.
    pub(super) async fn settle(&self, outcome: JobOutcome) {
        let JobOutcome {
            claim,
            finished,
            evidence,
            settlement,
        } = outcome;
        // What is over leaves nothing in the queue; the slot that it freed has woken the lane already.
        let again = !matches!(
            settlement,
            Settlement::Done(_) | Settlement::GiveUp { .. } | Settlement::CalledOff
        );
        if let Err(error) = self.store.settle(claim, finished, evidence, settlement).await {
            tracing::error!(error = %error_chain(&error), "could not settle the job; its lease brings it back");
        }
        if again {
            self.change();
        }
    }

    /// What the end of an attempt means for its job. What it means for the lane is done here.
    async fn settlement_of(&self, job: &Job, end: End, metered: &MeteredPermits) -> Settlement {
        match end {
            End::Proved(verdict) => {
                self.target_answered().await;
                Settlement::Done(verdict)
            }
            End::Held(Refusal { why, held_for }) => {
                self.target_answered().await;
                if job.approved {
                    // A human has had a say already; asking again would go round for ever.
                    Settlement::GiveUp { error: why }
                } else {
                    Settlement::Hold { why, held_for }
                }
            }
            End::EnabledAgain => {
                self.target_answered().await;
                Settlement::Hold {
                    why: "the account was enabled again since it was suspended, by somebody here: approve to suspend it again, reject to leave \
                          it alone and end the sweeps"
                        .to_owned(),
                    held_for: None,
                }
            }
            End::StillPresent(error) => {
                self.target_answered().await;
                self.retry(job, error)
            }
            End::Unrevocable(error) => {
                self.target_answered().await;
                Settlement::GiveUp { error }
            }
            End::Failed(error) => self.settlement_of_failure(job, &error).await,
            End::TimedOut => {
                let limit = self.settings.attempt_limits.limit;
                if metered.waited() * 2 >= limit {
                    // It stood in line for permits most of the time: that is no failure of its own.
                    self.state().breaker.undecided(Instant::now());
                    return self.snooze(Duration::ZERO);
                }
                self.target_failed(job, format!("the attempt was cut off after {} s", limit.as_secs()))
                    .await
            }
            End::Interrupted => {
                self.state().breaker.undecided(Instant::now());
                Settlement::Interrupted
            }
            End::CalledOff => {
                self.target_answered().await;
                Settlement::CalledOff
            }
            End::Store(error) => {
                tracing::error!(error = %error_chain(&error), "the store failed during an attempt; nothing more was sent");
                self.state().breaker.undecided(Instant::now());
                self.snooze(AFTER_STORE_ERROR)
            }
        }
    }

    async fn settlement_of_failure(&self, job: &Job, error: &TargetError) -> Settlement {
        match error.remedy {
            Remedy::Retry => self.target_failed(job, error.to_string()).await,
            Remedy::RetryAfter(wait) => {
                self.target_answered().await;
                self.keep_permit_time().await;
                self.snooze(wait)
            }
            Remedy::Pause => {
                self.state().breaker.undecided(Instant::now());
                self.pause(error.to_string()).await;
                // A job that is queued costs a paused lane nothing, and is there when it resumes.
                self.snooze(Duration::ZERO)
            }
            Remedy::GiveUp => {
                self.target_answered().await;
                Settlement::GiveUp {
                    error: error.to_string(),
                }
            }
        }
    }

    /// The target did not answer as a working one does. While it is down, no attempt counts; a job that fails at a target that is up has
    /// used one up.
    async fn target_failed(&self, job: &Job, error: String) -> Settlement {
        let urgent = job.priority.is_urgent();
        let (look, reopens) = {
            let mut state = self.state();
            // The last attempt is not given to a target that is away: few attempts may be allowed, or few jobs be there to fail.
            let last = job.attempt >= self.settings.retries.attempts;
            (state.breaker.failed() || last, state.breaker.reopens(urgent))
        };
        if look {
            // One job that always fails must not look like a target that is down, nor the other way round.
            let cut = self.cut();
            if self.ask(&cut).await.is_some() {
                self.target_answered().await;
                return self.retry(job, error);
            }
            if cut.is_cancelled() {
                self.state().breaker.undecided(Instant::now());
                return Settlement::Interrupted;
            }
            let (opened, reopens) = {
                let mut state = self.state();
                (
                    state.breaker.open(Instant::now(), &self.jitter),
                    state.breaker.reopens(urgent),
                )
            };
            self.change();
            if opened && let Err(error) = self.store.record_breaker(&self.name, Some(error)).await {
                tracing::error!(error = %error_chain(&error), "could not record that the target is down");
            }
            return self.snooze_until(reopens);
        }
        match reopens {
            Some(_) => self.snooze_until(reopens),
            None => self.retry(job, error),
        }
    }

    /// The target answered: the breaker closes, and an alert of it is over.
    async fn target_answered(&self) {
        let (closed, first) = {
            let mut state = self.state();
            (state.breaker.worked(), !std::mem::replace(&mut state.answered, true))
        };
        let recorded = if closed {
            self.change();
            self.store.record_breaker(&self.name, None).await
        } else if first {
            // An alert may be left from before a restart.
            self.store.end_alert("target_down", format!("target:{}", self.name)).await
        } else {
            Ok(())
        };
        if let Err(error) = recorded {
            tracing::warn!(error = %error_chain(&error), "could not record that the target is up");
        }
    }

    fn retry(&self, job: &Job, error: String) -> Settlement {
        match self.settings.retries.wait(job.priority, job.attempt, &self.jitter) {
            Some(wait) => Settlement::Retry {
                due: self.store.clock().now().plus(wait),
                error,
            },
            None => Settlement::GiveUp {
                error: format!("{error} (attempt {} was the last)", job.attempt),
            },
        }
    }

    fn snooze(&self, wait: Duration) -> Settlement {
        Settlement::Snooze {
            due: self.store.clock().now().plus(wait),
        }
    }

    fn snooze_until(&self, at: Option<Instant>) -> Settlement {
        self.snooze(at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now())))
    }

    fn measure(&self, job: &Job, verdict: &Verdict) {
        table::VERDICTS.add([&self.name, verdict.word()], 1);
        // A departure is received long before it is due, and a sweep contains nothing for the first time.
        if job.kind == JobKind::Contain && job.reason != Reason::Departed {
            let took = self.store.clock().now().since(job.received_at);
            table::CONTAINED_SECONDS.observe([&self.name], took.as_secs_f64());
        }
    }
}

/// One line for each end: the only place where a failure is logged.
fn log_settlement(job: &Job, settlement: &Settlement, evidence: &Evidence) {
    let (ended, attempt) = (evidence.ended_count, job.attempt);
    match settlement {
        Settlement::Done(verdict) => tracing::info!(ended, verdict = verdict.word(), "settled: {verdict}"),
        Settlement::Retry { due, error } => tracing::warn!(ended, %due, %error, "attempt {attempt} failed; will try again"),
        Settlement::Snooze { due } => tracing::info!(%due, "snoozed; costs no attempt"),
        Settlement::Interrupted => tracing::info!("interrupted; the attempt is given back"),
        Settlement::CalledOff => tracing::warn!(ended, "its case was called off; nothing more is done"),
        Settlement::Hold { why, .. } => tracing::warn!(%why, "held for a human's decision"),
        Settlement::GiveUp { error } => {
            table::VERDICTS.add([&job.target, "failed"], 1);
            tracing::error!(ended, %error, "could not revoke; the case goes to the ledger");
        }
    }
}

/// The lane's permits, with a count of how long one attempt waited for them.
struct MeteredPermits {
    pacer: Arc<Pacer>,
    /// Microseconds.
    waited: AtomicU64,
}

impl MeteredPermits {
    fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl Permits for MeteredPermits {
    async fn permit(&self, priority: Priority, stage: AttemptStage) -> Permit {
        let _wait = Wait {
            metered: self,
            since: Instant::now(),
        };
        self.pacer.permit(priority, stage).await
    }

    fn note_limits(&self, hints: RateLimitHints) {
        self.pacer.note_limits(hints);
    }
}

/// Counts its life, also where the attempt is cut off while it waits.
struct Wait<'a> {
    metered: &'a MeteredPermits,
    since: Instant,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.metered.waited.fetch_add(waited, Ordering::Relaxed);
    }
}
