//! The ladder of what may be done to somebody, from what costs a sign-in to what locks out, and how a containment is lowered to a rung of it.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::{Containment, GrantKind, PasswordReset, Scope};

/// A rung of the ladder. Each holds everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Sessions and connections end; whoever is meant signs in again.
    RevokeSessions,
    /// Tokens, keys and OAuth grants end too; what was made with them must be made anew.
    RevokeTokens,
    /// Everything that a playbook can demand: the account suspended, its password replaced, bots, webhooks, factors, memberships.
    Contain,
}

impl Level {
    /// All of them, from the lowest.
    pub const ALL: [Self; 3] = [Self::RevokeSessions, Self::RevokeTokens, Self::Contain];

    /// The word in a config, the trail and the output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RevokeSessions => "revoke_sessions",
            Self::RevokeTokens => "revoke_tokens",
            Self::Contain => "contain",
        }
    }

    /// The level that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// The kinds of grant that may be ended on this rung.
    #[must_use]
    pub fn kinds(self) -> BTreeSet<GrantKind> {
        let groups: &[&str] = match self {
            Self::RevokeSessions => &["sessions"],
            Self::RevokeTokens => &["sessions", "tokens", "keys", "oauth"],
            Self::Contain => return GrantKind::ALL.into(),
        };
        groups.iter().filter_map(|group| GrantKind::group(group)).flatten().collect()
    }

    /// The lowest rung that holds all of what is demanded.
    #[must_use]
    pub fn of(demanded: &Containment) -> Self {
        let holds = |level: &Self| level.lowered(demanded).as_ref() == Some(demanded);
        Self::ALL.into_iter().find(holds).unwrap_or(Self::Contain)
    }

    /// What is left of a demand on this rung: never more than was asked. `None` where nothing is.
    #[must_use]
    pub fn lowered(self, demanded: &Containment) -> Option<Containment> {
        if self == Self::Contain {
            return Some(demanded.clone());
        }
        match demanded.scope {
            Scope::Everything => {
                let kinds = self.kinds();
                let lowered = Containment {
                    end: demanded.end.intersection(&kinds).copied().collect(),
                    block: false,
                    reset_password: PasswordReset::Never,
                    ..demanded.clone()
                };
                (!lowered.end.is_empty()).then_some(lowered)
            }
            // An operation of its own, which demands nothing of what the playbook says beside it.
            Scope::Session(_) | Scope::AllSessions => Some(demanded.clone()),
            Scope::AccessToken(_) | Scope::Leaked => (self >= Self::RevokeTokens).then(|| demanded.clone()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What lowered a piece of work, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// The level that is left.
    pub to: Level,
    /// Whose bound it is: `source hr`, `group executives`.
    pub by: String,
}

impl fmt::Display for Lowered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only as far as {}: the bound of {}", self.to, self.by)
    }
}
