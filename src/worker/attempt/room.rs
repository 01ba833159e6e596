//! One principal: the door, the room, and the way round again.

use std::collections::BTreeSet;

use super::proof::Proof;
use super::{Attempt, End};
use crate::model::{Access, Action, Capabilities, Containment, GrantKind, GrantRef, JobKind, Principal, Progress, Verdict};
use crate::targets::{Remedy, TargetError};

/// What is known about one principal while it is being contained.
pub(super) struct Room<'a> {
    pub(super) principal: &'a Principal,
    /// What it could reach before the first action.
    pub(super) before: Access,
    /// What it can reach now, as far as is known: the last observation less what was ended since.
    pub(super) access: Access,
    pub(super) progress: Progress,
    /// Actions that failed and whose effect no observation shows: they stay in the plan until they work.
    pub(super) owed: Vec<Action>,
    /// What the target said it ended. When it is listed again, the list lags.
    pub(super) gone: BTreeSet<GrantRef>,
    /// The target accepted a suspension.
    pub(super) shut: bool,
}

impl Room<'_> {
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

    /// Takes in a first look at kinds that were not looked at before.
    fn look_further(&mut self, later: Access) {
        let (suspended, at) = (self.before.suspended, self.before.at);
        self.before.merge(later.clone());
        self.before.suspended = suspended;
        self.before.at = at;
        self.access.merge(later);
    }
}

impl Attempt<'_> {
    /// Leads one principal to the demanded state.
    pub(super) async fn contain(&mut self, principal: &Principal) -> Result<Verdict, End> {
        let watch = self.job().kind == JobKind::Watch;
        let containment = &self.claim.job.containment;
        let kinds = containment.kinds();
        // A sweep needs the whole picture at once, since it ends here when nothing came back.
        let mut first = if watch { kinds.clone() } else { containment.first_kinds() };
        if first.is_empty() {
            first.clone_from(&kinds);
        }
        let mut unlooked: BTreeSet<GrantKind> = kinds.difference(&first).copied().collect();
        let (seen, missing) = self.first_look(principal, &first).await?;
        let mut room = Room {
            principal,
            before: seen.clone(),
            access: seen,
            progress: Progress {
                // A sweep ends what it finds and repeats nothing else; a password that a human has set since stays.
                swept: watch,
                password_reset: watch || self.job().password_reset,
                // A sweep looks after what an earlier job has ended.
                acted: watch || self.job().acted,
            },
            owed: Vec::new(),
            gone: BTreeSet::new(),
            shut: false,
        };
        if self.job().acted && !watch && kinds.contains(&GrantKind::Session) {
            // An attempt before this one may have ended sessions and died before it cleared up behind them.
            room.owed = self.able().after_sessions;
        }
        self.evidence.compare(&room.before, &room.access);
        if watch {
            if self.plan(&room).is_empty() {
                return self.verdict_at_once(&room);
            }
            self.note_comeback(&room);
            // Somebody is inside again: that is as urgent as the case was in the first place.
            self.pass = self.pass.at(self.job().reason.priority().min(self.job().priority));
        }
        if let Some(error) = missing {
            // What can be seen is ended now, and what cannot is a failure of the attempt all the same: the next one looks again.
            self.shut_the_door(&mut room).await?;
            let actions = self.plan_room(&room);
            self.wave(&mut room, actions).await?;
            return Err(End::Failed(error));
        }
        let mut left = String::new();
        for round in 1..=self.tools.patience.rounds {
            self.shut_the_door(&mut room).await?;
            let actions = self.plan_room(&room);
            self.wave(&mut room, actions).await?;
            if !unlooked.is_empty() {
                let later = self.observe(principal, &unlooked).await?;
                unlooked.clear();
                room.look_further(later);
                let actions = self.plan_room(&room);
                self.wave(&mut room, actions).await?;
            }
            match self.prove(&mut room, &kinds).await? {
                Proof::Holds(verdict) => return Ok(verdict),
                Proof::Hopeless(what) => return Err(End::Hopeless(what)),
                Proof::Remains(what) => {
                    self.evidence.notes.push(format!("after round {round}: {what}"));
                    left = what;
                }
            }
        }
        Err(End::Remains(format!("after {} rounds {left}", self.tools.patience.rounds)))
    }

    /// The first look. Where the kinds cannot be listed together each is tried alone, and one list that is broken does not keep an intruder
    /// in by all the others; what was missing comes along as the error. A sweep needs the whole picture and takes no part of it.
    async fn first_look(
        &mut self,
        principal: &Principal,
        kinds: &BTreeSet<GrantKind>,
    ) -> Result<(Access, Option<TargetError>), End> {
        let error = match self.observe(principal, kinds).await {
            Err(End::Failed(error)) => error,
            other => return other.map(|seen| (seen, None)),
        };
        if error.remedy != Remedy::Retry || kinds.len() < 2 || self.job().kind == JobKind::Watch {
            return Err(End::Failed(error));
        }
        let mut seen: Option<Access> = None;
        for kind in kinds {
            match self.observe(principal, &[*kind].into()).await {
                Ok(part) => match &mut seen {
                    Some(seen) => seen.merge(part),
                    None => seen = Some(part),
                },
                Err(End::Failed(_)) => {}
                Err(end) => return Err(end),
            }
        }
        let Some(seen) = seen else { return Err(End::Failed(error)) };
        self.evidence.notes.push(format!("only a part could be listed: {error}"));
        Ok((seen, Some(error)))
    }

    /// Lists what the principal can reach.
    pub(super) async fn observe(&self, principal: &Principal, kinds: &BTreeSet<GrantKind>) -> Result<Access, End> {
        self.call(self.tools.target.observe(&self.pass, principal, kinds)).await
    }

    /// What the target can do; richer perhaps than a moment ago, since it learns its server's version from the answers.
    pub(super) fn able(&self) -> Capabilities {
        self.tools.target.capabilities()
    }

    /// Everything that is still to be done, less what the target refuses for good.
    pub(super) fn plan(&self, room: &Room<'_>) -> Vec<Action> {
        let mut actions = room.plan(&self.claim.job.containment, &self.able());
        actions.retain(|action| !self.refused.iter().any(|(refused, _)| refused == action));
        actions
    }

    /// The plan without the door.
    fn plan_room(&self, room: &Room<'_>) -> Vec<Action> {
        let mut actions = self.plan(room);
        actions.retain(|action| !is_door(action));
        actions
    }

    /// Suspends the account or changes its password where the plan says so, and looks whether the block holds, so that what is revoked next
    /// is revoked behind a closed door. A block that the target does not show in time keeps nobody in the room: the rest is revoked
    /// anyway, and again in the next round.
    async fn shut_the_door(&mut self, room: &mut Room<'_>) -> Result<(), End> {
        let mut door = self.plan(room);
        door.retain(is_door);
        if door.is_empty() {
            return Ok(());
        }
        let suspends = door.contains(&Action::Suspend);
        self.wave(room, door).await?;
        let mut first = self.claim.job.containment.first_kinds();
        if first.is_empty() {
            first = self.claim.job.containment.kinds();
        }
        for wait in std::iter::once(None).chain(self.tools.patience.looks.iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(*wait).await?;
            }
            let seen = self.observe(room.principal, &first).await?;
            room.access.merge(seen);
            if room.access.suspended || !suspends || !room.shut {
                break;
            }
        }
        self.note_block(&room.access);
        Ok(())
    }

    /// Notes when an observation first showed the block.
    pub(super) fn note_block(&mut self, access: &Access) {
        if access.suspended && self.claim.job.containment.blocks() && self.evidence.blocked_at.is_none() {
            self.evidence.blocked_at = Some(access.at);
        }
    }

    /// What a sweep found although it had been contained.
    fn note_comeback(&mut self, room: &Room<'_>) {
        let containment = &self.claim.job.containment;
        let mut back: Vec<String> = Vec::new();
        if containment.blocks() && !room.access.suspended {
            back.push("the account was active again".to_owned());
        }
        let counts = room.access.counts();
        back.extend(
            counts
                .iter()
                .filter(|(kind, count)| **count > 0 && containment.kinds().contains(kind))
                .map(|(kind, count)| format!("{count} {kind}")),
        );
        self.evidence.notes.push(format!("came back: {}", back.join(", ")));
    }
}

fn is_door(action: &Action) -> bool {
    matches!(action, Action::Suspend | Action::ResetPassword)
}
