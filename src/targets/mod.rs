//! Targets: the systems in which principals are contained. One file or folder and one row of [`KINDS`] each.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, GrantKind, Principal, Priority, Resolution, Subject};
use crate::settings::{Complaint, Settings};

pub mod mattermost;

/// One kind of target: its row in the table that the config, `revoked kinds`, the docs check and the conformance suite read.
pub struct Kind {
    /// What a config writes after `kind =`.
    pub name: &'static str,
    /// One line for `revoked kinds`.
    pub about: &'static str,
    /// Builds one from the keys of its table. Reads credentials, opens nothing.
    pub build: fn(&Settings<'_>, &Clock) -> Built,
}

/// A built target, or everything that is wrong with its table.
pub type Built = Result<Arc<dyn Target>, Vec<Complaint>>;

/// Every kind of target.
pub const KINDS: &[Kind] = &[mattermost::KIND];

/// A system in which principals are contained.
///
/// Every call that goes out asks `pass` for a permit first, and tells it what the answer said about limits. A target keeps no state that
/// matters: the observation is the truth.
#[async_trait]
pub trait Target: Send + Sync {
    /// What it can end, list and not see. May become richer once the server's version is known.
    fn capabilities(&self) -> Capabilities;

    /// Whether the target can be asked for somebody by a simple subject of this form. One that cannot is no proof that nobody is there.
    fn asks_by(&self, _name: &Subject) -> bool {
        true
    }

    /// Looks a subject up, by all of its names. `None` only where the target was reached and said that nobody is there; names that lead
    /// to different accounts are ambiguous.
    async fn resolve(&self, pass: &Pass, subject: &Subject) -> Result<Resolution, TargetError>;

    /// Lists what the principal can reach, of the kinds asked for, and whether the account is suspended. Changes nothing. A kind that
    /// could not be listed whole is in `unseen`, never silently absent; a partial list is an error.
    async fn observe(&self, pass: &Pass, principal: &Principal, kinds: &BTreeSet<GrantKind>) -> Result<Access, TargetError>;

    /// Makes one change. Idempotent: what is already so counts as done. `principals` has one member unless
    /// [`Capabilities::set_size`] says that the target takes sets.
    async fn apply(&self, pass: &Pass, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError>;

    /// Looks whether the target is reachable, allows what we need, and is set up sensibly. Changes nothing.
    async fn probe(&self, pass: &Pass) -> Result<Probe, TargetError>;
}

/// What an apply left behind for the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The target's ids of the requests sent, for comparison with its own logs.
    pub requests: Vec<String>,
    /// Whether the target said that it was so already.
    pub already: bool,
}

/// A failed call, with what to do about it, chosen where the answer was understood.
#[derive(Debug)]
pub struct TargetError {
    /// What was being done: `listing the sessions of …`.
    pub doing: String,
    /// What to do about it.
    pub remedy: Remedy,
    /// What happened.
    pub source: anyhow::Error,
    /// The target's id of the failed request, where it gave one.
    pub request: Option<String>,
}

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Try again with back-off; counts as an attempt.
    Retry,
    /// The target limits us: wait this long; costs no attempt.
    RetryAfter(Duration),
    /// Our credential or our permissions do not work: pause the lane and alert; costs no attempt.
    Pause,
    /// Trying again cannot help.
    GiveUp,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:#}", self.doing, self.source)
    }
}

impl std::error::Error for TargetError {}

/// What a probe found: facts, and findings with what to do about each.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Probe {
    /// The server's version as it names itself.
    pub version: Option<String>,
    /// The account we act as.
    pub acting_as: Option<String>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
}

/// One thing that a probe found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Note,
    /// Works, but weaker than it could be.
    Warning,
    /// Revocations will fail.
    Error,
}

/// Hands out permits to call a target, most urgent waiter first, and listens to what the target says about its limits.
#[async_trait]
pub trait Permits: Send + Sync {
    /// Waits until the next call may be sent and no more urgent one waits.
    async fn permit(&self, priority: Priority);

    /// Takes note of what an answer said. It can only slow calls down below the configured rate, never speed them up past it.
    fn heard(&self, said: Said);
}

/// What an answer said about the target's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// Calls left before the target refuses (`X-Ratelimit-Remaining`, the smallest where there are several).
    pub remaining: Option<u32>,
    /// Time until its bucket is full again (`X-Ratelimit-Reset`).
    pub reset: Option<Duration>,
    /// It refused: wait this long (`Retry-After` of a 429 or 503; a default where it named none).
    pub refused: Option<Duration>,
}

/// What a call carries besides its arguments: how urgent it is, and whom to ask for a permit.
#[derive(Clone)]
pub struct Pass {
    priority: Priority,
    permits: Arc<dyn Permits>,
}

impl Pass {
    /// A pass for calls of one job.
    #[must_use]
    pub fn new(priority: Priority, permits: Arc<dyn Permits>) -> Self {
        Self { priority, permits }
    }

    /// A pass that waits for nobody: for the handful of reads of a probe or a rehearsal outside the daemon.
    #[must_use]
    pub fn unpaced() -> Self {
        Self::new(Priority::ROUTINE, Arc::new(Unpaced))
    }

    /// The same pass for calls of this urgency.
    #[must_use]
    pub fn at(&self, priority: Priority) -> Self {
        Self::new(priority, Arc::clone(&self.permits))
    }

    /// Waits for the permit to send one request.
    pub async fn permit(&self) {
        self.permits.permit(self.priority).await;
    }

    /// Passes on what an answer said about limits.
    pub fn heard(&self, said: Said) {
        self.permits.heard(said);
    }
}

struct Unpaced;

#[async_trait]
impl Permits for Unpaced {
    async fn permit(&self, _: Priority) {}

    fn heard(&self, _: Said) {}
}
