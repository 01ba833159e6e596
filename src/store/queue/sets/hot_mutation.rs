//! The mutations of the hot path as plain values, and each of them done alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::model::{Action, Delivery, Evidence, Finished, Job, Lease, Settlement, Started};
use crate::policy::Policy;
use crate::statement::Receiver;
use crate::store::queue::accepted::Outcome;
use crate::store::queue::observation_summary::ObservationSummary;
use crate::store::queue::reservation::Reservation;
use crate::store::queue::slot_offer::{Births, SlotOffer};
use crate::store::sources::leaked_credentials::Sealed;
use crate::store::transaction::mutation::{CommitFailure, answer};
use crate::store::{Result, Tx};

/// A mutation that the writer can do together with others of its kind.
pub(in crate::store) enum HotMutation {
    /// A delivery.
    Accept(Call<AcceptRequest, Outcome>),
    /// The lease of a job that was reserved.
    Claim(Call<ClaimRequest, ()>),
    /// What is about to be sent.
    Start(Call<Start, Vec<Started>>),
    /// What came of it.
    Finish(Call<Finish, ()>),
    /// The end of an attempt. Answers whether a statement was queued for a receiver.
    Settle(Call<Arc<AttemptEnd>, bool>),
}

/// What is asked, and whoever waits for the answer.
pub(in crate::store) struct Call<R, T> {
    pub(super) request: R,
    pub(super) outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

/// A delivery that is to be stored, with everything that follows from it.
pub(in crate::store) struct AcceptRequest {
    pub(in crate::store) policy: Arc<Policy>,
    /// Whom a case tells that has just been contained, where a signal joins it.
    pub(in crate::store) receivers: Arc<[Receiver]>,
    pub(in crate::store) delivery: Delivery,
    /// Credentials that have leaked, encrypted, by what stands for them.
    pub(in crate::store) sealed: BTreeMap<String, Sealed>,
    /// Lanes that offer a slot to an urgent job.
    pub(in crate::store) slots: Vec<SlotOffer>,
    /// Where jobs that are born in those slots are told of before they are committed.
    pub(in crate::store) births: Option<Births>,
}

/// The lease of a job that was reserved.
pub(in crate::store) struct ClaimRequest {
    pub(in crate::store) job: Arc<Job>,
    pub(in crate::store) lease: Lease,
}

/// The intents of an attempt's next batch.
pub(in crate::store) struct Start {
    pub(in crate::store) job: Arc<Job>,
    pub(in crate::store) lease: Lease,
    /// Whether the lease may not be committed yet.
    pub(in crate::store) reserved: bool,
    pub(in crate::store) actions: Vec<Action>,
    pub(in crate::store) seen: ObservationSummary,
}

/// The answers to an attempt's last batch.
pub(in crate::store) struct Finish {
    pub(in crate::store) job: Arc<Job>,
    pub(in crate::store) finished: Vec<Finished>,
}

/// How an attempt ended.
pub(in crate::store) struct AttemptEnd {
    pub(in crate::store) job: Arc<Job>,
    pub(in crate::store) lease: Lease,
    /// Where the lease may not be committed yet; nobody else takes the job until this is written.
    pub(in crate::store) reservation: Option<Reservation>,
    pub(in crate::store) finished: Vec<Finished>,
    pub(in crate::store) evidence: Evidence,
    pub(in crate::store) settlement: Settlement,
    /// Whom the closing of the case tells.
    pub(in crate::store) receivers: Arc<[Receiver]>,
    /// The targets by which people sign in to others.
    pub(in crate::store) identity_providers: Arc<BTreeSet<String>>,
}

impl AcceptRequest {
    /// Jobs that were told of and never came to be: what is done once more has no slots and tells of nobody.
    fn forget_births(&mut self) {
        if self.births.take_if(|births| births.told).is_some() {
            self.slots.clear();
        }
    }
}

impl AttemptEnd {
    /// Whether the job is kept for the attempt although its lease may not be committed yet.
    pub(in crate::store) fn is_reserved(&self) -> bool {
        self.reservation.as_ref().is_some_and(Reservation::is_current)
    }
}

impl<R, T> Call<R, T> {
    pub(in crate::store) fn new(request: R) -> (Self, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        let outcome = None;
        (Self { request, outcome, reply }, answer)
    }

    /// Keeps what came of it; false where it failed and must leave no trace.
    fn came_to(&mut self, outcome: Result<T>) -> bool {
        let kept = outcome.is_ok();
        self.outcome = Some(outcome);
        kept
    }
}

impl HotMutation {
    /// The case and the job that it is about; `None` for a delivery, which is about people.
    pub(super) fn about(&self) -> Option<(i64, i64)> {
        let job = match self {
            Self::Accept(_) => return None,
            Self::Claim(call) => &call.request.job,
            Self::Start(call) => &call.request.job,
            Self::Finish(call) => &call.request.job,
            Self::Settle(call) => &call.request.job,
        };
        Some((job.case.0, job.id.0))
    }

    /// The evidence that it writes of an attempt.
    pub(in crate::store) fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Accept(_) | Self::Claim(_) | Self::Finish(_) => None,
            Self::Start(call) => Some(&call.request.seen.evidence),
            Self::Settle(call) => Some(&call.request.evidence),
        }
    }

    /// Does it alone. False where it failed and must leave no trace.
    pub(in crate::store) async fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        match self {
            Self::Accept(call) => {
                call.request.forget_births();
                let outcome = tx.accept_alone(&call.request).await;
                call.came_to(outcome)
            }
            Self::Claim(call) => {
                let outcome = tx.commit_claim(&call.request).await;
                call.came_to(outcome)
            }
            Self::Start(call) => {
                let outcome = tx.start_if_ours(&call.request).await;
                call.came_to(outcome)
            }
            Self::Finish(call) => {
                let outcome = tx.finish(&call.request.job, &call.request.finished).await;
                call.came_to(outcome)
            }
            Self::Settle(call) => {
                let outcome = tx.settle_and_tell(&call.request).await;
                call.came_to(outcome)
            }
        }
    }

    /// Tells of the jobs that were born in a lane's slot, before they are committed.
    pub(in crate::store) fn tell_births(&mut self) {
        let Self::Accept(call) = self else { return };
        if let (Some(births), Some(Ok(outcome))) = (&mut call.request.births, &mut call.outcome) {
            births.tell(outcome.accepted.claims.drain(..));
        }
    }

    /// Answers the caller: after the commit, or with why there was none.
    pub(in crate::store) fn answer(self, commit: std::result::Result<(), CommitFailure>) {
        match self {
            Self::Accept(call) => {
                if let (Ok(()), Some(births)) = (commit, &call.request.births) {
                    births.committed();
                }
                answer(call.reply, call.outcome, commit);
            }
            Self::Claim(call) => answer(call.reply, call.outcome, commit),
            Self::Start(call) => answer(call.reply, call.outcome, commit),
            Self::Finish(call) => answer(call.reply, call.outcome, commit),
            Self::Settle(call) => {
                // Whoever is told must find the job free.
                drop(call.request);
                answer(call.reply, call.outcome, commit);
            }
        }
    }
}
