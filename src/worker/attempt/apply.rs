//! Applies a batch of actions: the intent of all of them is durable before its first request leaves.

use std::time::Duration;

use tokio::time::Instant;

use super::principal_run::PrincipalRun;
use super::{Attempt, End};
use crate::model::{Access, Action, ActionOutcome, Finished, GrantKind, JobKind, Reason, Timestamp, error_chain};
use crate::store::{ObservationSummary, StoreError};
use crate::targets::{Applied, Remedy, TargetError};
use crate::telemetry::table;

/// After how many failures in a row the rest of a batch is not sent: the target itself is in trouble.
const STRIKES: u32 = 2;
/// How often a batch looks whether its case was called off: whoever does that is another process, and only the file tells.
const LOOK: Duration = Duration::from_millis(100);

impl Attempt<'_> {
    /// Sends the actions in order, after one commit for all of them. One that fails does not keep the others back, unless its remedy stands
    /// in the way of all.
    pub(super) async fn apply_all(&mut self, run: &mut PrincipalRun<'_>, actions: Vec<Action>) -> Result<(), End> {
        if actions.is_empty() {
            return Ok(());
        }
        let mut strikes = 0;
        let stored = self.intended.as_ref().map(|stored| &stored.action);
        match actions.iter().position(|action| Some(action) == stored) {
            Some(place) if self.finished.is_empty() => self.send_intended(run, place, actions, &mut strikes).await?,
            place => self.record_in_turn(run, place, actions).await?,
        }
        // The commit of the intent was such a look, so that the first change never waits for one.
        let mut looked = Instant::now();
        while let Some(started) = self.open.front() {
            let action = started.action.clone();
            if looked.elapsed() >= LOOK {
                self.check_not_called_off().await?;
                looked = Instant::now();
            }
            self.sending = true;
            let answer = self.send(run, &action).await;
            self.take_answer(run, &action, answer, &mut strikes)?;
        }
        Ok(())
    }

    /// Makes the intents durable, all but the one at `place`, which was stored with the job: it keeps its turn.
    async fn record_in_turn(&mut self, run: &PrincipalRun<'_>, place: Option<usize>, mut actions: Vec<Action>) -> Result<(), End> {
        if let Some(place) = place {
            actions.remove(place);
        }
        self.record_intents(run, actions).await?;
        if let Some((place, stored)) = place.zip(self.intended.take_if(|_| place.is_some())) {
            self.open.insert(place, stored);
        }
        Ok(())
    }

    /// Sends the action at `place`, whose intent was stored with the job, before anything else, and meanwhile records what was seen, and the
    /// intents of the others.
    async fn send_intended(
        &mut self,
        run: &mut PrincipalRun<'_>,
        place: usize,
        mut actions: Vec<Action>,
        strikes: &mut u32,
    ) -> Result<(), End> {
        if !self.claim.is_committed().await {
            return Err(End::Store(StoreError::LeaseLost(self.job().id)));
        }
        if self.began.elapsed() >= LOOK {
            self.check_not_called_off().await?;
        }
        let action = actions[place].clone();
        // Sent before what can make new sessions, the end of all sessions is sent once more in its turn.
        if place == 0 {
            actions.remove(0);
        }
        self.open.extend(self.intended.take());
        self.sending = true;
        let seen = self.seen(run);
        let (answer, others) = tokio::join!(self.apply(run, &action), self.context.store.start(self.claim, actions, seen));
        let taken = self.take_answer(run, &action, answer, strikes);
        self.open = others.map_err(stopped)?.into();
        taken
    }

    /// What the answer to an action means. Fails where it stands in the way of all the rest.
    fn take_answer(
        &mut self,
        run: &mut PrincipalRun<'_>,
        action: &Action,
        answer: Result<Applied, End>,
        strikes: &mut u32,
    ) -> Result<(), End> {
        // Also where no answer came: the target may have made the change.
        let cuts_off = run.cuts_off(action);
        run.freshness.note_change(action, cuts_off);
        match answer {
            Ok(applied) => {
                *strikes = 0;
                let at = self.answered(&applied);
                for note in applied.notes {
                    self.evidence.note(note);
                }
                // A target whose answers are not dated is taken to have our time.
                run.progress.acted_at.note(action, at, applied.sent_at.unwrap_or(at));
                self.keep_acted_at(run);
                self.take_effect(run, action, at);
            }
            Err(End::Failed(error)) => {
                if error.remedy == Remedy::Retry {
                    self.note_unknown(run, action);
                }
                self.failed(run, action, &error);
                *strikes += u32::from(error.remedy == Remedy::Retry);
                let stop = matches!(error.remedy, Remedy::Pause | Remedy::RetryAfter(_)) || *strikes >= STRIKES;
                if stop {
                    return Err(End::Failed(error));
                }
            }
            Err(end) => {
                self.note_unknown(run, action);
                return Err(end);
            }
        }
        Ok(())
    }

    /// No answer came: the target may have made the change, and what it issued until now may live on.
    fn note_unknown(&mut self, run: &mut PrincipalRun<'_>, action: &Action) {
        let now = self.context.store.clock().now();
        run.progress.acted_at.note_unknown(action, now);
        self.keep_acted_at(run);
    }

    fn keep_acted_at(&mut self, run: &PrincipalRun<'_>) {
        let acted = run.progress.acted_at.clone();
        self.evidence.acted_at.insert(run.principal.id.clone(), acted);
    }

    /// Fails where the case was called off since: the rest of the batch is not sent.
    async fn check_not_called_off(&self) -> Result<(), End> {
        // A release follows on the calling off.
        if self.job().kind == JobKind::Release {
            return Ok(());
        }
        match self.context.store.called_off(self.job().case).await {
            Ok(true) => Err(End::CalledOff),
            Ok(false) => Ok(()),
            Err(error) => {
                // What was to be revoked is revoked all the same; the next commit looks again.
                tracing::warn!(error = %error_chain(&error), "could not look whether the case was called off");
                Ok(())
            }
        }
    }

    async fn send(&mut self, run: &PrincipalRun<'_>, action: &Action) -> Result<Applied, End> {
        if let (Action::EndLeaked { .. }, Some(credential)) = (action, &self.credential) {
            let ended = self
                .call(self.context.target.end_leaked(&self.call_context, credential, run.principal))
                .await?;
            self.evidence.saw_ended(ended.grants);
            return Ok(ended.applied);
        }
        self.apply(run, action).await
    }

    async fn apply(&self, run: &PrincipalRun<'_>, action: &Action) -> Result<Applied, End> {
        let principals = std::slice::from_ref(run.principal);
        self.call(self.context.target.apply(&self.call_context, action, principals))
            .await
    }

    fn seen(&self, run: &PrincipalRun<'_>) -> ObservationSummary {
        ObservationSummary {
            principal: run.principal.id.clone(),
            counts: run.access.counts(),
            suspended: run.access.suspended(),
            evidence: self.evidence.clone(),
        }
    }

    /// Makes the intent durable, and in the same group commit what came of the batch before.
    async fn record_intents(&mut self, run: &PrincipalRun<'_>, actions: Vec<Action>) -> Result<(), End> {
        if self.context.hard.is_cancelled() {
            return Err(End::Interrupted);
        }
        let seen = self.seen(run);
        // Neither write is ever dropped half-way: the attempt is only cut off at calls to the target.
        let store = self.context.store;
        let started = if self.finished.is_empty() {
            store.start(self.claim, actions, seen).await
        } else {
            let (finished, started) = tokio::join!(
                store.finish(self.claim, self.finished.clone()),
                store.start(self.claim, actions, seen)
            );
            if finished.is_ok() {
                self.finished.clear();
            }
            started
        };
        self.open = started.map_err(stopped)?.into();
        Ok(())
    }

    /// Ends the action in hand, and gives the time at which it ended.
    fn close(&mut self, outcome: ActionOutcome, requests: Vec<String>) -> Timestamp {
        self.sending = false;
        let at = self.context.store.clock().now();
        if let Some(started) = self.open.pop_front() {
            self.finished.push(Finished {
                id: started.id,
                outcome,
                requests,
                at,
            });
        }
        at
    }

    fn answered(&mut self, applied: &Applied) -> Timestamp {
        let outcome = if applied.already {
            ActionOutcome::Already
        } else {
            ActionOutcome::Done
        };
        self.close(outcome, applied.requests.clone())
    }

    fn failed(&mut self, run: &mut PrincipalRun<'_>, action: &Action, error: &TargetError) {
        let text = error.to_string();
        self.close(ActionOutcome::Failed(text.clone()), error.request.iter().cloned().collect());
        match error.remedy {
            Remedy::GiveUp => self.refused.push((action.clone(), text)),
            // An observation shows a grant or a suspension; it does not show these.
            _ if is_unseen(action) && !run.unconfirmed.contains(action) => run.unconfirmed.push(action.clone()),
            _ => {}
        }
    }

    /// What an accepted action changes in what is known. The second observation decides; this only keeps the next batch from repeating it.
    fn take_effect(&mut self, run: &mut PrincipalRun<'_>, action: &Action, at: Timestamp) {
        run.progress.acted = true;
        run.unconfirmed.retain(|owed| owed != action);
        if action.revokes() && self.evidence.first_revoke_at.is_none() {
            self.evidence.first_revoke_at = Some(at);
            self.measure_first_revoke(at.since(self.job().received_at));
        }
        match action {
            Action::Suspend => {
                run.suspend_sent = true;
                self.evidence.suspensions.remove(&run.principal.id);
                // What was ended before the account was blocked is ended again after it.
                run.progress.sessions_ended = false;
                run.progress.ended_all.clear();
            }
            Action::ResetPassword => {
                run.progress.password_reset = true;
                run.progress.sessions_ended = false;
                run.progress.ended_all.clear();
                self.evidence.password_reset_at = Some(at);
            }
            Action::EndAllSessions => {
                run.progress.sessions_ended = !self.block_is_awaited(run);
                forget(run, |access, name| {
                    is_session(name.kind) && access.listed.contains(&name.kind)
                });
            }
            Action::EndAll { kind } => {
                if !self.block_is_awaited(run) {
                    run.progress.ended_all.insert(*kind);
                }
                forget(run, |_, name| name.kind == *kind);
            }
            Action::End { grant } => end_known(run, std::slice::from_ref(grant)),
            Action::EndMany { grants } => end_known(run, grants),
            Action::Disable { grant } => {
                for listed in run.access.grants.iter_mut().filter(|listed| listed.name == *grant) {
                    listed.enabled = false;
                }
                run.reported_ended.insert(grant.clone());
            }
            // The next trial of the credential decides.
            Action::EndLeaked { .. } | Action::ClearCaches | Action::Silence | Action::Release => {}
        }
    }

    /// Whether a block is demanded that no observation has confirmed and that may still come: sessions ended now must be ended again.
    fn block_is_awaited(&self, run: &PrincipalRun<'_>) -> bool {
        let refused = self.refused.iter().any(|(action, _)| *action == Action::Suspend);
        self.job().containment.blocks() && self.capabilities().suspends && !refused && !run.access.suspended()
    }

    fn measure_first_revoke(&self, after: Duration) {
        let job = self.job();
        // A departure is received long before it is due, and a retry or a sweep is not first.
        if job.kind == JobKind::Contain && !job.acted && job.reason != Reason::Departed {
            table::FIRST_REVOKE_SECONDS.observe([&job.target], after.as_secs_f64());
        }
    }
}

/// What a refused intent means.
pub(super) fn stopped(error: StoreError) -> End {
    match error {
        StoreError::CalledOff(_) => End::CalledOff,
        error => End::Store(error),
    }
}

/// The target said that these have ended.
fn end_known(run: &mut PrincipalRun<'_>, ended: &[crate::model::GrantRef]) {
    forget(run, |_, name| ended.contains(name));
    run.reported_ended.extend(ended.iter().cloned());
}

/// Takes grants out of what is known to be alive.
fn forget(run: &mut PrincipalRun<'_>, which: impl Fn(&Access, &crate::model::GrantRef) -> bool) {
    let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut run.access.grants)
        .into_iter()
        .partition(|grant| which(&run.access, &grant.name));
    run.access.grants = kept;
    run.reported_ended.extend(gone.into_iter().map(|grant| grant.name));
}

const fn is_session(kind: GrantKind) -> bool {
    matches!(kind, GrantKind::Session | GrantKind::OauthGrant)
}

/// Whether no observation shows what this did.
const fn is_unseen(action: &Action) -> bool {
    matches!(
        action,
        Action::ClearCaches | Action::Silence | Action::ResetPassword | Action::EndAllSessions | Action::EndAll { .. }
    )
}
