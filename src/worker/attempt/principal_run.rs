//! What is known about one principal while it is being contained: what was seen, what was sent, and what is unconfirmed.

use std::collections::BTreeSet;

use super::freshness::Freshness;
use crate::model::{Access, Action, Capabilities, Containment, Door, GrantKind, GrantRef, Principal, Progress};

/// What is known about one principal while it is being contained.
pub(super) struct PrincipalRun<'a> {
    pub(super) principal: &'a Principal,
    /// What it could reach before the first action.
    pub(super) before: Access,
    /// What the last observations of everything showed.
    pub(super) observed: Access,
    /// What it can reach now, as far as is known: what was observed less what was ended since.
    pub(super) access: Access,
    pub(super) freshness: Freshness,
    pub(super) progress: Progress,
    /// Actions that failed and whose effect no observation shows: they stay in the plan until they work.
    pub(super) unconfirmed: Vec<Action>,
    /// What the target said it ended. When it is listed again, the list lags.
    pub(super) reported_ended: BTreeSet<GrantRef>,
    /// The target accepted a suspension.
    pub(super) suspend_sent: bool,
    /// What would make a session again although it is none of the case's business.
    pub(super) session_sources: Vec<Door>,
}

impl<'a> PrincipalRun<'a> {
    /// A principal of whom nothing is to be ended.
    pub(super) fn of(principal: &'a Principal, seen: Access, freshness: Freshness) -> Self {
        Self {
            principal,
            before: seen.clone(),
            observed: seen.clone(),
            access: seen,
            freshness,
            progress: Progress::default(),
            unconfirmed: Vec::new(),
            reported_ended: BTreeSet::new(),
            suspend_sent: false,
            session_sources: Vec::new(),
        }
    }

    /// The actions that lead from what is known to the demanded state.
    pub(super) fn plan(&self, containment: &Containment, able: &Capabilities) -> Vec<Action> {
        let mut actions = containment.plan(&self.access, able, &self.progress);
        for owed in &self.unconfirmed {
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
