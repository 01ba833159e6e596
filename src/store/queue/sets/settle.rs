//! Decides the end of an attempt that has a verdict: the job's, the next sweep, and the case's.

use std::sync::Arc;

use super::finish::finish;
use super::hot_mutation::{AttemptEnd, Call};
use super::reading::{EndRow, Reading, Standing};
use super::writing::{CaseRow, GroupContext, JobRow, SettledRow, Writing};
use crate::model::{JobKind, JobState, Priority, Settlement, Step, Verdict};
use crate::store::columns::written;
use crate::store::queue::close_case::{NewestJob, is_contained, worst_verdict};
use crate::store::queue::sweeps::NextSweep;
use crate::store::queue::{entries, evidence_row};
use crate::store::{Result, StoreError};

/// Decides it. False where it must be done alone.
pub(super) fn decide(
    call: &mut Call<Arc<AttemptEnd>, bool>,
    reading: &mut Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> bool {
    let end = Arc::clone(&call.request);
    let id = end.job.id;
    if writing.changes(id.0) {
        return false;
    }
    let lost = |call: &mut Call<Arc<AttemptEnd>, bool>| {
        call.outcome = Some(Err(StoreError::LeaseLost(id)));
        true
    };
    let Some(row) = reading.ends.remove(&id.0) else {
        return lost(call);
    };
    let standing = row.lease.standing(&end.lease.id, end.is_reserved());
    if standing == Standing::Lost {
        // The attempt that has the job may settle it in the same group.
        reading.ends.insert(id.0, row);
        return lost(call);
    }
    let Settlement::Done(verdict) = &end.settlement else {
        return false;
    };
    let others = reading.other_jobs.remove(&id.0).unwrap_or_default();
    if !is_plain(&end, verdict, &row, &others) {
        return false;
    }
    call.outcome = Some(settle(&end, verdict, (&row, standing), others, reading, writing, group).map(|()| false));
    true
}

/// Whether the end concerns nothing but its job, the next sweep and the verdict of its case.
fn is_plain(end: &AttemptEnd, verdict: &Verdict, row: &EndRow, others: &[(String, NewestJob)]) -> bool {
    let job = &end.job;
    let told = !end.receivers.is_empty() && *verdict == Verdict::Contained;
    let newer = row
        .newest_signal
        .zip(end.evidence.after_signal)
        .is_some_and(|(signal, looked)| signal > looked);
    job.kind != JobKind::Release
        && job.containment.leaked.is_none()
        && end.evidence.principal.is_some()
        && !row.lease.called_off
        && !row.in_ledger
        && !row.unresolved
        && !told
        && !newer
        // What one target's end means for another.
        && (others.is_empty() || end.identity_providers.is_empty())
        // Which of two jobs at one target is the newer, the statement for one says.
        && others.iter().all(|(target, _)| *target != job.target)
        && others.iter().map(|(target, _)| target).collect::<std::collections::BTreeSet<_>>().len() == others.len()
}

fn settle(
    end: &AttemptEnd,
    verdict: &Verdict,
    (row, standing): (&EndRow, Standing),
    others: Vec<(String, NewestJob)>,
    reading: &mut Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> Result<()> {
    let AttemptEnd { job, evidence, .. } = end;
    JobState::Running {
        lease: end.lease.clone(),
    }
    .next(Step::Settle(end.settlement.clone()))?;
    let outcome = written("a verdict", verdict)?;
    let kept = evidence_row::of_attempt(evidence.clone().of_a_job_that_is_over())?;
    let urgent = Priority(row.case_priority).is_urgent();
    let next = NextSweep::after(job, verdict, evidence, (row.sweep, urgent), group.now)?;
    if standing == Standing::Reserved {
        writing.claim(job, &end.lease, group);
    }
    finish(job, &end.finished, reading, writing, group)?;
    writing.settled.push(SettledRow(
        job.id.0,
        job.attempt,
        verdict.word(),
        outcome,
        kept,
        group.now.ms(),
    ));
    group.record(&entries::settled(job, evidence, &end.settlement));
    if let Some(next) = &next {
        let id = group.next_job();
        let next = next.job(job);
        group.record(&entries::enqueued(id, &next));
        writing.jobs.push(JobRow::new(id, &next, group.now));
    }
    let own = NewestJob {
        state: "done".to_owned(),
        verdict: Some(verdict.word().to_owned()),
        nobody: false,
    };
    let jobs: Vec<NewestJob> = others.into_iter().map(|(_, job)| job).chain([own]).collect();
    let Some((worst, _)) = worst_verdict(&jobs) else {
        return Ok(());
    };
    let closes = match row.case_state.as_str() {
        "open" | "held" => true,
        "closed" => row.case_verdict.as_deref() != Some(worst),
        _ => false,
    };
    if !closes {
        return Ok(());
    }
    let now = group.now.ms();
    let contained = if is_contained(worst) {
        row.contained_at.or(Some(now))
    } else {
        row.contained_at
    };
    let first = row.first_revoke_at.or(writing.first_revoke(job.case.0));
    writing.closed.push(CaseRow(job.case.0, worst, now, contained));
    group.record(&entries::case_closed(
        (job.case.0, &job.subject_ref),
        worst,
        row.received_at,
        first,
        contained,
    ));
    Ok(())
}
