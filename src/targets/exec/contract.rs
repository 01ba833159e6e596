//! What the program is asked, and what its answers look like: version 1 of the contract in `docs/targets/exec.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::{Action, GrantKind, Principal, Timestamp};

/// The version of the contract.
pub(super) const VERSION: u32 = 1;

/// One question, as it is written to the program.
#[derive(Serialize)]
pub(super) struct Question<'q> {
    pub(super) revoked: u32,
    #[serde(flatten)]
    pub(super) ask: &'q Ask<'q>,
}

/// What is asked.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub(super) enum Ask<'q> {
    Describe,
    Probe,
    Resolve {
        format: &'q str,
        value: &'q str,
    },
    Observe {
        principal: Who<'q>,
        kinds: &'q BTreeSet<GrantKind>,
    },
    Apply {
        principal: Who<'q>,
        action: &'q Action,
    },
}

/// The account that a question is about.
#[derive(Serialize)]
pub(super) struct Who<'q> {
    id: &'q str,
    names: Vec<String>,
}

impl<'q> From<&'q Principal> for Who<'q> {
    fn from(principal: &'q Principal) -> Self {
        Self {
            id: &principal.id,
            names: principal.names.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What every answer has.
pub(super) trait Answer: DeserializeOwned {
    /// The version of the contract that it is written by.
    fn version(&self) -> u32;
}

macro_rules! answers {
    ($($name:ident),*) => {
        $(impl Answer for $name {
            fn version(&self) -> u32 {
                self.revoked
            }
        })*
    };
}

answers!(Described, Probed, Resolved, Observed, Applied, Failed);

/// The program could not do it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failed {
    revoked: u32,
    pub(super) error: Failure,
}

/// Why not, and what then.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    pub(super) what: String,
    #[serde(default)]
    pub(super) then: Then,
    /// How long to wait, for `retry_after`.
    pub(super) seconds: Option<u64>,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    #[default]
    Retry,
    RetryAfter,
    Pause,
    GiveUp,
}

/// What the program can do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Described {
    revoked: u32,
    /// How it can be asked for somebody: `email`, `username`, … The account's own id, `opaque`, always.
    pub(super) asks_by: BTreeSet<String>,
    #[serde(default)]
    pub(super) ends: BTreeSet<GrantKind>,
    #[serde(default)]
    pub(super) lists: BTreeSet<GrantKind>,
    #[serde(default)]
    pub(super) unlisted: BTreeMap<GrantKind, String>,
    #[serde(default)]
    pub(super) ends_all: BTreeSet<GrantKind>,
    #[serde(default)]
    pub(super) end_sets: BTreeMap<GrantKind, usize>,
    #[serde(default)]
    pub(super) disables: BTreeSet<GrantKind>,
    #[serde(default)]
    pub(super) suspends: bool,
    #[serde(default)]
    pub(super) resets_password: bool,
    #[serde(default)]
    pub(super) password_first: bool,
    #[serde(default)]
    pub(super) not_covered: Vec<String>,
}

/// How the system is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probed {
    revoked: u32,
    pub(super) version: Option<String>,
    pub(super) acting_as: Option<String>,
    #[serde(default)]
    pub(super) findings: Vec<FindingAnswer>,
}

/// One finding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingAnswer {
    pub(super) level: LevelWord,
    pub(super) what: String,
    pub(super) advice: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LevelWord {
    Note,
    Warning,
    Error,
}

/// Who somebody is: exactly one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolved {
    revoked: u32,
    #[serde(default)]
    pub(super) nobody: bool,
    pub(super) principal: Option<PrincipalAnswer>,
    #[serde(default)]
    pub(super) ambiguous: Vec<String>,
}

/// One account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about an account")]
pub(super) struct PrincipalAnswer {
    pub(super) id: String,
    pub(super) names: Vec<String>,
    #[serde(default)]
    pub(super) admin: bool,
    #[serde(default)]
    pub(super) last_admin: bool,
    #[serde(default)]
    pub(super) bot: bool,
    #[serde(default)]
    pub(super) ourselves: bool,
    pub(super) managed_by: Option<String>,
    #[serde(default)]
    pub(super) suspended: bool,
    pub(super) suspended_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) own_password: bool,
}

/// What somebody can reach.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observed {
    revoked: u32,
    /// The id of the account that this is about.
    pub(super) principal: String,
    pub(super) suspended: bool,
    pub(super) suspended_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) own_password: bool,
    /// The kinds that were listed whole.
    pub(super) listed: BTreeSet<GrantKind>,
    /// Kinds that could not be, each with why.
    #[serde(default)]
    pub(super) unseen: BTreeMap<GrantKind, String>,
    pub(super) grants: Vec<GrantAnswer>,
    #[serde(default)]
    pub(super) residuals: Vec<ResidualAnswer>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
}

/// One grant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantAnswer {
    pub(super) kind: GrantKind,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) part: Option<String>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    pub(super) created_at: Option<Timestamp>,
    pub(super) last_used_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

const fn yes() -> bool {
    true
}

/// What lives on: until a moment, or for so many seconds after our last change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResidualAnswer {
    pub(super) what: String,
    pub(super) until: Option<Timestamp>,
    pub(super) seconds: Option<u64>,
}

/// A change was made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Applied {
    revoked: u32,
    #[serde(default)]
    pub(super) already: bool,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    #[serde(default)]
    pub(super) requests: Vec<String>,
}
