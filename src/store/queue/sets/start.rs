//! Decides an intent: whether the lease is still the attempt's, and what is recorded before the first request leaves.

use super::hot_mutation::{Call, Start};
use super::reading::{LeaseRow, Reading, Standing};
use super::writing::{GroupContext, StartedRow, Writing};
use crate::model::{JobKind, Started};
use crate::store::columns::written;
use crate::store::queue::{entries, evidence_row};
use crate::store::{Result, StoreError};

/// Decides it. False where it must be done alone.
pub(super) fn decide(
    call: &mut Call<Start, Vec<Started>>,
    reading: &Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> bool {
    let Start { job, lease, actions, .. } = &call.request;
    // A sweep that acts opens its case again.
    if job.kind == JobKind::Sweep && !actions.is_empty() {
        return false;
    }
    // What another mutation of the group makes of the job was not there to be read.
    if writing.changes(job.id.0) {
        return false;
    }
    let standing = |row: &LeaseRow| row.standing(&lease.id, call.request.reserved);
    let found = reading.leases.get(&job.id.0).map(|row| (row, standing(row)));
    let Some((row, standing)) = found.filter(|(_, standing)| *standing != Standing::Lost) else {
        call.outcome = Some(Err(StoreError::LeaseLost(job.id)));
        return true;
    };
    // A release follows on the calling off.
    if row.called_off && job.kind != JobKind::Release {
        call.outcome = Some(Err(StoreError::CalledOff(job.id)));
        return true;
    }
    call.outcome = Some(start(&call.request, standing, writing, group));
    true
}

fn start(request: &Start, standing: Standing, writing: &mut Writing, group: &mut GroupContext<'_>) -> Result<Vec<Started>> {
    let Start { job, actions, seen, .. } = request;
    let evidence = evidence_row::of_attempt(seen.evidence.clone())?;
    let texts = actions
        .iter()
        .map(|action| written("an action", action))
        .collect::<Result<Vec<String>>>()?;
    if standing == Standing::Reserved {
        writing.claim(job, &request.lease, group);
    }
    writing
        .started
        .push(StartedRow(job.id.0, i64::from(!actions.is_empty()), evidence));
    group.record(&entries::observed(job, seen));
    let mut started = Vec::with_capacity(actions.len());
    for intent in actions.iter().zip(texts) {
        started.push(writing.intend(job, Some(&seen.principal), intent, group));
    }
    Ok(started)
}
