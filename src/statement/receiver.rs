//! A receiver's wishes: what it is told, about which cases, in which form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Proof, SubjectForm};
use crate::model::Reason;

/// A configured party that is told what was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in the config, which is also the id of its stream.
    pub name: String,
    /// `iss`: our own name.
    pub issuer: String,
    /// `aud`: what the receiver calls itself.
    pub audience: String,
    /// The events that it wants.
    pub events: BTreeSet<EventType>,
    /// How it names people.
    pub subject: SubjectForm,
    /// Only cases to which signals of these sources belong; empty for all.
    pub sources: Vec<String>,
    /// Only cases that were opened for these reasons; empty for all.
    pub reasons: Vec<Reason>,
    /// Whether it reads complex subjects with a `session`, and may so be told about a single one.
    pub single_sessions: bool,
}

impl Receiver {
    /// Whether it is to hear of a case at all.
    pub(super) fn subscribes_to(&self, proof: &Proof) -> bool {
        let source = self.sources.is_empty() || self.sources.iter().any(|name| proof.sources.contains(name));
        let reason = self.reasons.is_empty() || self.reasons.contains(&proof.reason);
        source && reason
    }
}

/// The events that we can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventType {
    /// CAEP 1.0 section 3.1.
    SessionRevoked,
    /// CAEP 1.0 section 3.3.
    CredentialChange,
    /// SSF 1.0 section 8.1.4: the handshake, sent whatever the receiver wants.
    Verification,
}

impl EventType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::SessionRevoked, Self::CredentialChange, Self::Verification];

    /// The word in config, tables, metrics and the trail.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange => "credential-change",
            Self::Verification => "verification",
        }
    }

    /// The name of the event in `events`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::SessionRevoked => "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            Self::CredentialChange => "https://schemas.openid.net/secevent/caep/event-type/credential-change",
            Self::Verification => "https://schemas.openid.net/secevent/ssf/event-type/verification",
        }
    }
}
