//! One principal: the door, the room, and the way round again.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::looks::Looks;
use super::proof::Proof;
use super::{Attempt, End};
use crate::model::{
    Access, Action, Capabilities, Containment, Door, GrantKind, GrantRef, JobKind, Principal, Progress, Reason, Scope, Verdict,
};
use crate::targets::{Ask, Remedy, Stage, TargetError};

/// What is known about one principal while it is being contained.
pub(super) struct Room<'a> {
    pub(super) principal: &'a Principal,
    /// What it could reach before the first action.
    pub(super) before: Access,
    /// What the last observations of everything showed.
    pub(super) observed: Access,
    /// What it can reach now, as far as is known: what was observed less what was ended since.
    pub(super) access: Access,
    pub(super) looks: Looks,
    pub(super) progress: Progress,
    /// Actions that failed and whose effect no observation shows: they stay in the plan until they work.
    pub(super) owed: Vec<Action>,
    /// What the target said it ended. When it is listed again, the list lags.
    pub(super) gone: BTreeSet<GrantRef>,
    /// The target accepted a suspension.
    pub(super) shut: bool,
    /// What would make a session again although it is none of the case's business.
    makers: Vec<Door>,
}

impl<'a> Room<'a> {
    /// A principal of whom nothing is to be ended.
    pub(super) fn of(principal: &'a Principal, seen: Access, looks: Looks) -> Self {
        Self {
            principal,
            before: seen.clone(),
            observed: seen.clone(),
            access: seen,
            looks,
            progress: Progress::default(),
            owed: Vec::new(),
            gone: BTreeSet::new(),
            shut: false,
            makers: Vec::new(),
        }
    }

    /// The actions that lead from what is known to the demanded state.
    fn plan(&self, containment: &Containment, able: &Capabilities) -> Vec<Action> {
        let mut actions = containment.plan(&self.access, able, self.progress);
        for owed in &self.owed {
            if !actions.contains(owed) {
                actions.push(owed.clone());
            }
        }
        actions
    }

    /// Whether what an action ends could act until then. A token of a bot that went with its owner's suspension could not.
    pub(super) fn cuts_off(&self, action: &Action) -> bool {
        let bot = match action {
            Action::End { grant } if grant.kind == GrantKind::BotToken => grant.parent.as_ref(),
            _ => None,
        };
        let gone = |bot: &String| self.access.ended_with_suspension.iter().any(|gone| gone.id == *bot);
        action.cuts_off() && !bot.is_some_and(gone)
    }
}

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
        let watch = self.job().kind == JobKind::Sweep;
        let containment = self.claim.job.containment.clone();
        let kinds = containment.kinds();
        // A sweep needs the whole picture at once, since it ends here when nothing came back.
        let mut first = if watch { kinds.clone() } else { containment.first_kinds() };
        if first.is_empty() {
            first.clone_from(&kinds);
        }
        let mut unlooked: BTreeSet<GrantKind> = kinds.difference(&first).copied().collect();
        if containment.scope == Scope::AllSessions {
            // Not to be ended: to say what makes the next session.
            first.insert(GrantKind::AccessToken);
        }
        let mut looks = Looks::new(self.looks_from());
        let ask = looks.ask(first, false);
        let (seen, missing) = self.first_look(principal, &ask).await?;
        looks.looked(&ask, Instant::now());
        let mut room = Room::of(principal, Access::empty(seen.at), looks);
        room.makers = containment.makers(&seen);
        room.progress = Progress {
            // A sweep ends what it finds and repeats nothing else; a password that a human has set since stays.
            swept: watch,
            password_reset: watch || self.job().password_reset,
            // A sweep looks after what an earlier job has ended.
            acted: watch || self.job().acted,
            leaked_is_alive: self.credential.is_some() && self.evidence.refused_at.is_none(),
        };
        if self.job().acted && !watch && kinds.contains(&GrantKind::Session) {
            // An attempt before this one may have ended sessions and died before it cleared up behind them.
            room.owed = self.able().after_sessions;
        }
        self.take_in_first(&mut room, seen);
        if watch {
            if self.is_enabled_by_somebody(&room) {
                self.evidence.enabled_again = true;
                return Err(End::EnabledAgain);
            }
            if self.plan(&room).is_empty() {
                return self.verdict_at_once(&room);
            }
            self.note_comeback(&room);
            // Somebody is inside again: that is as urgent as the case was in the first place.
            self.call_context = self.call_context.at(self.job().reason.priority().min(self.job().priority));
        }
        if let Some(error) = missing {
            // What can be seen is ended now, and what cannot is a failure of the attempt all the same: the next one looks again.
            self.shut_the_door(&mut room).await?;
            self.clear_the_room(&mut room).await?;
            return Err(End::Failed(error));
        }
        let mut left = String::new();
        for _ in 0..self.context.attempt_limits.rounds {
            self.shut_the_door(&mut room).await?;
            self.clear_the_room(&mut room).await?;
            if !unlooked.is_empty() {
                self.call_context = self.call_context.stage(Stage::Rest);
                let ask = room.looks.ask(std::mem::take(&mut unlooked), false);
                let later = self.look(&mut room, &ask).await?;
                self.take_in_first(&mut room, later);
                self.clear_the_room(&mut room).await?;
            }
            self.call_context = self.call_context.stage(Stage::Proof);
            match self.prove(&mut room, &kinds).await? {
                Proof::Holds(verdict) => {
                    self.over.push(room.observed);
                    return Ok(verdict);
                }
                Proof::Hopeless(what) => return Err(End::Hopeless(what)),
                Proof::Remains(what) => {
                    self.evidence.note(format!("one round did not do it: {what}"));
                    left = what;
                }
            }
        }
        Err(End::Remains(format!(
            "after {} rounds {left}",
            self.context.attempt_limits.rounds
        )))
    }

    /// The first look. Where the kinds cannot be listed together each is tried alone, and one list that is broken does not keep an intruder
    /// in by all the others; what was missing comes along as the error. A sweep needs the whole picture and takes no part of it.
    async fn first_look(&mut self, principal: &Principal, ask: &Ask) -> Result<(Access, Option<TargetError>), End> {
        let error = match self.observe(principal, ask).await {
            Err(End::Failed(error)) => error,
            other => return other.map(|seen| (seen, None)),
        };
        if error.remedy != Remedy::Retry || ask.kinds.len() < 2 || self.job().kind == JobKind::Sweep {
            return Err(End::Failed(error));
        }
        let mut seen: Option<Access> = None;
        for kind in &ask.kinds {
            let alone = Ask {
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
    fn take_in_first(&mut self, room: &mut Room<'_>, seen: Access) {
        room.before.merge(seen.clone());
        self.take_in(room, seen);
    }

    /// Takes in an observation.
    pub(super) fn take_in(&mut self, room: &mut Room<'_>, mut seen: Access) {
        // What somebody else's suspension took along was not ended by us.
        let ours = room.shut || (self.job().acted && self.evidence.before_at.is_some() && !self.evidence.suspended.0);
        if !ours {
            seen.ended_with_suspension.clear();
        }
        if let Some(at) = seen
            .account
            .suspended_at
            .filter(|_| ours && seen.suspended() && self.job().containment.blocks())
        {
            // As it was first seen: somebody may enable the account and suspend it again.
            self.evidence.suspensions.entry(room.principal.id.clone()).or_insert(at);
        }
        room.observed.merge(seen.clone());
        room.access.merge(seen.clone());
        self.note_look(&seen, &room.observed);
        for door in &room.makers {
            if !self.evidence.doors.contains(door) {
                self.evidence.doors.push(door.clone());
            }
        }
        self.note_block(&room.observed);
    }

    /// Lists what the principal can reach.
    pub(super) async fn observe(&self, principal: &Principal, ask: &Ask) -> Result<Access, End> {
        self.call(self.context.target.observe(&self.call_context, principal, ask))
            .await
    }

    /// Observes, and notes that it did.
    pub(super) async fn look(&self, room: &mut Room<'_>, ask: &Ask) -> Result<Access, End> {
        let asked = Instant::now();
        // As it was last seen: whether it is suspended by now says which bots went with it.
        let principal = Principal {
            account: room.observed.account.clone(),
            ..room.principal.clone()
        };
        let seen = self.observe(&principal, ask).await?;
        room.looks.looked(ask, asked);
        Ok(seen)
    }

    /// What the target can do; richer perhaps than a moment ago, since it learns its server's version from the answers.
    pub(super) fn able(&self) -> Capabilities {
        self.context.target.capabilities()
    }

    /// Everything that is still to be done, less what is refused for good.
    pub(super) fn plan(&self, room: &Room<'_>) -> Vec<Action> {
        let mut actions = room.plan(&self.claim.job.containment, &self.able());
        actions.retain(|action| !self.refused.iter().any(|(refused, _)| refused == action));
        actions
    }

    /// Carries out the plan without the door: what an intruder acts with before anybody else's rest, the rest after it.
    async fn clear_the_room(&mut self, room: &mut Room<'_>) -> Result<(), End> {
        let mut actions = self.plan(room);
        actions.retain(|action| !is_door(action));
        let stage = if actions.iter().any(Action::cuts_off) {
            Stage::Cut
        } else {
            Stage::Rest
        };
        self.call_context = self.call_context.stage(stage);
        self.wave(room, actions).await
    }

    /// Suspends the account or changes its password where the plan says so, and looks whether a suspension holds, so that what is revoked
    /// next is revoked behind a closed door. A block that the target does not show in time keeps nobody in the room: the rest is revoked
    /// anyway, and again in the next round.
    async fn shut_the_door(&mut self, room: &mut Room<'_>) -> Result<(), End> {
        let mut door = self.plan(room);
        door.retain(is_door);
        if door.is_empty() {
            return Ok(());
        }
        self.call_context = self.call_context.stage(Stage::Cut);
        let suspends = door.contains(&Action::Suspend);
        self.wave(room, door).await?;
        if !suspends || !room.shut {
            // No look shows a password.
            return Ok(());
        }
        for wait in std::iter::once(None).chain(self.context.attempt_limits.recheck_delays.iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(*wait).await?;
            }
            let ask = room.looks.ask(BTreeSet::new(), true);
            let seen = self.look(room, &ask).await?;
            self.take_in(room, seen);
            if room.access.suspended() {
                break;
            }
        }
        Ok(())
    }

    /// Notes when an observation first showed the block.
    pub(super) fn note_block(&mut self, access: &Access) {
        if access.suspended() && self.claim.job.containment.blocks() && self.evidence.blocked_at.is_none() {
            self.evidence.blocked_at = Some(access.at);
        }
    }

    /// Whether a sweep finds an account enabled that was suspended, and nothing but a decision here explains it. A compromise goes on ending
    /// what comes back, and so does whoever is to be kept out.
    fn is_enabled_by_somebody(&self, room: &Room<'_>) -> bool {
        let job = self.job();
        let now = self.context.store.clock().now();
        let kept_out = job.contained_at.is_some_and(|since| job.containment.keeps_out(since, now));
        let by_sign_in = room.access.account.revived_elsewhere;
        // The approval of the case itself was of another matter.
        let asked_already = job.approved && self.evidence.enabled_again;
        job.containment.blocks()
            && !room.access.suspended()
            && job.reason != Reason::Compromised
            && !asked_already
            && !kept_out
            && !by_sign_in
            // What was spared was never suspended.
            && !self.refused.iter().any(|(action, _)| *action == Action::Suspend)
    }

    /// From when on a shared reading counts. Since a sweep has changed nothing yet, one counts for it that began once its time had come.
    fn looks_from(&self) -> Instant {
        let now = Instant::now();
        let due = self.job().looks_from().filter(|_| self.job().kind == JobKind::Sweep);
        let waited = due.map_or(Duration::ZERO, |due| self.context.store.clock().now().since(due));
        now.checked_sub(waited).unwrap_or(now)
    }

    /// What a sweep found although it had been contained.
    fn note_comeback(&mut self, room: &Room<'_>) {
        let containment = &self.claim.job.containment;
        let mut back: Vec<String> = Vec::new();
        if containment.blocks() && !room.access.suspended() {
            back.push("the account was active again".to_owned());
        }
        let kinds = containment.kinds();
        for (kind, count) in room
            .access
            .counts()
            .into_iter()
            .filter(|(kind, count)| *count > 0 && kinds.contains(kind))
        {
            let newest = room.access.of(kind).filter_map(|grant| grant.created_at).max();
            back.push(newest.map_or_else(
                || format!("{count} {kind}"),
                |at| format!("{count} {kind} (the newest made at {at})"),
            ));
        }
        self.evidence.came_back = true;
        self.evidence.note(format!("came back: {}", back.join(", ")));
    }
}

fn is_door(action: &Action) -> bool {
    matches!(action, Action::Suspend | Action::ResetPassword)
}
