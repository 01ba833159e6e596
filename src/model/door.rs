//! What still lets somebody in afresh after everything was ended: said with every verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Sentence, Timestamp};

/// One way in that ending grants does not close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Which.
    pub door: DoorKind,
    /// What it means here and what closes it, in one sentence.
    pub says: Sentence,
    /// Until when at the latest, where it closes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The ways in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// A password of the target's own, which an intruder may know.
    OwnPassword,
    /// The sign-in is decided by another system.
    SignInElsewhere,
    /// A code that was handed out and not exchanged yet.
    PendingCode,
    /// A link in a mail that sets a new password.
    ResetLink,
    /// An access token that is none of the case's business, and makes the next session.
    AccessToken,
}

impl DoorKind {
    /// The word in the evidence and the output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OwnPassword => "own_password",
            Self::SignInElsewhere => "sign_in_elsewhere",
            Self::PendingCode => "pending_code",
            Self::ResetLink => "reset_link",
            Self::AccessToken => "access_token",
        }
    }
}

impl Door {
    /// A door without an end.
    #[must_use]
    pub fn new(door: DoorKind, says: impl Into<Sentence>) -> Self {
        Self {
            door,
            says: says.into(),
            until: None,
        }
    }

    /// The same door, which closes by itself.
    #[must_use]
    pub fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.door.word(), self.says)?;
        match self.until {
            Some(until) => write!(f, " (until {until})"),
            None => Ok(()),
        }
    }
}
