//! The plan: which actions lead from what a principal has to the demanded state, and in which order.

use super::{Containment, PasswordReset, Progress, Scope, is_named};
use crate::model::{Access, Action, Capabilities, Grant, GrantKind, GrantRef};

impl Containment {
    /// The actions that lead from `access` to the demanded state, in the order in which they must be sent: the account block first, then what
    /// makes new credentials (bots, tokens, keys, apps), then sessions, then what only posts (webhooks, commands) or belongs (memberships).
    #[must_use]
    pub fn plan(&self, access: &Access, able: &Capabilities, progress: &Progress) -> Vec<Action> {
        let mut actions = Vec::new();
        match &self.scope {
            Scope::Session(id) => {
                let sessions = access.grants.iter().filter(|grant| is_session(grant.name.kind));
                actions.extend(sessions.filter(|grant| is_named(id, &grant.name.id)).map(end));
            }
            Scope::AccessToken(id) => {
                let named = access.of(GrantKind::AccessToken).filter(|grant| is_named(id, &grant.name.id));
                actions.extend(
                    named
                        .filter(|grant| self.alive(grant))
                        .map(|grant| self.end_or_disable(grant, able)),
                );
            }
            Scope::AllSessions if able.ends_all_sessions => {
                if !progress.sessions_ended || access.grants.iter().any(|grant| is_session(grant.name.kind)) {
                    actions.push(Action::EndAllSessions);
                }
            }
            Scope::AllSessions => self.end_kinds(access, able, progress, is_session, &mut actions),
            // See below.
            Scope::Leaked => {}
            Scope::Everything => self.plan_everything(access, able, progress, &mut actions),
        }
        if let Some(credential) = self.leaked.as_ref().filter(|_| progress.leaked_is_alive) {
            actions.push(Action::EndLeaked {
                credential: credential.clone(),
            });
        }
        // An access token's end takes the sessions with it that it made.
        if actions
            .iter()
            .any(|action| matches!(action, Action::EndLeaked { .. }) || action.kind().is_some_and(GrantKind::is_credential))
        {
            // A suspension has silenced the open connections already.
            let needed = |action: &&Action| **action != Action::Silence || !access.suspended();
            actions.extend(able.after_sessions.iter().filter(needed).cloned());
        }
        actions.sort_by_key(|action| rank(action, able));
        in_sets(actions, able)
    }

    /// What the plan holds whatever an observation shows: the account block where that is demanded, or else the end of all sessions. Its
    /// intent may be stored before anybody has looked. An account that is suspended already, or that is to be spared, shows only then; what is
    /// not sent is recorded so.
    #[must_use]
    pub fn certain_action(&self, able: &Capabilities) -> Option<Action> {
        let wanted = |kind: GrantKind| self.end.contains(&kind) && able.ends.contains(&kind);
        let sessions = || able.ends_all_sessions.then_some(Action::EndAllSessions);
        match self.scope {
            _ if self.leaked.is_some() => None,
            Scope::Everything if self.block && able.suspends => Some(Action::Suspend),
            Scope::Everything if wanted(GrantKind::Session) && wanted(GrantKind::OauthGrant) => sessions(),
            Scope::AllSessions => sessions(),
            _ => None,
        }
    }

    /// Whether the password is to be reset: never for one of the single operations.
    #[must_use]
    pub fn resets(&self, access: &Access) -> bool {
        self.scope == Scope::Everything
            && match self.reset_password {
                PasswordReset::Never => false,
                PasswordReset::Own => access.account.own_password,
                PasswordReset::Always => true,
            }
    }

    fn plan_everything(&self, access: &Access, able: &Capabilities, progress: &Progress, actions: &mut Vec<Action>) {
        let resets = self.resets(access) && !progress.password_reset && able.resets_password;
        // Where a new password lifts a suspension, it lifts one that was there before us too.
        let is_lifted = resets && able.password_first;
        if self.block && able.suspends && (!access.suspended() || is_lifted) {
            actions.push(Action::Suspend);
        }
        if resets {
            actions.push(Action::ResetPassword);
        }
        let wanted = |kind: GrantKind| self.end.contains(&kind);
        // One call ends every session; it is sent once even where none is listed, since a list may lag behind and a node may hold
        // sessions in its cache that no table shows.
        let all_sessions = able.ends_all_sessions
            && [GrantKind::Session, GrantKind::OauthGrant]
                .iter()
                .all(|kind| wanted(*kind) && able.ends.contains(kind));
        let listed = access.grants.iter().any(|grant| is_session(grant.name.kind));
        if all_sessions && access.listed.contains(&GrantKind::Session) && (listed || !progress.sessions_ended) {
            actions.push(Action::EndAllSessions);
        }
        let one_by_one = |kind: GrantKind| wanted(kind) && !(all_sessions && is_session(kind));
        self.end_kinds(access, able, progress, one_by_one, actions);
    }

    /// Ends everything of the kinds that `wanted` names: whole where one call does that, else one by one.
    fn end_kinds(
        &self,
        access: &Access,
        able: &Capabilities,
        progress: &Progress,
        wanted: impl Fn(GrantKind) -> bool,
        actions: &mut Vec<Action>,
    ) {
        for kind in able.ends_all.iter().copied().filter(|kind| wanted(*kind)) {
            // What no list shows is ended once all the same; what a list shows, only once it was read.
            let looked = access.listed.contains(&kind) || access.unseen.contains_key(&kind) || !able.lists.contains(&kind);
            if looked && (!progress.ended_all.contains(&kind) || access.of(kind).next().is_some()) {
                actions.push(Action::EndAll { kind });
            }
        }
        let alone = |kind: GrantKind| wanted(kind) && able.ends.contains(&kind) && !able.ends_all.contains(&kind);
        for grant in access.grants.iter().filter(|grant| alone(grant.name.kind)) {
            if !able.disables.contains(&grant.name.kind) || self.alive(grant) {
                actions.push(self.end_or_disable(grant, able));
            }
        }
    }

    fn end_or_disable(&self, grant: &Grant, able: &Capabilities) -> Action {
        if self.disable_tokens && able.disables.contains(&grant.name.kind) {
            Action::Disable {
                grant: grant.name.clone(),
            }
        } else {
            end(grant)
        }
    }
}

/// Puts ends of one kind together where the target takes them in sets.
fn in_sets(actions: Vec<Action>, able: &Capabilities) -> Vec<Action> {
    let mut sets: Vec<Action> = Vec::with_capacity(actions.len());
    for action in actions {
        let most = |grant: &GrantRef| able.end_sets.get(&grant.kind).copied().unwrap_or(1).max(1);
        match (sets.last_mut(), action) {
            (Some(Action::EndMany { grants }), Action::End { grant })
                if grants.len() < most(&grant)
                    && grants
                        .last()
                        .is_some_and(|last| (last.kind, &last.part) == (grant.kind, &grant.part)) =>
            {
                grants.push(grant);
            }
            (_, Action::End { grant }) if most(&grant) > 1 => sets.push(Action::EndMany { grants: vec![grant] }),
            (_, action) => sets.push(action),
        }
    }
    sets
}

const fn is_session(kind: GrantKind) -> bool {
    matches!(kind, GrantKind::Session | GrantKind::OauthGrant)
}

fn end(grant: &Grant) -> Action {
    Action::End {
        grant: grant.name.clone(),
    }
}

/// The place of an action in a plan: lower goes first.
fn rank(action: &Action, able: &Capabilities) -> u8 {
    match action {
        // A suspension that the next password lifts is no suspension.
        Action::ResetPassword if able.password_first => 0,
        Action::Release | Action::Suspend => 1,
        Action::ResetPassword => 2,
        Action::EndLeaked { .. } => 3,
        Action::End { .. } | Action::EndMany { .. } | Action::EndAll { .. } | Action::Disable { .. } => {
            action.kind().map_or(LAST, rank_of)
        }
        Action::EndAllSessions => 11,
        Action::ClearCaches => 12,
        Action::Silence => 13,
    }
}

/// What is ended last: nothing is made with it.
const LAST: u8 = 14;

/// The place of a kind among those that are ended: what makes others goes before them.
const fn rank_of(kind: GrantKind) -> u8 {
    match kind {
        GrantKind::Bot => 3,
        GrantKind::BotToken => 4,
        GrantKind::AccessToken | GrantKind::ApiKey | GrantKind::AppPassword | GrantKind::SshKey => 5,
        GrantKind::OauthApp => 6,
        GrantKind::OauthAuthorization | GrantKind::Device | GrantKind::MfaFactor => 7,
        GrantKind::OauthGrant => 8,
        GrantKind::Session => 9,
        GrantKind::Connection => 10,
        GrantKind::IncomingWebhook
        | GrantKind::OutgoingWebhook
        | GrantKind::SlashCommand
        | GrantKind::Membership
        | GrantKind::MailRule
        | GrantKind::Delegation => LAST,
    }
}
