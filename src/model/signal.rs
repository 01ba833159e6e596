//! One authenticated claim by a source that something happened to a subject.

use serde::{Deserialize, Serialize};

use super::{Priority, Reason, Scope, Subject, Timestamp};

/// One authenticated claim by a source that something happened to a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Names the signal within its source (`iss` + `jti`, the row's key, the inbox row): the same key again is the same signal.
    pub key: String,
    /// SHA-256 of what the source sent: the same key with another digest is an attack or a fault, never a duplicate.
    pub digest: [u8; 32],
    /// Whom it is about.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// How urgent; [`Reason::priority`] where the source says nothing.
    pub priority: Priority,
    /// What it is about: everything, or one named grant.
    pub scope: Scope,
    /// When it happened, as the source says.
    pub occurred_at: Option<Timestamp>,
    /// The human or program behind it, for the trail.
    pub requested_by: Option<String>,
    /// Free text for the trail. Personal data: kept in the case, hashed in the trail.
    pub note: Option<String>,
    /// What the source counts it to (claim `txn` of a SET, RFC 8417 section 2.2): signals of one cause share it.
    pub txn: Option<String>,
    /// The playbook asked for; `None` for the one named like the reason.
    pub playbook: Option<String>,
    /// The one target asked for; `None` for all of the playbook.
    pub target: Option<String>,
    /// How long to go on looking after the verdict and ending what comes back, beyond what the playbook says.
    pub keep_out: Option<std::time::Duration>,
    /// The credential that has leaked, where the signal is about one and brings it along: its subject is the credential's digest then.
    pub leaked: Option<LeakedValue>,
    /// When to act.
    pub when: When,
    /// What the source's own rules say about it, before policy.
    pub disposition: Disposition,
}

/// A credential in the wrong hands, on its way into the store, where it is kept encrypted. Two of the same digest are equal.
#[derive(Debug, Clone)]
pub struct LeakedValue(pub secrecy::SecretString);

impl LeakedValue {
    /// What stands for it everywhere but at the target.
    #[must_use]
    pub fn digest(&self) -> String {
        use secrecy::ExposeSecret as _;
        super::digest_of(self.0.expose_secret())
    }
}

impl PartialEq for LeakedValue {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for LeakedValue {}

/// When a signal asks for action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// At an instant.
    At(Timestamp),
    /// As an HR plan says: kept as wall date and zone, so that a change of the zone's rules moves the instant.
    Departure(Departure),
}

/// What the mapping of the protocol says about a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// To be acted on.
    Act,
    /// To be decided by a human, and why.
    Hold(String),
    /// The person stays, as far as the source knows, and why: a human may decide otherwise, unless the source says first that it is a departure
    /// after all.
    Stays(String),
    /// To be kept only, and why.
    Ignore(String),
}

/// One step in the life of an HR departure, keyed by employee and employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The HR system's number of the person.
    pub employee: String,
    /// The HR system's number of the employment; empty where there is only one.
    pub employment: String,
    /// What is to become of the plan.
    pub step: DepartureStep,
}

/// What an HR row asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum DepartureStep {
    /// The employment ends: plan it, or move an existing plan.
    Leave {
        /// The last day or the explicit instant, as written.
        leaves: Leaves,
        /// The instant that this means under today's zone rules.
        fire_at: Timestamp,
    },
    /// The departure is called off.
    Rescind,
    /// The person is employed again.
    Rehire,
    /// The HR record is gone: deleted, or missing from a file that should name everybody. No termination; a human decides.
    Vanished {
        /// When that was seen.
        at: Timestamp,
    },
}

/// When an employment ends, as an HR file states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Leaves {
    /// A wall date in a zone.
    Wall {
        /// `YYYY-MM-DD`.
        date: String,
        /// An IANA zone name.
        zone: String,
        /// What the date means.
        rule: DateRule,
        /// The time of the last day at which access ends already, as `HH:MM`; `None` where the whole of it is worked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<String>,
    },
    /// An explicit instant.
    Instant {
        /// The instant.
        at: Timestamp,
    },
}

/// What a wall date of an HR row means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateRule {
    /// The person still works on that day: access ends at 00:00 of the day after.
    LastDayInclusive,
    /// The person is gone on that day: access ends at its 00:00.
    FirstDayInactive,
}

impl Signal {
    /// A signal about a credential that has leaked: exactly the grant that it opens is to be ended.
    #[must_use]
    pub fn of_leaked(key: impl Into<String>, digest: [u8; 32], value: LeakedValue) -> Self {
        let subject = Subject::Credential(value.digest());
        Self {
            scope: Scope::Leaked,
            leaked: Some(value),
            ..Self::new(key, digest, subject, Reason::Compromised)
        }
    }

    /// A signal to act on now, about everything, with the reason's own priority.
    #[must_use]
    pub fn new(key: impl Into<String>, digest: [u8; 32], subject: Subject, reason: Reason) -> Self {
        Self {
            key: key.into(),
            digest,
            subject,
            reason,
            priority: reason.priority(),
            scope: Scope::Everything,
            occurred_at: None,
            requested_by: None,
            note: None,
            txn: None,
            playbook: None,
            target: None,
            keep_out: None,
            leaked: None,
            when: When::Now,
            disposition: Disposition::Act,
        }
    }
}
