//! Targets: the systems in which principals are contained. One file or folder and one row of [`KINDS`] each.
//!
//! Here is the trait [`Target`] with its contract, and what its calls ask and answer. `mattermost` is a kind in Rust, `described` the engine for
//! all that are described in TOML; `call_context` says for whom a call is made, `server_clock` what the answers show of a target's clock. What
//! kinds share: `connection` (URL, authorities, time limits), `retry_after`, `unknown_password`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::Instant;

use self::described::shipped;
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, Door, GrantKind, GrantRef, Principal, Resolution, Subject, Timestamp};
use crate::settings::{ConfigError, Settings};

mod call_context;
mod canary;
mod connection;
pub mod described;
mod endpoint;
pub mod exec;
pub mod global_token_revocation;
pub mod ldap;
pub mod linux_host;
pub mod mattermost;
pub mod oauth_revocation;
pub mod postgresql;
mod retry_after;
mod server_clock;
mod unknown_password;

pub use call_context::{AttemptStage, CallContext, Permit, Permits, RateLimitHints};
pub use canary::{CanaryLogin, HeldCredential};
pub use server_clock::ServerClock;

/// One kind of target: its row in the table that the config, `revoked kinds`, the docs check and the conformance suite read.
pub struct Kind {
    /// What a config writes after `kind =`.
    pub name: &'static str,
    /// One line for `revoked kinds`.
    pub about: &'static str,
    /// What a target of this kind is to the others where its table does not say it.
    pub role: TargetRole,
    /// The versions of the system that it was run against; none where it was written from the vendor's documents alone.
    pub tested: &'static [&'static str],
    /// Builds one from the keys of its table. Reads credentials, opens nothing.
    pub build: fn(&Settings<'_>, &Clock) -> Built,
}

/// Keys that the table of every target has, whatever its kind.
pub const SHARED_KEYS: [&str; 7] = ["name", "kind", "rate", "burst", "concurrency", "role", "canary"];

/// What a target is to the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetRole {
    /// People sign in elsewhere by it: its block comes first, and what it lets back in until then is ended again afterwards.
    IdentityProvider,
    /// People sign in to it.
    #[default]
    Application,
}

/// A built target, or everything that is wrong with its table.
pub type Built = Result<Arc<dyn Target>, Vec<ConfigError>>;

/// Every kind of target.
pub const KINDS: &[Kind] = &[
    mattermost::KIND,
    shipped::SYNAPSE,
    shipped::JUPYTERHUB,
    shipped::KEYSTONE,
    shipped::SCIM,
    shipped::RABBITMQ,
    shipped::ZABBIX,
    shipped::PRIVACYIDEA,
    shipped::DIRECTUS,
    shipped::OKTA,
    shipped::ENTRA,
    shipped::GOOGLE_WORKSPACE,
    shipped::KEYCLOAK,
    shipped::AUTH0,
    shipped::GITHUB_ORG,
    shipped::GITLAB,
    shipped::SLACK,
    shipped::GRAFANA,
    shipped::ATLASSIAN,
    described::KIND,
    ldap::KIND,
    ldap::ACTIVE_DIRECTORY,
    postgresql::KIND,
    linux_host::KIND,
    global_token_revocation::KIND,
    oauth_revocation::KIND,
    exec::KIND,
];

/// A system in which principals are contained.
///
/// Every call that goes out asks `context` for a permit first, and tells it what the answer said about limits. A target keeps no state that
/// matters: the observation is the truth.
#[async_trait]
pub trait Target: Send + Sync {
    /// What it can end, list and not see. May become richer once the server's version is known.
    fn capabilities(&self) -> Capabilities;

    /// Whether the target can be asked for somebody by a simple subject of this form. One that cannot is no proof that nobody is there.
    fn asks_by(&self, _name: &Subject) -> bool {
        true
    }

    /// What it is to the others, where that is known only once its table is read. `None` for a kind that always is what [`Kind::role`] says.
    fn role(&self) -> Option<TargetRole> {
        None
    }

    /// What its answers show of its clock. `None` for a kind whose answers are not dated.
    fn clock(&self) -> Option<&ServerClock> {
        None
    }

    /// Looks a subject up, by all of its names. `None` only where the target was reached and said that nobody is there; names that lead
    /// to different accounts are ambiguous.
    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError>;

    /// Lists what the principal can reach, of the kinds asked for, and how the account is. Changes nothing. A kind that could not be
    /// listed whole is in `unseen`, never silently absent; a partial list is an error. What concerns nobody in particular may come from a
    /// reading that other jobs share, where it began late enough for [`ObservationRequest::since`].
    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError>;

    /// Makes one change. Idempotent: what is already so counts as done. `principals` has one member unless
    /// [`Capabilities::set_size`] says that the target takes sets.
    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError>;

    /// Looks whether the target is reachable, allows what we need, and is set up sensibly. Changes nothing.
    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError>;

    /// Asks whose a leaked credential is, by using it once where that shows it. Changes nothing beside what any use of it does.
    ///
    /// # Errors
    /// A target whose credentials cannot be told apart by using them gives up; that is the default.
    async fn identify(&self, _context: &CallContext, _credential: &SecretString) -> Result<Identified, TargetError> {
        Err(no_leaked())
    }

    /// Whether a canary can sign in here: see [`Target::sign_in`].
    fn takes_canaries(&self) -> bool {
        false
    }

    /// Signs the canary in, and answers the credentials that it holds now: a session, and a token where it may make one.
    ///
    /// # Errors
    /// A target without a sign-in that we know gives up; that is the default.
    async fn sign_in(&self, _context: &CallContext, _canary: &CanaryLogin) -> Result<Vec<HeldCredential>, TargetError> {
        Err(canary::no_canary())
    }

    /// Uses a credential of the canary once. False where the target refuses it.
    ///
    /// # Errors
    /// Where the target's answer means neither.
    async fn is_taken(&self, context: &CallContext, held: &HeldCredential) -> Result<bool, TargetError> {
        canary::is_taken(&self.identify(context, &held.secret).await?)
    }

    /// Ends exactly the grant that a leaked credential opens, whichever it is, and says which it was. Idempotent, as [`Target::apply`].
    ///
    /// # Errors
    /// As [`Target::apply`].
    async fn end_leaked(
        &self,
        _context: &CallContext,
        _credential: &SecretString,
        _principal: &Principal,
    ) -> Result<EndedLeaked, TargetError> {
        Err(no_leaked())
    }
}

/// The answer of a target that knows nothing of leaked credentials.
fn no_leaked() -> TargetError {
    let why = anyhow::anyhow!("this kind of target cannot tell; end it by hand, or name its owner to revoked revoke");
    TargetError::new("asking whose a leaked credential is", Remedy::GiveUp, why)
}

/// The only one of `principals`, for a kind whose changes are made one by one.
fn one<'p>(action: &Action, principals: &'p [Principal]) -> Result<&'p Principal, TargetError> {
    let [principal] = principals else {
        let why = anyhow::anyhow!("this target takes one account at a time, and {} were named", principals.len());
        return Err(TargetError::new(format!("asked to {action}"), Remedy::GiveUp, why));
    };
    Ok(principal)
}

/// What an observation is asked to look at.
#[derive(Debug, Clone)]
pub struct ObservationRequest {
    /// The kinds to list.
    pub kinds: BTreeSet<GrantKind>,
    /// Whether the account itself is looked at; without, what its lookup has shown stands.
    pub account: bool,
    /// From when on a reading of a kind that several jobs share counts; of one that is not here, from now on.
    pub since: BTreeMap<GrantKind, Instant>,
}

impl ObservationRequest {
    /// Everything about these kinds, as it is now.
    #[must_use]
    pub fn now(kinds: BTreeSet<GrantKind>) -> Self {
        Self {
            kinds,
            account: true,
            since: BTreeMap::new(),
        }
    }

    /// From when on a shared reading of `kind` counts.
    #[must_use]
    pub fn since(&self, kind: GrantKind) -> Instant {
        self.since.get(&kind).copied().unwrap_or_else(Instant::now)
    }
}

/// What a target says about a leaked credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// The target takes it, and it is this account's.
    Alive(Principal),
    /// The target refuses it now, and said so while it was in good health.
    Refused {
        /// What that proves of a credential nobody has ended, and what it does not.
        proves: &'static str,
    },
    /// The target refuses it, and all others of this kind by a setting too: it may work again when that is changed.
    SwitchedOff(GrantKind, &'static str),
    /// It is what we use at the target ourselves.
    Ours,
}

/// What the end of a leaked credential left for the evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedLeaked {
    /// As for any change.
    pub applied: Applied,
    /// The grants that it was, as far as the target shows it: a session, and the token that had made it.
    pub grants: Vec<GrantRef>,
}

/// What an apply left behind for the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The target's ids of the requests sent, for comparison with its own logs.
    pub requests: Vec<String>,
    /// Whether the target said that it was so already.
    pub already: bool,
    /// When the request was sent, by the target's own clock, where its answer shows that: what a proof by a moment is counted from.
    pub sent_at: Option<Timestamp>,
    /// What a reader of the evidence should know: a part that could not be done and does not stand in the way of the rest.
    pub notes: Vec<String>,
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

impl TargetError {
    /// A failure of which the target gave no id.
    pub fn new(doing: impl Into<String>, remedy: Remedy, source: anyhow::Error) -> Self {
        Self {
            doing: doing.into(),
            remedy,
            source,
            request: None,
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:#}", self.doing, self.source)
    }
}

impl std::error::Error for TargetError {}

/// What a probe found: facts, and findings with what to do about each.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    /// The server's version as it names itself.
    pub version: Option<String>,
    /// The account we act as.
    pub acting_as: Option<String>,
    /// What lets people in afresh here, whatever is ended.
    pub doors: Vec<Door>,
    /// How often the server lets itself be called, where it says so.
    pub limit: Option<CallLimit>,
    /// What is wrong or worth knowing.
    pub findings: Vec<Finding>,
}

/// A target's own rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallLimit {
    /// Calls a second.
    pub per_second: u32,
    /// Calls at once after a pause, besides the next one.
    pub burst: u32,
}

/// One thing that a probe found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Note,
    /// Works, but weaker than it could be.
    Warning,
    /// Revocations will fail.
    Error,
}
