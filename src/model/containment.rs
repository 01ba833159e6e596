//! The end state demanded of a principal at a target, what to do about the difference, and what the second look proves.
//!
//! [`Containment::plan`] and [`Containment::verdict`] are pure: retry, rehearsal, verification and the later sweeps are one loop around
//! these two functions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Access, Action, Capabilities, Door, DoorKind, GrantKind, GrantRef, Remaining, Verdict};
use crate::digest::{hex, sha256};

/// What a case is about: everything that the playbook names, or one of the operations an operator can ask for alone.
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
    /// The one grant that a leaked credential opens, whichever it is: [`Containment::leaked`] says which credential.
    Leaked,
}

impl Scope {
    /// The same scope with what stands for the values in it, since a pasted value may be a secret: see [`digest_of`].
    #[must_use]
    pub fn without_values(self) -> Self {
        match self {
            Self::Session(id) => Self::Session(digest_of_named(&id)),
            Self::AccessToken(id) => Self::AccessToken(digest_of_named(&id)),
            other => other,
        }
    }
}

/// As [`digest_of`]; what stands for a value already stays.
#[must_use]
pub fn digest_of_named(value: &str) -> String {
    let stands = value.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 32);
    if stands { value.to_owned() } else { digest_of(value) }
}

/// What stands for a value that may be a secret: whoever names a session or a token may have pasted its secret instead of its id, and until
/// the target has listed the value as an id nobody can tell. `sha256:` and the first 32 hexadecimal digits.
#[must_use]
pub fn digest_of(value: &str) -> String {
    format!("sha256:{}", hex(&sha256(value.as_bytes())[..16]))
}

/// Whether a value has the form of a target's id at all: letters, digits and `-_:.`, at most 128 of them.
#[must_use]
pub fn has_form_of_id(value: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte);
    !value.is_empty() && value.len() <= 128 && value.bytes().all(sound)
}

/// Whether a case's `named` session or token is the one that the target lists as `listed`.
#[must_use]
pub fn is_named(named: &str, listed: &str) -> bool {
    // Cases of an earlier version hold the id itself.
    named == listed || (named.starts_with("sha256:") && named == digest_of(listed))
}

/// Whether the account gets a password that nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasswordReset {
    /// No.
    #[default]
    Never,
    /// Where the account signs in by a password of the target's own; what cannot be done for another reason is said, and no failure.
    Own,
    /// Yes, and it is a failure where that cannot be done.
    Always,
}

impl PasswordReset {
    /// The word in a config; the two others are `true` and `false`.
    const OWN: &str = "own";
}

impl Serialize for PasswordReset {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never => serializer.serialize_bool(false),
            Self::Own => serializer.serialize_str(Self::OWN),
            Self::Always => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for PasswordReset {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Flag(bool),
            Word(String),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Flag(false)) => Ok(Self::Never),
            Ok(Written::Flag(true)) => Ok(Self::Always),
            Ok(Written::Word(word)) if word == Self::OWN => Ok(Self::Own),
            _ => Err(serde::de::Error::custom("write true, false or \"own\"")),
        }
    }
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
    pub reset_password: PasswordReset,
    /// Whether access tokens are disabled instead of revoked, so that they can be enabled again.
    #[serde(default)]
    pub disable_tokens: bool,
    /// When to look again after the verdict, in seconds after it, ascending.
    #[serde(default)]
    pub watch: Vec<u64>,
    /// How long after the verdict to go on looking and ending what comes back, in seconds: after the times of `watch`, four times a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_out: Option<u64>,
    /// What stands for the leaked credential that must be refused in the end, where the case is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaked: Option<String>,
}

/// How often a kept-out principal is looked at once the times of `watch` are over.
const KEEP_OUT_EVERY: u64 = 6 * 3600;

/// What earlier steps of the same job have already done and an observation cannot show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that no look shows")]
pub struct Progress {
    /// All sessions were ended since the block was confirmed (or since the start, where no block is asked for).
    pub sessions_ended: bool,
    /// The password was reset.
    pub password_reset: bool,
    /// An action of this job has been sent before: a named grant that is absent may be our own work.
    pub acted: bool,
    /// The leaked credential that the case is about was taken by the target when it was last tried.
    pub leaked_is_alive: bool,
}

impl Containment {
    /// Demands nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            scope: Scope::Everything,
            end: BTreeSet::new(),
            block: false,
            reset_password: PasswordReset::Never,
            disable_tokens: false,
            watch: Vec::new(),
            keep_out: None,
            leaked: None,
        }
    }

    /// Whether this end state holds everything that `other` demands, so that proving it proves that too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.scope == other.scope
            && self.end.is_superset(&other.end)
            && (self.block || !other.block)
            // Nobody signs in to a suspended account with its password.
            && (self.reset_password >= other.reset_password || (self.block && other.reset_password == PasswordReset::Own))
            // What is only disabled can be enabled again.
            && (!self.disable_tokens || other.disable_tokens)
            && other.watch.iter().all(|sweep| self.watch.contains(sweep))
            && self.keep_out >= other.keep_out
            && (other.leaked.is_none() || self.leaked == other.leaked)
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
            // Which kind it is shows only once it is ended.
            Scope::Leaked => BTreeSet::new(),
        }
    }

    /// What would make a session again although the case is not about it: the access token behind a session, and for all sessions every
    /// access token of the account.
    #[must_use]
    pub fn session_sources(&self, access: &Access) -> Vec<Door> {
        let behind = |grant: &super::Grant| grant.made_by.clone();
        let mut sources: BTreeSet<String> = match &self.scope {
            Scope::Session(id) => access
                .grants
                .iter()
                .filter(|grant| is_named(id, &grant.name.id))
                .filter_map(behind)
                .collect(),
            Scope::AllSessions => access.grants.iter().filter_map(behind).collect(),
            Scope::Everything | Scope::AccessToken(_) | Scope::Leaked => return Vec::new(),
        };
        if self.scope == Scope::AllSessions {
            let tokens = access.of(GrantKind::AccessToken).filter(|grant| grant.enabled);
            sources.extend(tokens.map(|grant| grant.name.id.clone()));
        }
        let says = |id: &String| format!("the access token {id} makes the next session; end it too with --token {id}");
        sources.iter().map(|id| Door::new(DoorKind::AccessToken, says(id))).collect()
    }

    /// Whether the account is to be blocked at all: the single operations never block it.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.block && self.scope == Scope::Everything
    }

    /// How long after the verdict the sweep of this number comes, from 0; `None` once there is none.
    #[must_use]
    pub fn sweep(&self, number: usize) -> Option<Duration> {
        if let Some(seconds) = self.watch.get(number) {
            return Some(Duration::from_secs(*seconds));
        }
        let until = self.keep_out?;
        let beyond = u64::try_from(number - self.watch.len()).ok()?;
        let before = self
            .watch
            .last()
            .copied()
            .unwrap_or(0)
            .checked_add(beyond.checked_mul(KEEP_OUT_EVERY)?)?;
        // The last of them comes on the day itself.
        let at = before.checked_add(KEEP_OUT_EVERY)?.min(until);
        (before < until).then(|| Duration::from_secs(at))
    }

    /// Whether a principal that was contained at `since` is kept out at `now`.
    #[must_use]
    pub fn keeps_out(&self, since: super::Timestamp, now: super::Timestamp) -> bool {
        self.keep_out
            .is_some_and(|seconds| now <= since.plus(Duration::from_secs(seconds)))
    }

    /// The actions that lead from `access` to the demanded state, in the order in which they must be sent: the account block first, then what
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
                        .filter(|grant| is_session(grant.name.kind) && is_named(id, &grant.name.id))
                        .map(end),
                );
            }
            Scope::AccessToken(id) => {
                let named = access.of(GrantKind::AccessToken).filter(|grant| is_named(id, &grant.name.id));
                actions.extend(named.filter(|grant| self.alive(grant)).map(|grant| self.end_token(grant)));
            }
            Scope::AllSessions => {
                if !progress.sessions_ended || access.grants.iter().any(|grant| is_session(grant.name.kind)) {
                    actions.push(Action::EndAllSessions);
                }
            }
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
        actions.sort_by_key(rank);
        actions
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

    fn plan_everything(&self, access: &Access, able: &Capabilities, progress: Progress, actions: &mut Vec<Action>) {
        if self.block && !access.suspended() && able.suspends {
            actions.push(Action::Suspend);
        }
        if self.resets(access) && !progress.password_reset && able.resets_password {
            actions.push(Action::ResetPassword);
        }
        let wanted = |kind: GrantKind| self.end.contains(&kind) && able.ends.contains(&kind);
        // One call ends every session; it is sent once even where none is listed, since a list may lag behind and a node may hold
        // sessions in its cache that no table shows.
        let all_sessions = able.ends_all_sessions && wanted(GrantKind::Session) && wanted(GrantKind::OauthGrant);
        let listed = access.grants.iter().any(|grant| is_session(grant.name.kind));
        if all_sessions && access.listed.contains(&GrantKind::Session) && (listed || !progress.sessions_ended) {
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
        let open = self.blocks() && !after.suspended();
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
            && !before.grants.iter().any(|grant| is_named(id, &grant.name.id))
        {
            let what = if matches!(self.scope, Scope::Session(_)) {
                "session"
            } else {
                "access token"
            };
            return Ok(Verdict::NoPrincipal {
                what: format!(
                    "no {what} of the id {id} was listed for this account; where it is the secret and not the id, use revoked leaked"
                ),
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
            Scope::Session(id) | Scope::AccessToken(id) => is_named(id, &name.id),
            Scope::Everything | Scope::AllSessions | Scope::Leaked => true,
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
        Action::Release | Action::Suspend => 0,
        Action::ResetPassword => 1,
        Action::EndLeaked { .. } => 2,
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
