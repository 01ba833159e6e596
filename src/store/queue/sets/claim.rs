//! Decides the lease of a job that was reserved.

use super::hot_mutation::{Call, ClaimRequest};
use super::reading::{Reading, Standing};
use super::writing::{GroupContext, Writing};

/// Decides it. False where it must be done alone.
pub(super) fn decide(
    call: &mut Call<ClaimRequest, ()>,
    reading: &Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> bool {
    let ClaimRequest { job, lease } = &call.request;
    if writing.changes(job.id.0) {
        return false;
    }
    let row = reading.leases.get(&job.id.0);
    if row.is_some_and(|row| row.standing(&lease.id, true) == Standing::Reserved) {
        writing.claim(job, lease, group);
    }
    call.outcome = Some(Ok(()));
    true
}
