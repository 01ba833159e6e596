//! One idempotent change at a target.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{GrantKind, GrantRef};

/// One idempotent change at a target. Doing it twice is harmless; a target answers a repetition as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Action {
    /// Suspend the account: the account block, which goes first.
    Suspend,
    /// Give the account a password that nobody knows.
    ResetPassword,
    /// End every session of the principal in one call, OAuth's included where the target counts them as sessions.
    EndAllSessions,
    /// End every grant of one kind in one call, and nothing else.
    EndAll {
        /// Of which kind.
        kind: GrantKind,
    },
    /// End several grants of one kind, and of one part of it, in one call.
    EndMany {
        /// Which ones.
        grants: Vec<GrantRef>,
    },
    /// End one grant.
    End {
        /// Which one.
        #[serde(flatten)]
        grant: GrantRef,
    },
    /// Disable one access token so that it can be enabled again.
    Disable {
        /// Which one.
        #[serde(flatten)]
        grant: GrantRef,
    },
    /// Make every node forget what it has cached about the principal's sessions.
    ClearCaches,
    /// Make open connections of old servers stop delivering.
    Silence,
    /// Enable an account again that we have suspended: only ever on an operator's word.
    Release,
    /// End the grant that a leaked credential opens, whichever it is: the target is shown the credential itself.
    EndLeaked {
        /// What stands for the credential everywhere but at the target: `sha256:` and hexadecimal digits.
        credential: String,
    },
}

impl Action {
    /// The kind of grant this changes, for counting; `None` for changes to the account.
    #[must_use]
    pub fn kind(&self) -> Option<GrantKind> {
        match self {
            Self::EndAllSessions => Some(GrantKind::Session),
            Self::EndAll { kind } => Some(*kind),
            Self::EndMany { grants } => grants.first().map(|first| first.kind),
            Self::End { grant } | Self::Disable { grant } => Some(grant.kind),
            _ => None,
        }
    }

    /// Whether this takes something away from an intruder, as against tidying up behind it.
    #[must_use]
    pub const fn revokes(&self) -> bool {
        !matches!(self, Self::ClearCaches | Self::Silence | Self::Release)
    }

    /// Whether this ends, or may end, what the principal acts with: whoever still held that could have made anything else until then.
    #[must_use]
    pub fn cuts_off(&self) -> bool {
        matches!(self, Self::Suspend | Self::ResetPassword | Self::EndLeaked { .. })
            || self
                .kind()
                .is_some_and(|kind| kind.is_credential() || kind == GrantKind::BotToken)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspend => f.write_str("suspend the account"),
            Self::ResetPassword => f.write_str("reset the password"),
            Self::EndAllSessions => f.write_str("end all sessions"),
            Self::EndAll { kind } => write!(f, "end everything of the kind {kind}"),
            Self::EndMany { grants } => match grants.as_slice() {
                [] => f.write_str("end nothing"),
                [only] => write!(f, "end {only}"),
                [first, ..] => write!(f, "end {} grants of the kind {}", grants.len(), first.kind),
            },
            Self::End { grant } => write!(f, "end {grant}"),
            Self::Disable { grant } => write!(f, "disable {grant}"),
            Self::ClearCaches => f.write_str("clear the session caches"),
            Self::Silence => f.write_str("silence open connections"),
            Self::Release => f.write_str("enable the account again"),
            Self::EndLeaked { credential } => write!(f, "end what the leaked credential {credential} opens"),
        }
    }
}
