//! Contains one principal: block the account, revoke its grants, verify, repeat.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::freshness::Freshness;
use super::principal_run::PrincipalRun;
use super::unreached::unreached;
use super::verify::Verification;
use super::{Attempt, End};
use crate::model::{Access, Action, Capabilities, GrantKind, JobKind, Principal, Progress, Reason, Scope, Verdict};
use crate::targets::{AttemptStage, ObservationRequest, Remedy, TargetError};

impl Attempt<'_> {
    /// Leads one principal to the demanded state.
    pub(super) async fn contain(&mut self, principal: &Principal) -> Result<Verdict, End> {
        let verdict = self.contain_one(principal).await;
        // A note for all: the plan would have had it, were it not for whom it is about.
        if let Some((_, why)) = self.refused.iter().find(|(action, _)| *action == Action::ResetPassword)
            && self.job().containment.scope == Scope::Everything
            && principal.account.own_password
        {
            self.evidence.note(format!("the password was not reset: {why}"));
        }
        verdict
    }

    async fn contain_one(&mut self, principal: &Principal) -> Result<Verdict, End> {
        let sweep = self.job().kind == JobKind::Sweep;
        let containment = self.claim.job.containment.clone();
        let able = self.capabilities();
        let kinds = containment.kinds(&able);
        // A sweep needs the whole picture at once, since it ends here when nothing came back.
        let mut first = if sweep {
            kinds.clone()
        } else {
            containment.first_kinds(&able)
        };
        if first.is_empty() {
            first.clone_from(&kinds);
        }
        let mut unlooked: BTreeSet<GrantKind> = kinds.difference(&first).copied().collect();
        if containment.scope == Scope::AllSessions {
            // Not to be ended: to say what makes the next session.
            first.insert(GrantKind::AccessToken);
        }
        let mut freshness = Freshness::new(self.looks_from());
        let ask = freshness.ask(first, false);
        let began = self.context.store.clock().now();
        self.evidence.looked_from.get_or_insert(began);
        let (seen, missing) = self.first_look(principal, &ask).await?;
        freshness.note_reading(&ask, Instant::now());
        let mut run = PrincipalRun::of(principal, Access::empty(seen.at), freshness);
        run.session_sources = containment.session_sources(&seen);
        run.progress = Progress {
            // A sweep ends what it finds and repeats nothing else; a password that a human has set since stays.
            sessions_ended: sweep,
            ended_all: self.not_to_be_ended_again(able),
            acted_at: self.evidence.acted_at.get(&principal.id).cloned().unwrap_or_default(),
            password_reset: sweep || self.job().password_reset,
            // A sweep looks after what an earlier job has ended.
            acted: sweep || self.job().acted,
            leaked_is_alive: self.credential.is_some() && self.evidence.refused_at.is_none(),
        };
        if self.job().acted && !sweep && kinds.contains(&GrantKind::Session) {
            // An attempt before this one may have ended sessions and died before it cleared up behind them.
            run.unconfirmed = self.capabilities().after_sessions;
        }
        self.take_in_first(&mut run, seen);
        // Where a part did not answer, nothing is said of the whole; what came back elsewhere is ended below.
        if sweep && missing.is_none() {
            if self.is_enabled_by_somebody(&run) {
                self.evidence.enabled_again = true;
                return Err(End::EnabledAgain);
            }
            let plan = self.plan(&run);
            if plan.is_empty() {
                return self.verdict_at_once(&run);
            }
            let able = self.capabilities();
            let blind = |action: &Action| matches!(action, Action::EndAll { kind } if !able.lists.contains(kind));
            // What no list shows is ended once more; whether anything had come back, nobody knows.
            if !plan.iter().all(blind) {
                self.note_comeback(&run);
                // Somebody is inside again: that is as urgent as the case was in the first place.
                self.call_context = self.call_context.at(self.job().reason.priority().min(self.job().priority));
            }
        }
        if let Some(error) = missing {
            // What can be seen is ended now, and what cannot is a failure of the attempt all the same: the next one looks again.
            self.block_account(&mut run).await?;
            self.revoke_grants(&mut run).await?;
            return Err(End::Failed(error));
        }
        let mut left = String::new();
        for _ in 0..self.context.attempt_limits.rounds {
            self.block_account(&mut run).await?;
            self.revoke_grants(&mut run).await?;
            if !unlooked.is_empty() {
                self.call_context = self.call_context.stage(AttemptStage::Rest);
                let ask = run.freshness.ask(std::mem::take(&mut unlooked), false);
                let later = self.look(&mut run, &ask).await?;
                let missing = unreached(&later);
                self.take_in_first(&mut run, later);
                self.revoke_grants(&mut run).await?;
                if let Some(error) = missing {
                    return Err(End::Failed(error));
                }
            }
            self.call_context = self.call_context.stage(AttemptStage::Verify);
            match self.verify(&mut run, &kinds).await? {
                Verification::Holds(verdict) => {
                    self.over.push(run.observed);
                    return Ok(verdict);
                }
                Verification::Unrevocable(what) => return Err(End::Unrevocable(what)),
                Verification::StillPresent(what) => {
                    self.evidence.note(format!("one round did not do it: {what}"));
                    left = what;
                }
            }
        }
        Err(End::StillPresent(format!(
            "after {} rounds {left}",
            self.context.attempt_limits.rounds
        )))
    }

    /// The first look. Where the kinds cannot be listed together each is tried alone, and one list that is broken does not keep an intruder
    /// in by all the others; what was missing comes along as the error. A sweep needs the whole picture and takes no part of it.
    async fn first_look(&mut self, principal: &Principal, ask: &ObservationRequest) -> Result<(Access, Option<TargetError>), End> {
        let error = match self.observe(principal, ask).await {
            Err(End::Failed(error)) => error,
            other => {
                return other.map(|seen| {
                    let missing = unreached(&seen);
                    (seen, missing)
                });
            }
        };
        if error.remedy != Remedy::Retry || ask.kinds.len() < 2 || self.job().kind == JobKind::Sweep {
            return Err(End::Failed(error));
        }
        let mut seen: Option<Access> = None;
        for kind in &ask.kinds {
            let alone = ObservationRequest {
                kinds: [*kind].into(),
                ..ask.clone()
            };
            match self.observe(principal, &alone).await {
                Ok(part) => match &mut seen {
                    Some(seen) => seen.merge(part),
                    None => seen = Some(part),
                },
                Err(End::Failed(_)) => {}
                Err(end) => return Err(end),
            }
        }
        let Some(seen) = seen else { return Err(End::Failed(error)) };
        self.evidence.note(format!("only a part could be listed: {error}"));
        Ok((seen, Some(error)))
    }

    /// Takes in a first look at kinds that were not looked at before.
    fn take_in_first(&mut self, run: &mut PrincipalRun<'_>, seen: Access) {
        run.before.merge(seen.clone());
        self.take_in(run, seen);
    }

    /// Takes in an observation.
    pub(super) fn take_in(&mut self, run: &mut PrincipalRun<'_>, mut seen: Access) {
        // What somebody else's suspension took along was not ended by us.
        let ours = run.suspend_sent || (self.job().acted && self.evidence.before_at.is_some() && !self.evidence.suspended.0);
        if !ours {
            seen.ended_with_suspension.clear();
        }
        if let Some(at) = seen
            .account
            .suspended_at
            .filter(|_| ours && seen.suspended() && self.job().containment.blocks())
        {
            // As it was first seen: somebody may enable the account and suspend it again.
            self.evidence.suspensions.entry(run.principal.id.clone()).or_insert(at);
        }
        run.observed.merge(seen.clone());
        run.access.merge(seen.clone());
        self.merge_evidence(&seen, &run.observed);
        for door in &run.session_sources {
            if !self.evidence.doors.contains(door) {
                self.evidence.doors.push(door.clone());
            }
        }
        self.note_block(run);
    }

    /// Lists what the principal can reach.
    pub(super) async fn observe(&self, principal: &Principal, ask: &ObservationRequest) -> Result<Access, End> {
        let known = self.looked_after.load(Ordering::Relaxed);
        self.looked_after
            .store(self.context.store.newest_signal().max(known), Ordering::Relaxed);
        self.call(self.context.target.observe(&self.call_context, principal, ask))
            .await
    }

    /// Observes, and notes that it did.
    pub(super) async fn look(&self, run: &mut PrincipalRun<'_>, ask: &ObservationRequest) -> Result<Access, End> {
        let asked = Instant::now();
        // As it was last seen: whether it is suspended by now says which bots went with it.
        let principal = Principal {
            account: run.observed.account.clone(),
            ..run.principal.clone()
        };
        let seen = self.observe(&principal, ask).await?;
        run.freshness.note_reading(ask, asked);
        Ok(seen)
    }

    /// What the target can do; richer perhaps than a moment ago, since it learns its server's version from the answers.
    pub(super) fn capabilities(&self) -> Capabilities {
        self.context.target.capabilities()
    }

    /// Everything that is still to be done, less what is refused for good.
    pub(super) fn plan(&self, run: &PrincipalRun<'_>) -> Vec<Action> {
        let mut actions = run.plan(&self.claim.job.containment, &self.capabilities());
        actions.retain(|action| !self.refused.iter().any(|(refused, _)| refused == action));
        actions
    }

    /// Carries out the plan without the account block: what an intruder acts with before anybody else's rest, the rest after it.
    async fn revoke_grants(&mut self, run: &mut PrincipalRun<'_>) -> Result<(), End> {
        let mut actions = self.plan(run);
        actions.retain(|action| !blocks_account(action));
        let stage = if actions.iter().any(Action::cuts_off) {
            AttemptStage::CutOff
        } else {
            AttemptStage::Rest
        };
        self.call_context = self.call_context.stage(stage);
        self.apply_all(run, actions).await
    }

    /// Suspends the account or changes its password where the plan says so, and looks whether a suspension holds, so that what is revoked
    /// next is revoked of a blocked account. A block that the target does not show in time holds nothing up: the rest is revoked
    /// anyway, and again in the next round.
    async fn block_account(&mut self, run: &mut PrincipalRun<'_>) -> Result<(), End> {
        let mut block = self.plan(run);
        block.retain(blocks_account);
        if block.is_empty() {
            return Ok(());
        }
        self.call_context = self.call_context.stage(AttemptStage::CutOff);
        let suspends = block.contains(&Action::Suspend);
        self.apply_all(run, block).await?;
        if !suspends || !run.suspend_sent {
            // No look shows a password.
            return Ok(());
        }
        for wait in std::iter::once(None).chain(self.context.attempt_limits.recheck_delays.iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(*wait).await?;
            }
            let ask = run.freshness.ask(BTreeSet::new(), true);
            let seen = self.look(run, &ask).await?;
            self.take_in(run, seen);
            if run.access.suspended() {
                break;
            }
        }
        Ok(())
    }

    /// Notes when an observation first showed the block.
    pub(super) fn note_block(&mut self, run: &PrincipalRun<'_>) {
        // That it still stands shows a sweep no new block.
        let ours = self.job().kind != JobKind::Sweep || run.suspend_sent;
        if ours && run.observed.suspended() && self.claim.job.containment.blocks() && self.evidence.blocked_at.is_none() {
            self.evidence.blocked_at = Some(run.observed.at);
        }
    }

    /// Whether a sweep finds an account enabled that was suspended, and nothing but a decision here explains it. A compromise goes on ending
    /// what comes back, and so does whoever is to be kept out.
    fn is_enabled_by_somebody(&self, run: &PrincipalRun<'_>) -> bool {
        let job = self.job();
        let now = self.context.store.clock().now();
        let kept_out = job.contained_at.is_some_and(|since| job.containment.keeps_out(since, now));
        let by_sign_in = run.access.account.revived_elsewhere;
        // The approval of the case itself was of another matter.
        let asked_already = job.approved && self.evidence.enabled_again;
        job.containment.blocks()
            // Where no account can be suspended, this one never was.
            && self.capabilities().suspends
            && !run.access.suspended()
            && job.reason != Reason::Compromised
            && !asked_already
            // Single sign-on may have enabled it until the provider's block.
            && !job.evidence.after_block
            && !kept_out
            && !by_sign_in
            // What was spared was never suspended.
            && !self.refused.iter().any(|(action, _)| *action == Action::Suspend)
    }

    /// The kinds that one call ends whole and that are not to be ended so again before something is found: a sweep ends what it finds. What no
    /// list shows is ended once more after an identity provider's block, since single sign-on may have brought somebody back until then.
    fn not_to_be_ended_again(&self, able: Capabilities) -> BTreeSet<GrantKind> {
        match self.job().kind {
            JobKind::Sweep if self.job().evidence.after_block => {
                able.ends_all.into_iter().filter(|kind| able.lists.contains(kind)).collect()
            }
            JobKind::Sweep => able.ends_all,
            _ => BTreeSet::new(),
        }
    }

    /// From when on a shared reading counts. Since a sweep has changed nothing yet, one counts for it that began once its time had come.
    fn looks_from(&self) -> Instant {
        let now = Instant::now();
        let due = self.job().looks_from().filter(|_| self.job().kind == JobKind::Sweep);
        let waited = due.map_or(Duration::ZERO, |due| self.context.store.clock().now().since(due));
        now.checked_sub(waited).unwrap_or(now)
    }

    /// What a sweep found although it had been contained.
    fn note_comeback(&mut self, run: &PrincipalRun<'_>) {
        let containment = &self.claim.job.containment;
        let mut back: Vec<String> = Vec::new();
        if containment.blocks() && self.capabilities().suspends && !run.access.suspended() {
            back.push("the account was active again".to_owned());
        }
        let kinds = containment.kinds(&self.capabilities());
        for (kind, count) in run
            .access
            .counts()
            .into_iter()
            .filter(|(kind, count)| *count > 0 && kinds.contains(kind))
        {
            let newest = run.access.of(kind).filter_map(|grant| grant.created_at).max();
            back.push(newest.map_or_else(
                || format!("{count} {kind}"),
                |at| format!("{count} {kind} (the newest made at {at})"),
            ));
        }
        self.evidence.came_back = true;
        self.evidence.note(format!("came back: {}", back.join(", ")));
    }
}

fn blocks_account(action: &Action) -> bool {
    matches!(action, Action::Suspend | Action::ResetPassword)
}
