//! What the second observation proved. Five verdicts, never folded into one "success".

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{GrantKind, GrantRef, Timestamp};

/// What the second observation proved about one containment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Listed empty, and the block confirmed where one was asked for.
    Contained,
    /// The target accepted everything, but cannot list these kinds, or cannot suspend the account.
    Unverified {
        /// The kinds, each with why it could not be listed.
        kinds: BTreeMap<GrantKind, String>,
        /// Why the account stays open although its block was demanded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open: Option<String>,
    },
    /// Something lives on for a known time.
    Residual {
        /// Until when at the latest.
        until: Timestamp,
        /// What lives on.
        what: String,
    },
    /// Nobody of that name is there; or, for one named grant, it was not there to begin with.
    NoPrincipal {
        /// What was looked for.
        what: String,
    },
    /// Still there, or unreachable: goes to the could-not-revoke ledger.
    Failed {
        /// What is left, or what stood in the way.
        why: String,
    },
    /// Of a release alone, never of a containment: the account was seen enabled again.
    Released {
        /// What came back to life with it.
        what: String,
    },
}

impl Verdict {
    /// The word in tables, output and exit-code docs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Contained => "contained",
            Self::Unverified { .. } => "unverified",
            Self::Residual { .. } => "residual",
            Self::NoPrincipal { .. } => "no_principal",
            Self::Failed { .. } => "failed",
            Self::Released { .. } => "released",
        }
    }

    /// All words of containments, in the order from best to worst: a case carries the worst of its jobs' verdicts. `no_principal` is the mildest: a
    /// person without an account at one target is no blemish on the proof at another.
    pub const WORDS: [&'static str; 5] = ["no_principal", "contained", "residual", "unverified", "failed"];

    /// The place in [`Verdict::WORDS`].
    #[must_use]
    pub fn severity(&self) -> usize {
        Self::WORDS
            .iter()
            .position(|word| *word == self.word())
            .unwrap_or(Self::WORDS.len())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contained => f.write_str("contained"),
            Self::Unverified { kinds, open } => {
                f.write_str("unverified: ")?;
                if let Some(open) = open {
                    write!(f, "{open}{}", if kinds.is_empty() { "" } else { "; " })?;
                }
                for (n, (kind, why)) in kinds.iter().enumerate() {
                    write!(f, "{} {kind} ({why})", if n > 0 { "," } else { "cannot list" })?;
                }
                Ok(())
            }
            Self::Residual { until, what } => write!(f, "residual until {until}: {what}"),
            Self::NoPrincipal { what } => write!(f, "no_principal: {what}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::Released { what } => write!(f, "released: {what}"),
        }
    }
}

/// What the second observation still shows although it was demanded gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// The account is not suspended although that was asked for.
    pub open: bool,
    /// The grants that are still listed.
    pub grants: Vec<GrantRef>,
}

impl fmt::Display for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<GrantKind, usize> = BTreeMap::new();
        for grant in &self.grants {
            *counts.entry(grant.kind).or_default() += 1;
        }
        let mut parts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if self.open {
            parts.insert(0, "the account is not suspended".to_owned());
        }
        write!(f, "still there: {}", parts.join(", "))
    }
}
