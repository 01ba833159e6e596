//! Decides a delivery of signals that each open a case of their own.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use revoked_trail::{key::random_key, subject_ref};

use super::delivery_rows::{NewCaseRow, PersonRow, SignalRow};
use super::hot_mutation::{AcceptRequest, Call};
use super::people::{People, is_plain};
use super::writing::{GroupContext, JobRow, Writing};
use crate::digest::hex;
use crate::model::{
    Action, CaseId, Containment, Delivery, Evidence, Job, JobId, JobKind, JobState, Signal, SignalReceipt, Subject, Timestamp,
};
use crate::policy::{Class, Decision, Facts, Work};
use crate::store::columns::written;
use crate::store::identity::resolution::{ResolvedIdentity, names_at};
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::queue::accepted::Outcome;
use crate::store::queue::asked_for::AskedFor;
use crate::store::queue::decide::counts_as_departure;
use crate::store::queue::entries;
use crate::store::queue::new_job::NewJob;
use crate::store::queue::new_job::initial_state;
use crate::store::queue::reservation::Claim;
use crate::store::queue::slot_offer::SlotOffer;
use crate::store::sources::lag::Lag;
use crate::store::{Result, StoreError};

/// A signal that opens a case.
struct Opens<'d> {
    signal: &'d Signal,
    identity: ResolvedIdentity,
    /// What it asks for beyond its reason, as JSON.
    asked: String,
    work: Work,
    scope: String,
    /// By target: what is demanded, as JSON.
    containments: Vec<String>,
    /// By target: what is certain of a job in the slot of its lane, with its JSON.
    certain: Vec<Option<(Action, String)>>,
}

/// Decides it. False where it must be done alone.
pub(super) fn decide(
    call: &mut Call<AcceptRequest, Outcome>,
    people: &mut People,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> bool {
    if !is_plain(&call.request) {
        return false;
    }
    let request = &call.request;
    let outcome = match opens(request, people, group.now) {
        Ok(None) => return false,
        Ok(Some(opens)) => open(request, &opens, people, writing, group),
        Err(error) => Err(error),
    };
    call.outcome = Some(outcome);
    true
}

/// What each signal opens; `None` where one of them does something else.
fn opens<'d>(request: &'d AcceptRequest, people: &People, now: Timestamp) -> Result<Option<Vec<Opens<'d>>>> {
    let delivery = &request.delivery;
    let recent = |class| people.recent.get(&(delivery.source.clone(), class)).copied().unwrap_or(0);
    let mut facts = Facts {
        delivery_departures: delivery.signals.iter().filter(|signal| counts_as_departure(signal)).count(),
        recent_compromises: recent(Class::Compromises),
        ..Facts::new(&delivery.source, now).after_departures(recent(Class::Departures))
    };
    let waits = delivery.inbox.iter().all(|row| people.inbox.contains(row));
    if people.alerted.contains(&delivery.source) || !waits {
        return Ok(None);
    }
    let (mut keys, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut opens = Vec::with_capacity(delivery.signals.len());
    for signal in &delivery.signals {
        let key = (delivery.source.clone(), signal.key.clone());
        if people.taken_keys.contains(&key) || !keys.insert(key) {
            return Ok(None);
        }
        let identity = ResolvedIdentity::of(ResolvedIdentity::said(&signal.subject), &people.links, &people.members);
        for name in identity.names.names() {
            let name = name.to_string();
            if people.busy.contains(&name) || !names.insert(name) {
                return Ok(None);
            }
        }
        facts.unclear = identity.unclear;
        // Policy is asked about the person, not about the name that this source happens to use.
        let person = if signal.subject == identity.names {
            Cow::Borrowed(signal)
        } else {
            Cow::Owned(Signal {
                subject: identity.names.clone(),
                ..signal.clone()
            })
        };
        let Decision::Act(work) = request.policy.decide(&person, &facts) else {
            return Ok(None);
        };
        // What is lowered keeps its own word of that.
        if work.lowered.is_some() {
            return Ok(None);
        }
        facts.acted_on(signal);
        let containments = work
            .jobs
            .iter()
            .map(|(_, containment)| written("the demands of a job", containment));
        let certain = |(target, containment): &(String, Containment)| {
            let offer = request.slots.iter().find(|offer| offer.target == *target);
            let action = containment.certain_action(&offer?.able)?;
            Some(written("an action", &action).map(|text| (action, text)))
        };
        opens.push(Opens {
            signal,
            asked: AskedFor::of(signal, identity.unclear).text()?,
            identity,
            scope: written("what a case is about", &signal.scope)?,
            containments: containments.collect::<Result<_>>()?,
            certain: work.jobs.iter().map(|job| certain(job).transpose()).collect::<Result<_>>()?,
            work,
        });
    }
    Ok(Some(opens))
}

fn open(
    request: &AcceptRequest,
    opens: &[Opens<'_>],
    people: &mut People,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> Result<Outcome> {
    // All that can fail comes first: what is recorded stays recorded.
    let references = opens
        .iter()
        .map(|opens| references_of(&opens.identity, people, writing, group.now))
        .collect::<Result<Vec<_>>>()?;
    let delivery = &request.delivery;
    let (mut outcome, mut slots) = (Outcome::default(), request.slots.clone());
    for (opens, (said, reference)) in opens.iter().zip(&references) {
        let case = open_case(
            delivery,
            opens,
            (said, reference),
            &mut slots,
            people,
            writing,
            group,
            &mut outcome,
        );
        people.taken_keys.insert((delivery.source.clone(), opens.signal.key.clone()));
        people
            .busy
            .extend(opens.identity.names.names().iter().map(Subject::to_string));
        if let Some(class) = Class::of(opens.signal.reason) {
            *people.recent.entry((delivery.source.clone(), class)).or_default() += 1;
        }
        outcome.accepted.receipt.signals.push(SignalReceipt::Accepted {
            case: CaseId(case),
            held: false,
        });
    }
    for (row, receipt) in delivery.inbox.iter().zip(&outcome.accepted.receipt.signals) {
        if let SignalReceipt::Accepted { case, .. } = receipt {
            group.record(&entries::inbox_accepted(*row, case.0));
            writing.deliveries.inbox.push((*row, case.0, group.now.ms()));
        }
    }
    let at = delivery.received_at;
    let lags = delivery
        .signals
        .iter()
        .filter_map(|signal| Some(at.since(signal.occurred_at?)));
    let lag = lags.max().map_or(String::new(), Lag::written);
    writing.deliveries.spoke(&delivery.source, at.ms(), &lag);
    Ok(outcome)
}

/// The references of the names that a signal came with, and of the person.
fn references_of(
    identity: &ResolvedIdentity,
    people: &mut People,
    writing: &mut Writing,
    now: Timestamp,
) -> Result<(String, String)> {
    let said = reference(&identity.said, people, writing, now)?;
    let person = if identity.anchor == identity.said {
        said.clone()
    } else {
        reference(&identity.anchor, people, writing, now)?
    };
    Ok((said, person))
}

fn reference(subject: &Subject, people: &mut People, writing: &mut Writing, now: Timestamp) -> Result<String> {
    let name = subject.to_string();
    let key = random_key().map_err(|error| StoreError::Refused(format!("the system gives no random numbers: {error}")))?;
    let made = || subject_ref(&key, &name);
    let reference = people.references.entry(name.clone()).or_insert_with(made).clone();
    writing
        .deliveries
        .people
        .push(PersonRow(reference.clone(), hex(key.as_slice()), name, now.ms()));
    if let Subject::Aliases(names) = subject {
        let names = names.iter().map(|name| (name.to_string(), reference.clone()));
        writing.deliveries.aliases.extend(names);
    }
    Ok(reference)
}

#[expect(clippy::too_many_arguments, reason = "one signal with all that its group shares")]
fn open_case(
    delivery: &Delivery,
    opens: &Opens<'_>,
    (said, reference): (&str, &str),
    slots: &mut Vec<SlotOffer>,
    people: &People,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
    outcome: &mut Outcome,
) -> i64 {
    let (signal, work) = (opens.signal, &opens.work);
    let (signal_id, case) = (group.next_signal(), group.next_case());
    let new = DecidedSignal {
        delivery,
        signal,
        reference,
        identity: &opens.identity,
        batch: None,
        signal_id,
        held: None,
    };
    outcome.newest_signal = signal_id;
    group.record(&entries::signal_accepted(&new, work));
    writing.deliveries.cases.push(NewCaseRow {
        id: case,
        subject_ref: reference.to_owned(),
        reason: signal.reason.word(),
        playbook: work.playbook.clone(),
        scope: opens.scope.clone(),
        priority: work.priority.0,
        source: delivery.source.clone(),
        requested_by: signal.requested_by.clone(),
        note: signal.note.clone(),
        received_at: delivery.received_at.ms(),
    });
    writing.deliveries.signals.push(SignalRow {
        id: signal_id,
        source: delivery.source.clone(),
        key: signal.key.clone(),
        digest: hex(&signal.digest),
        subject_ref: said.to_owned(),
        reason: signal.reason.word(),
        case_id: case,
        requested_by: signal.requested_by.clone(),
        note: signal.note.clone(),
        occurred_at: signal.occurred_at.map(Timestamp::ms),
        received_at: delivery.received_at.ms(),
        asked: opens.asked.clone(),
    });
    group.record(&entries::case_opened(&new, case, work));
    for (((target, demanded), containment), certain) in work.jobs.iter().zip(&opens.containments).zip(&opens.certain) {
        let id = group.next_job();
        let (state, offer) = match work.due.filter(|due| *due > group.now) {
            Some(due) => (JobState::Scheduled { due }, None),
            None => initial_state(slots, target, work.priority, group.now),
        };
        let job = NewJob {
            case,
            target,
            kind: JobKind::Contain,
            containment,
            priority: work.priority,
            state: &state,
            held_due: None,
            sweep: 0,
            approved: false,
            subject_ref: reference,
            evidence: None,
            chain_at: None,
        };
        group.record(&entries::enqueued(id, &job));
        let mut row = JobRow::new(id, &job, group.now);
        match state {
            JobState::Running { lease } => {
                let job = Arc::new(claimed_job(
                    delivery,
                    opens,
                    reference,
                    (id, case, target, demanded),
                    people,
                    signal_id,
                ));
                group.record(&entries::claimed(&job, &lease.id));
                let mut claim = Claim::new(job, lease);
                if let Some((action, text)) = offer.and(certain.as_ref()) {
                    row.acts();
                    claim.intended = Some(writing.intend(&claim.job, None, (action, text.clone()), group));
                }
                outcome.accepted.claims.push(claim);
            }
            JobState::Queued if !outcome.targets.contains(target) => outcome.targets.push(target.clone()),
            _ => {}
        }
        writing.jobs.push(row);
    }
    case
}

/// The job as a worker receives it.
fn claimed_job(
    delivery: &Delivery,
    opens: &Opens<'_>,
    reference: &str,
    (id, case, target, demanded): (i64, i64, &str, &Containment),
    people: &People,
    signal_id: i64,
) -> Job {
    let identity = &opens.identity;
    let own: BTreeSet<Subject> = [&identity.said, &identity.anchor]
        .into_iter()
        .flat_map(|subject| subject.names().iter().cloned())
        .collect();
    let names = names_at(own.iter(), (&people.links, &people.members), target, true);
    Job {
        id: JobId(id),
        case: CaseId(case),
        target: target.to_owned(),
        kind: JobKind::Contain,
        subject: names.unwrap_or_else(|| identity.anchor.clone()),
        subject_ref: reference.to_owned(),
        reason: opens.signal.reason,
        containment: demanded.clone(),
        priority: opens.work.priority,
        attempt: 1,
        received_at: delivery.received_at,
        acted: false,
        password_reset: false,
        approved: false,
        // It may be looked at before the signal is committed, and is looked at because of it.
        evidence: Evidence {
            after_signal: Some(signal_id),
            ..Evidence::default()
        },
        contained_at: None,
        sweep: 0,
    }
}
