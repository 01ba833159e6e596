//! Why a signal was sent, and how urgent that makes the work.

use serde::{Deserialize, Serialize};

/// Why access must end. Each reason with a playbook leads to work; the others are recorded.
///
/// `compromised` and `departed` never share a limit: a bad HR feed must not hold back a real incident, nor the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody else may hold the subject's sessions or credentials.
    Compromised,
    /// The subject no longer works here.
    Departed,
    /// The account was disabled at the identity provider without a word of why.
    Suspended,
    /// A credential was changed or revoked: sessions made with the old one must end.
    CredentialChanged,
    /// The subject signed out at the identity provider.
    Logout,
    /// The identity provider sees a risk below certainty: for a human to decide.
    RiskElevated,
    /// The account was enabled again, or a departure taken back. Never undoes anything by itself.
    Reactivated,
    /// Something about the stream itself, or an event we only keep.
    Noted,
}

impl Reason {
    /// All reasons, in the order of the docs.
    pub const ALL: [Self; 8] = [
        Self::Compromised,
        Self::Departed,
        Self::Suspended,
        Self::CredentialChanged,
        Self::Logout,
        Self::RiskElevated,
        Self::Reactivated,
        Self::Noted,
    ];

    /// The word in config, tables and commands.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Departed => "departed",
            Self::Suspended => "suspended",
            Self::CredentialChanged => "credential_changed",
            Self::Logout => "logout",
            Self::RiskElevated => "risk_elevated",
            Self::Reactivated => "reactivated",
            Self::Noted => "noted",
        }
    }

    /// The reason that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The priority that work for this reason gets where the signal says nothing else.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Compromised => Priority::URGENT,
            Self::CredentialChanged | Self::Suspended => Priority::PROMPT,
            Self::Logout => Priority(2),
            _ => Priority::ROUTINE,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// How urgent work is: 0 goes first. Permits to call a target are given to the lowest number that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub u8);

impl Priority {
    /// A compromise: somebody may be inside at this moment. One slot of every lane is kept for it.
    pub const URGENT: Self = Self(0);
    /// Soon, before the leavers.
    pub const PROMPT: Self = Self(1);
    /// Departures and everything planned.
    pub const ROUTINE: Self = Self(3);
    /// Sweeps that look again at what is already contained.
    pub const SWEEP: Self = Self(4);

    /// Whether the slot kept for urgent work may be used.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        self.0 == Self::URGENT.0
    }
}
