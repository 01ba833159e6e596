//! The trail entries of the hot path: the same whether a mutation is written alone or with a group.

use revoked_trail::{Entry, EntryKind, detail};

use super::accept_context::DecidedSignal;
use super::new_job::NewJob;
use super::observation_summary::ObservationSummary;
use super::{requester, transaction};
use crate::digest::{hex, sha256};
use crate::model::{Action, ActionOutcome, Actor, Evidence, Finished, HeldFor, Job, Settlement, Timestamp};
use crate::policy::{Lowered, Work};

/// An entry of the daemon about a job.
fn about(kind: EntryKind, job: &Job) -> Entry {
    Entry::new(kind, Actor::Daemon)
        .case(job.case.0)
        .job(job.id.0)
        .subject_ref(&job.subject_ref)
}

pub(super) fn signal_accepted(new: &DecidedSignal<'_>, work: &Work) -> Entry {
    let signal = new.signal;
    let sha256_of = |text: &str| hex(&sha256(text.as_bytes()));
    let requested_by = requester::loggable(&new.delivery.source, signal.requested_by.as_deref());
    let txn = signal.txn.as_deref().and_then(transaction::loggable);
    let mut detail = detail! {
        "signal": new.signal_id, "reason": signal.reason.word(), "key_sha256": sha256_of(&signal.key), "sha256": hex(&signal.digest),
        "occurred_at": signal.occurred_at.map(Timestamp::ms), "playbook": work.playbook, "requested_by": requested_by,
        "requested_by_sha256": signal.requested_by.as_deref().filter(|_| requested_by.is_none()).map(sha256_of),
        "note_sha256": signal.note.as_deref().map(sha256_of), "txn": txn,
        "txn_sha256": signal.txn.as_deref().filter(|_| txn.is_none()).map(sha256_of),
    };
    if let Some(batch) = new.batch {
        detail = detail.member("batch", batch);
    }
    if let Some(list) = &new.delivery.list {
        detail = detail.member("list", list);
    }
    new.entry(EntryKind::SignalAccepted).detail(detail)
}

pub(super) fn case_opened(new: &DecidedSignal<'_>, case: i64, work: &Work) -> Entry {
    let mut detail = detail! {
        "reason": new.signal.reason.word(), "playbook": work.playbook, "priority": work.priority.0, "scope": new.signal.scope,
        "due": work.due.map(Timestamp::ms),
    };
    if let Some(Lowered { to, by }) = &work.lowered {
        detail = detail.member("lowered_to", to.word()).member("lowered_by", by);
    }
    new.entry(EntryKind::CaseOpened).case(case).detail(detail)
}

/// An inbox row has led to this case.
pub(super) fn inbox_accepted(row: i64, case: i64) -> Entry {
    let why: Option<&str> = None;
    Entry::new(EntryKind::InboxAccepted, Actor::source("inbox"))
        .case(case)
        .detail(detail! { "row": row, "why": why })
}

pub(super) fn enqueued(id: i64, job: &NewJob<'_>) -> Entry {
    let (due, _) = job.due_and_lease();
    Entry::new(EntryKind::JobEnqueued, Actor::Daemon)
        .case(job.case)
        .job(id)
        .subject_ref(job.subject_ref)
        .detail(detail! {
            "target": job.target, "for": job.kind.word(), "state": job.state.word(), "due": due, "priority": job.priority.0,
        })
}

pub(super) fn claimed(job: &Job, lease: &str) -> Entry {
    Entry::new(EntryKind::JobClaimed, Actor::Daemon)
        .case(job.case.0)
        .job(job.id.0)
        .detail(detail! { "target": job.target, "attempt": job.attempt, "lease": lease })
}

pub(super) fn observed(job: &Job, seen: &ObservationSummary) -> Entry {
    about(EntryKind::ObservationRecorded, job).detail(detail! {
        "target": job.target, "principal": seen.principal, "grants": seen.counts, "suspended": seen.suspended,
    })
}

/// The principal is missing where the intent was stored with the job, before anybody had looked whom it is about.
pub(super) fn action_started(job: &Job, principal: Option<&str>, id: i64, action: &Action) -> Entry {
    about(EntryKind::ActionStarted, job).detail(detail! {
        "action": id, "target": job.target, "principal": principal, "attempt": job.attempt, "what": action,
    })
}

pub(super) fn action_finished(job: &Job, action: &Finished) -> Entry {
    about(EntryKind::ActionFinished, job).detail(detail! {
        "action": action.id, "outcome": action.outcome.word(), "why": why_failed(action), "requests": action.requests,
        "answered_at": action.at.ms(),
    })
}

/// What stood in the way of an action that failed.
pub(super) fn why_failed(action: &Finished) -> Option<&str> {
    match &action.outcome {
        ActionOutcome::Failed(why) => Some(why),
        _ => None,
    }
}

pub(super) fn settled(job: &Job, evidence: &Evidence, settlement: &Settlement) -> Entry {
    let (kind, detail) = match settlement {
        Settlement::Done(verdict) => (
            EntryKind::JobSettled,
            detail! {
                "target": job.target, "verdict": verdict.word(), "says": verdict.to_string(), "principal": evidence.principal,
                "before": evidence.before, "after": evidence.after, "suspended": evidence.suspended.1,
                "ended": evidence.ended, "ended_count": evidence.ended_count, "requests": evidence.requests,
                "looked_from": evidence.looked_from.map(Timestamp::ms), "before_at": evidence.before_at.map(Timestamp::ms), "after_at": evidence.after_at.map(Timestamp::ms),
                "first_revoke_at": evidence.first_revoke_at.map(Timestamp::ms),
                "refused_at": evidence.refused_at.map(Timestamp::ms), "doors": evidence.doors,
                "not_covered_sha256": evidence.not_covered_sha256(),
            },
        ),
        Settlement::Retry { due, error } => (
            EntryKind::JobRetried,
            detail! { "target": job.target, "attempt": job.attempt, "due": due.ms(), "error": error },
        ),
        Settlement::Snooze { due } => (EntryKind::JobSnoozed, detail! { "target": job.target, "due": due.ms() }),
        Settlement::Interrupted => (EntryKind::JobInterrupted, detail! { "target": job.target }),
        Settlement::CalledOff => (
            EntryKind::JobCancelled,
            detail! {
                "target": job.target, "why": "its case was called off while it was at work", "principal": evidence.principal,
                "before": evidence.before, "after": evidence.after, "ended": evidence.ended, "ended_count": evidence.ended_count,
            },
        ),
        Settlement::Hold { why, held_for } => {
            let mut detail = detail! { "target": job.target, "why": why };
            if let Some(HeldFor { group, approvals }) = held_for {
                detail = detail.member("group", group).member("approvals", approvals);
            }
            (EntryKind::HoldPlaced, detail)
        }
        Settlement::GiveUp { error } => (
            EntryKind::JobFailed,
            detail! { "target": job.target, "attempt": job.attempt, "error": error },
        ),
    };
    about(kind, job).detail(detail)
}

/// A case has closed: its verdict, and how long it took since its first signal was `received`.
pub(super) fn case_closed(
    (case, subject_ref): (i64, &str),
    verdict: &str,
    received: i64,
    first_revoke: Option<i64>,
    contained: Option<i64>,
) -> Entry {
    Entry::new(EntryKind::CaseContained, Actor::Daemon)
        .case(case)
        .subject_ref(subject_ref)
        .detail(detail! {
            "verdict": verdict,
            "received_to_first_revoke_ms": first_revoke.map(|first| first.saturating_sub(received)),
            "received_to_contained_ms": contained.map(|at| at.saturating_sub(received)),
        })
}
