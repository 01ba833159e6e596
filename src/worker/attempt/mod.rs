//! One attempt at one job: resolve → observe → plan → apply → observe → verdict, as often as it takes within one attempt.
//!
//! Reads start at once, those for an urgent signal beside the commit that stores it. Only a change waits for a commit: the intent of a whole
//! batch of actions becomes durable before its first request leaves, and what came of the batch before rides along. What is certain of an urgent
//! job, its block or else the end of all sessions, has its intent in the commit of the signal. The order is the account block first: where the plan suspends
//! the account or resets its password, that goes first, a suspension is confirmed by a look, and only then is everything else revoked. The
//! verdict comes from a second observation, never from an answer; as long as the plan for what that observation shows is not empty, the
//! attempt goes round again. No list is read twice without need: a kind is proved by a reading that began after the last change to it, and
//! after the last change to anything that could have made more of it.
//!
//! Reading order: here (the whole course), `resolve` (from a subject to accounts), `contain` (one principal: block, revoke, verify, repeat;
//! over `principal_run`, what is known of it), `apply` (sending a batch of actions), `freshness` (which readings are too old to prove
//! anything), `verify` (what the second observation proves: the verdict), `leaked` (a leaked credential), `release` (undoing a suspension).

mod apply;
mod contain;
mod freshness;
mod leaked;
mod principal_run;
mod release;
mod resolve;
mod unreached;
mod verify;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::protection::{Protection, Refusal, exempt_actions, refuse_own_account};
use crate::model::{
    Access, Action, ActionOutcome, DoorKind, Evidence, Finished, Job, JobKind, Principal, Started, Subject, Verdict, error_chain,
};
use crate::store::{Claim, Store, StoreError};
use crate::targets::{CallContext, Target, TargetError, TargetRole};

use resolve::resolve_ids;
pub(super) use resolve::{Resolved, resolve};

/// Whether a name may mean the same person at several targets: an account's own id means it at one.
const fn is_shared_between_targets(name: &Subject) -> bool {
    matches!(
        name,
        Subject::Email(_) | Subject::Account(_) | Subject::Username(_) | Subject::EmployeeId(_)
    )
}

/// How patient an attempt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptLimits {
    /// How often it plans and applies before what is still there counts as a failure of the attempt.
    pub rounds: u32,
    /// The waits before looking again at a target that still lists what it said was ended: its lists may come from a replica that lags.
    pub recheck_delays: Vec<Duration>,
    /// How long an attempt may take before it is cut off.
    pub limit: Duration,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            rounds: 4,
            recheck_delays: [100, 400, 1500].map(Duration::from_millis).into(),
            limit: crate::model::ATTEMPT_LIMIT,
        }
    }
}

/// How an attempt ended, before the lane decides what that means for the job.
#[derive(Debug)]
pub(super) enum End {
    /// The second observation proved something.
    Proved(Verdict),
    /// A human must decide first.
    Held(Refusal),
    /// A sweep met the account enabled again by somebody, and a human must decide, whatever was approved before.
    EnabledAgain,
    /// Something is still there, although everything that can be sent was sent and accepted.
    StillPresent(String),
    /// Something is still there and there is nothing left to send.
    Unrevocable(String),
    /// A call failed in a way that stands in the way of all the rest.
    Failed(TargetError),
    /// It took longer than the limit.
    TimedOut,
    /// The daemon stops.
    Interrupted,
    /// Its case was called off: nothing more may be sent.
    CalledOff,
    /// The store failed: nothing more may be sent.
    Store(StoreError),
}

/// An attempt that is over.
pub(super) struct Ended {
    pub(super) end: End,
    /// Answers that are not recorded yet.
    pub(super) finished: Vec<Finished>,
    pub(super) evidence: Evidence,
}

/// What an attempt works with.
pub(super) struct AttemptContext<'a> {
    pub(super) target: &'a dyn Target,
    pub(super) role: TargetRole,
    pub(super) call_context: &'a CallContext,
    pub(super) store: &'a Store,
    pub(super) protection: &'a dyn Protection,
    pub(super) attempt_limits: &'a AttemptLimits,
    /// Cuts the attempt off.
    pub(super) hard: &'a CancellationToken,
}

/// An attempt under way.
struct Attempt<'a> {
    context: &'a AttemptContext<'a>,
    claim: &'a Claim,
    call_context: CallContext,
    began: Instant,
    deadline: Instant,
    /// Answers that are not recorded yet.
    finished: Vec<Finished>,
    /// Actions whose intent is durable and that were not answered; the first of them is being sent where `sending` says so.
    open: VecDeque<Started>,
    sending: bool,
    /// An action whose intent was stored with the job, until its turn comes.
    intended: Option<Started>,
    /// Actions that are not done here: refused by the target for good, or spared by us, each with why.
    refused: Vec<(Action, String)>,
    /// What all attempts of the job saw and did so far.
    evidence: Evidence,
    /// The newest signal that was stored when the last look began.
    looked_after: AtomicI64,
    /// The same for the oldest of the looks that the verdict rests on.
    proved_after: i64,
    /// The last observation of each account before the present one.
    over: Vec<Access>,
    /// The leaked credential that the case is about.
    credential: Option<SecretString>,
}

/// Makes one attempt at the claimed job. Settles nothing.
pub(super) async fn attempt(context: &AttemptContext<'_>, claim: &Claim) -> Ended {
    // Another host may have stored what this one has not heard of, and the end of an earlier attempt has told.
    let since = context
        .store
        .newest_signal()
        .max(claim.job.evidence.after_signal.unwrap_or(0));
    let began = Instant::now();
    let mut attempt = Attempt {
        context,
        claim,
        call_context: context.call_context.clone(),
        began,
        deadline: began + context.attempt_limits.limit,
        finished: Vec::new(),
        open: VecDeque::new(),
        sending: false,
        intended: claim.intended.clone(),
        refused: Vec::new(),
        evidence: claim.job.evidence.clone(),
        looked_after: AtomicI64::new(since),
        proved_after: since,
        over: Vec::new(),
        credential: None,
    };
    let course = match claim.job.kind {
        JobKind::Release => Box::pin(attempt.release()).await,
        JobKind::Contain | JobKind::Sweep => attempt.contain_or_sweep().await,
    };
    let end = course.map_or_else(|end| end, End::Proved);
    attempt.close_open_actions();
    let mut evidence = attempt.evidence;
    evidence.after_signal = evidence.after_at.map(|_| attempt.proved_after);
    evidence.not_covered = context.target.capabilities().not_covered;
    Ended {
        end,
        finished: attempt.finished,
        evidence,
    }
}

impl Attempt<'_> {
    fn job(&self) -> &Job {
        &self.claim.job
    }

    /// The whole course. What cannot go on is an `Err`, so that `?` leaves at every step.
    async fn contain_or_sweep(&mut self) -> Result<Verdict, End> {
        let found = match &self.job().containment.leaked {
            Some(credential) => Box::pin(self.owner_of_leaked(credential.clone())).await?,
            None => self.resolve().await?,
        };
        let principals = match found {
            Resolved::Nobody(what) => return Ok(Verdict::NoPrincipal { what }),
            Resolved::Nameless(why) => {
                self.evidence.nameless = true;
                return Err(End::Unrevocable(why));
            }
            Resolved::Unclear(why) => {
                self.evidence.unclear = true;
                return Err(End::Held(why.into()));
            }
            Resolved::Those(principals) => principals,
        };
        // Also of an account that a human is asked about: whose it is says why.
        let ids: Vec<&str> = principals.iter().map(|principal| principal.id.as_str()).collect();
        self.evidence.principal = Some(ids.join(", "));
        let names = principals.iter().flat_map(|principal| &principal.names);
        self.evidence.names = names.filter(|name| !matches!(name, Subject::Opaque(_))).cloned().collect();
        for principal in &principals {
            self.context.protection.admit(self.job(), principal).map_err(End::Held)?;
        }
        let learned = self.teach(&principals);
        // Nobody waits for it before anything is ended.
        let (contained, ()) = tokio::join!(Box::pin(self.contain_all(&principals)), learned);
        contained
    }

    /// Who somebody is at an identity provider says by which names to ask for them elsewhere. What an account is called at an application
    /// says nothing: people choose that themselves there.
    fn teach(&self, principals: &[Principal]) -> impl Future<Output = ()> + use<> {
        let (store, job) = (self.context.store.clone(), Arc::clone(&self.claim.job));
        let said = job.subject.names();
        let mut names: Vec<Subject> = match principals {
            [only] if self.context.role == TargetRole::IdentityProvider && job.kind == JobKind::Contain => only
                .names
                .iter()
                .filter(|name| said.contains(name) || is_shared_between_targets(name))
                .filter(|name| self.context.protection.may_identify(name))
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        names.sort_by_key(Subject::rank);
        async move {
            if let Err(error) = store.learn_names(&job, names).await {
                tracing::warn!(error = %error_chain(&error), "could not keep the names of the account; the other targets are asked without them");
            }
        }
    }

    /// Whom the job is about. A sweep looks after the accounts that were contained, whatever the person is called by now.
    async fn resolve(&mut self) -> Result<Resolved, End> {
        let job = self.job();
        if job.kind == JobKind::Sweep && job.evidence.principal.is_some() {
            let ids = job.evidence.principals();
            return self.call(resolve_ids(self.context.target, &self.call_context, ids)).await;
        }
        let all = self.context.protection.contains_all_of_several(job);
        let leading = job
            .subject
            .names()
            .iter()
            .filter(|name| self.context.protection.may_identify(name));
        let subject = Subject::together(leading.cloned()).unwrap_or_else(|| job.subject.clone());
        self.call(resolve(self.context.target, &self.call_context, &subject, all))
            .await
    }

    /// One principal after the other. What is still there at one does not keep the others in; the worst of their verdicts stands.
    async fn contain_all(&mut self, principals: &[Principal]) -> Result<Verdict, End> {
        let mut worst = Verdict::NoPrincipal {
            what: "nobody".to_owned(),
        };
        let mut failed = None;
        let mut proved_after = None;
        for principal in principals {
            if let Err(why) = refuse_own_account(self.job(), principal) {
                failed = Some(End::Unrevocable(why));
                continue;
            }
            self.refused = exempt_actions(&self.job().target, principal);
            let contained = Box::pin(self.contain(principal)).await;
            let looked_after = self.looked_after.load(Ordering::Relaxed);
            proved_after = Some(proved_after.map_or(looked_after, |before: i64| before.min(looked_after)));
            self.proved_after = proved_after.unwrap_or(looked_after);
            match contained {
                Ok(verdict) if verdict.severity() >= worst.severity() => worst = verdict,
                Ok(_) => {}
                Err(end @ (End::StillPresent(_) | End::Unrevocable(_))) => failed = Some(end),
                Err(end) => return Err(end),
            }
        }
        failed.map_or(Ok(worst), Err)
    }

    /// Takes an observation into the evidence: what it showed, and what is left by it.
    fn merge_evidence(&mut self, seen: &Access, observed: &Access) {
        self.evidence.take_in(seen);
        self.evidence.conclude(self.over.iter().chain(std::iter::once(observed)));
        if self.evidence.password_reset_at.is_some() {
            self.evidence.doors.retain(|door| door.door != DoorKind::OwnPassword);
        }
    }

    /// Awaits one call to the target, unless the attempt is cut off meanwhile.
    async fn call<T>(&self, call: impl Future<Output = Result<T, TargetError>>) -> Result<T, End> {
        if self.context.hard.is_cancelled() {
            return Err(End::Interrupted);
        }
        tokio::select! {
            biased;
            answer = call => answer.map_err(End::Failed),
            () = self.context.hard.cancelled() => Err(End::Interrupted),
            () = tokio::time::sleep_until(self.deadline) => Err(End::TimedOut),
        }
    }

    /// Waits before another look.
    async fn pause(&self, wait: Duration) -> Result<(), End> {
        self.call(async {
            tokio::time::sleep(wait).await;
            Ok(())
        })
        .await
    }

    /// Closes what was started and not answered: nobody knows about the one that was under way, and the others never left.
    fn close_open_actions(&mut self) {
        let at = self.context.store.clock().now();
        for started in std::mem::take(&mut self.open).into_iter().chain(self.intended.take()) {
            let outcome = if std::mem::take(&mut self.sending) {
                ActionOutcome::Unknown
            } else {
                ActionOutcome::NotSent
            };
            self.finished.push(Finished {
                id: started.id,
                outcome,
                requests: Vec::new(),
                at,
            });
        }
    }
}
