//! The end state demanded of a principal at a target, what to do about the difference, and what the second look proves.
//!
//! [`Containment::plan`] and [`Containment::verdict`] are pure: retry, rehearsal, verification and the later sweeps are one loop around
//! these two functions. `plan` and `proof` hold one each.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest::{hex, sha256};
use crate::model::{Access, ActedAt, Capabilities, Door, DoorKind, Grant, GrantKind};

mod plan;
mod proof;
#[cfg(test)]
mod tests;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that no look shows")]
pub struct Progress {
    /// All sessions were ended since the block was confirmed (or since the start, where no block is asked for).
    pub sessions_ended: bool,
    /// The kinds of which everything was ended in one call since then.
    pub ended_all: BTreeSet<GrantKind>,
    /// When our changes were made.
    pub acted_at: ActedAt,
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
    pub fn first_kinds(&self, able: &Capabilities) -> BTreeSet<GrantKind> {
        self.kinds(able).into_iter().filter(|kind| kind.is_credential()).collect()
    }

    /// Every kind that the verdict depends on, as far as it exists at a target.
    #[must_use]
    pub fn kinds(&self, able: &Capabilities) -> BTreeSet<GrantKind> {
        let mut kinds = self.demanded();
        kinds.retain(|kind| able.has(*kind));
        kinds
    }

    /// Whether grants of this kind must be gone, wherever they exist.
    #[must_use]
    pub fn demands(&self, kind: GrantKind) -> bool {
        self.demanded().contains(&kind)
    }

    fn demanded(&self) -> BTreeSet<GrantKind> {
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
        let behind = |grant: &Grant| grant.made_by.clone();
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
    pub fn keeps_out(&self, since: crate::model::Timestamp, now: crate::model::Timestamp) -> bool {
        self.keep_out
            .is_some_and(|seconds| now <= since.plus(Duration::from_secs(seconds)))
    }

    /// Whether a grant still counts against the demanded state: a disabled token does not where disabling was all that was asked.
    fn alive(&self, grant: &Grant) -> bool {
        grant.enabled || !self.disable_tokens
    }
}
