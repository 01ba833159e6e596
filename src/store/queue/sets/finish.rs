//! Decides answers: which of the actions were still open, and what their answers change.

use super::hot_mutation::{Call, Finish};
use super::reading::Reading;
use super::writing::{AnswerRow, GroupContext, Writing};
use crate::model::{Action, ActionOutcome, Finished, Job, Timestamp};
use crate::store::Result;
use crate::store::columns::written;
use crate::store::queue::entries;

pub(super) fn decide(call: &mut Call<Finish, ()>, reading: &mut Reading, writing: &mut Writing, group: &mut GroupContext<'_>) {
    call.outcome = Some(finish(&call.request.job, &call.request.finished, reading, writing, group));
}

/// Records answers.
pub(super) fn finish(
    job: &Job,
    finished: &[Finished],
    reading: &mut Reading,
    writing: &mut Writing,
    group: &mut GroupContext<'_>,
) -> Result<()> {
    let requests = finished
        .iter()
        .map(|action| written("the requests of an action", &action.requests))
        .collect::<Result<Vec<String>>>()?;
    let mut first_revoke: Option<Timestamp> = None;
    for (action, requests) in finished.iter().zip(requests) {
        // One that was closed before, as unknown, stays what it was.
        let Some((_, text)) = reading.open_actions.get(&action.id).filter(|(of, _)| *of == job.id.0) else {
            continue;
        };
        group.record(&entries::action_finished(job, action));
        let why = entries::why_failed(action).map(ToOwned::to_owned);
        writing
            .answers
            .push(AnswerRow(action.id, action.outcome.word(), action.at.ms(), requests, why));
        let what: Option<Action> = serde_json::from_str(text).ok();
        reading.open_actions.remove(&action.id);
        if !matches!(action.outcome, ActionOutcome::Done | ActionOutcome::Already) {
            continue;
        }
        if what == Some(Action::ResetPassword) {
            writing.password_resets.push(job.id.0);
        }
        if what.is_some_and(|what| what.revokes()) {
            first_revoke = Some(first_revoke.map_or(action.at, |first| first.min(action.at)));
        }
    }
    if let Some(first) = first_revoke
        && writing.first_revoke(job.case.0).is_none()
    {
        writing.first_revokes.push((job.case.0, first.ms()));
    }
    Ok(())
}
