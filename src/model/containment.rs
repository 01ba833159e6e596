//! The end state demanded of a principal at a target, what to do about the difference, and what the second look proves.
//!
//! [`Containment::plan`] and [`Containment::verdict`] are pure: retry, rehearsal, verification and the later sweeps are one loop around
//! these two functions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Access, Action, Capabilities, GrantKind, GrantRef, Remaining, Verdict};

/// What a case is about: everything that the playbook names, or one of the three operations an operator can ask for alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "scope", content = "id")]
pub enum Scope {
    /// All that the playbook names.
    #[default]
    Everything,
    /// One session, by the target's id.
    Session(String),
    /// Every session, and nothing else.
    AllSessions,
    /// One access token, by the target's id.
    AccessToken(String),
}

/// The end state demanded of one principal at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// What the case is about.
    #[serde(flatten)]
    pub scope: Scope,
    /// The kinds of grant that must be gone.
    pub end: BTreeSet<GrantKind>,
    /// Whether the account must be suspended.
    pub block: bool,
    /// Whether the account gets a password that nobody knows.
    #[serde(default)]
    pub reset_password: bool,
    /// Whether access tokens are disabled instead of revoked, so that they can be enabled again.
    #[serde(default)]
    pub disable_tokens: bool,
    /// When to look again after the verdict, in seconds after it, ascending.
    #[serde(default)]
    pub watch: Vec<u64>,
}

/// What earlier steps of the same job have already done and an observation cannot show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// All sessions were ended since the block was confirmed (or since the start, where no block is asked for).
    pub swept: bool,
    /// The password was reset.
    pub password_reset: bool,
    /// An action of this job has been sent before: a named grant that is absent may be our own work.
    pub acted: bool,
}

impl Containment {
    /// Whether this end state holds everything that `other` demands, so that proving it proves that too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.scope == other.scope
            && self.end.is_superset(&other.end)
            && (self.block || !other.block)
            && (self.reset_password || !other.reset_password)
            // What is only disabled can be enabled again.
            && (!self.disable_tokens || other.disable_tokens)
            && other.watch.iter().all(|sweep| self.watch.contains(sweep))
    }

    /// What a first look must list: the credentials that an intruder acts with at once.
    #[must_use]
    pub fn first_kinds(&self) -> BTreeSet<GrantKind> {
        self.kinds().into_iter().filter(|kind| kind.is_credential()).collect()
    }

    /// Every kind that the verdict depends on.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<GrantKind> {
        match &self.scope {
            Scope::Everything => self.end.clone(),
            Scope::Session(_) | Scope::AllSessions => [GrantKind::Session, GrantKind::OauthGrant].into(),
            Scope::AccessToken(_) => [GrantKind::AccessToken].into(),
        }
    }

    /// Whether the door is to be closed at all: the three single operations never close it.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.block && self.scope == Scope::Everything
    }

    /// The sweeps after the verdict, as durations.
    pub fn sweeps(&self) -> impl Iterator<Item = Duration> {
        self.watch.iter().copied().map(Duration::from_secs)
    }

    /// The actions that lead from `access` to the demanded state, in the order in which they must be sent: the door first, then what
    /// makes new credentials (bots, tokens, apps), then sessions, then what only posts (webhooks, commands).
    #[must_use]
    pub fn plan(&self, access: &Access, able: &Capabilities, progress: Progress) -> Vec<Action> {
        let mut actions = Vec::new();
        match &self.scope {
            Scope::Session(id) => {
                actions.extend(
                    access
                        .grants
                        .iter()
                        .filter(|grant| is_session(grant.name.kind) && grant.name.id == *id)
                        .map(end),
                );
            }
            Scope::AccessToken(id) => {
                let named = access.of(GrantKind::AccessToken).filter(|grant| grant.name.id == *id);
                actions.extend(named.filter(|grant| self.alive(grant)).map(|grant| self.end_token(grant)));
            }
            Scope::AllSessions => {
                if !progress.swept || access.grants.iter().any(|grant| is_session(grant.name.kind)) {
                    actions.push(Action::EndAllSessions);
                }
            }
            Scope::Everything => self.plan_everything(access, able, progress, &mut actions),
        }
        // An access token's end takes the sessions with it that it made.
        if actions
            .iter()
            .any(|action| action.kind().is_some_and(GrantKind::is_credential))
        {
            actions.extend(able.after_sessions.iter().cloned());
        }
        actions.sort_by_key(rank);
        actions
    }

    fn plan_everything(&self, access: &Access, able: &Capabilities, progress: Progress, actions: &mut Vec<Action>) {
        if self.block && !access.suspended && able.suspends {
            actions.push(Action::Suspend);
        }
        if self.reset_password && !progress.password_reset && able.resets_password {
            actions.push(Action::ResetPassword);
        }
        let wanted = |kind: GrantKind| self.end.contains(&kind) && able.ends.contains(&kind);
        // One call ends every session; it is sent once even where none is listed, since a list may lag behind and a node may hold
        // sessions in its cache that no table shows.
        let all_sessions = able.ends_all_sessions && wanted(GrantKind::Session) && wanted(GrantKind::OauthGrant);
        let listed = access.grants.iter().any(|grant| is_session(grant.name.kind));
        if all_sessions && access.listed.contains(&GrantKind::Session) && (listed || !progress.swept) {
            actions.push(Action::EndAllSessions);
        }
        for grant in access.grants.iter().filter(|grant| wanted(grant.name.kind)) {
            match grant.name.kind {
                kind if is_session(kind) && all_sessions => {}
                GrantKind::AccessToken if !self.alive(grant) => {}
                GrantKind::AccessToken => actions.push(self.end_token(grant)),
                _ => actions.push(end(grant)),
            }
        }
    }

    /// What the observations before and after prove.
    ///
    /// # Errors
    /// [`Remaining`] where `after` still shows what was demanded gone: the attempt goes round again, and in the end fails.
    pub fn verdict(&self, before: &Access, after: &Access, progress: Progress) -> Result<Verdict, Remaining> {
        let open = self.blocks() && !after.suspended;
        let kinds = self.kinds();
        let left = after
            .grants
            .iter()
            .filter(|grant| kinds.contains(&grant.name.kind) && self.alive(grant));
        let left = left.filter(|grant| self.names(&grant.name)).map(|grant| grant.name.clone());
        let grants: Vec<GrantRef> = left.collect();
        if open || !grants.is_empty() {
            return Err(Remaining { open, grants });
        }
        let unseen: BTreeMap<GrantKind, String> = kinds
            .iter()
            .filter(|kind| !after.listed.contains(kind))
            .map(|kind| {
                (
                    *kind,
                    after
                        .unseen
                        .get(kind)
                        .cloned()
                        .unwrap_or_else(|| "the target has no list of it".to_owned()),
                )
            })
            .collect();
        if !unseen.is_empty() {
            return Ok(Verdict::Unverified { kinds: unseen });
        }
        if let (Scope::Session(id) | Scope::AccessToken(id), false) = (&self.scope, progress.acted)
            && !before.grants.iter().any(|grant| grant.name.id == *id)
        {
            let what = if matches!(self.scope, Scope::Session(_)) {
                "session"
            } else {
                "access token"
            };
            return Ok(Verdict::NoPrincipal {
                what: format!("no {what} {id} was listed for this account"),
            });
        }
        match after
            .residuals
            .iter()
            .filter(|residual| residual.until > after.at)
            .max_by_key(|residual| residual.until)
        {
            Some(residual) => Ok(Verdict::Residual {
                until: residual.until,
                what: residual.what.clone(),
            }),
            None => Ok(Verdict::Contained),
        }
    }

    /// Whether a grant still counts against the demanded state: a disabled token does not where disabling was all that was asked.
    fn alive(&self, grant: &super::Grant) -> bool {
        grant.enabled || !self.disable_tokens
    }

    fn names(&self, name: &GrantRef) -> bool {
        match &self.scope {
            Scope::Session(id) | Scope::AccessToken(id) => name.id == *id,
            Scope::Everything | Scope::AllSessions => true,
        }
    }

    fn end_token(&self, grant: &super::Grant) -> Action {
        if self.disable_tokens {
            Action::Disable {
                grant: grant.name.clone(),
            }
        } else {
            end(grant)
        }
    }
}

const fn is_session(kind: GrantKind) -> bool {
    matches!(kind, GrantKind::Session | GrantKind::OauthGrant)
}

fn end(grant: &super::Grant) -> Action {
    Action::End {
        grant: grant.name.clone(),
    }
}

/// The place of an action in a plan: lower goes first.
fn rank(action: &Action) -> u8 {
    match action {
        Action::Suspend => 0,
        Action::ResetPassword => 1,
        Action::End { grant } | Action::Disable { grant } => match grant.kind {
            GrantKind::Bot => 2,
            GrantKind::BotToken => 3,
            GrantKind::AccessToken => 4,
            GrantKind::OauthApp => 5,
            GrantKind::OauthAuthorization => 6,
            GrantKind::OauthGrant => 7,
            GrantKind::Session => 8,
            GrantKind::IncomingWebhook | GrantKind::OutgoingWebhook | GrantKind::SlashCommand => 12,
        },
        Action::EndAllSessions => 9,
        Action::ClearCaches => 10,
        Action::Silence => 11,
    }
}
