//! Decides a mutation of a group by what was read for all of it.

use super::hot_mutation::HotMutation;
use super::reading::Reading;
use super::writing::{GroupContext, Writing};
use super::{accept, claim, finish, settle, start};

/// Decides it, where what was read is enough. False where it must be done alone.
pub(in crate::store) fn decide(
    mutation: &mut HotMutation,
    reading: &mut Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> bool {
    // What one job changes in its case is not in what was read for another.
    if let Some((case, job)) = mutation.about()
        && *writing.touched.entry(case).or_insert(job) != job
    {
        return false;
    }
    match mutation {
        HotMutation::Accept(call) => accept::decide(call, &mut reading.people, writing, group),
        HotMutation::Claim(call) => claim::decide(call, reading, writing, group),
        HotMutation::Start(call) => start::decide(call, reading, writing, group),
        HotMutation::Finish(call) => {
            finish::decide(call, reading, writing, group);
            true
        }
        HotMutation::Settle(call) => settle::decide(call, reading, writing, group),
    }
}
