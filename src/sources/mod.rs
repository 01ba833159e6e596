//! Sources: the configured origins of signals. One file or folder and one row of [`KINDS`] each; what several share is in `shared`.
//!
//! Reading order: the traits [`Push`] and [`Pull`] here, `shared`, then the kinds, from the smallest to the largest: `inbox`,
//! `global_token_revocation`, `back_channel_logout`, `ssf`, `scim`, `webhook`, `hr_csv`.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

use crate::clock::Clock;
use crate::model::{Delivery, Receipt, Timestamp};
use crate::settings::{ConfigError, Settings};

pub mod back_channel_logout;
pub mod global_token_revocation;
pub mod hr_csv;
pub mod inbox;
pub mod scim;
mod shared;
pub mod ssf;
pub mod webhook;

pub(crate) use shared::http_answers::UNKNOWN_KEY;
pub use shared::source_state::{NoState, SourceState};

/// One kind of source: its row in the table that the config, `revoked kinds`, the docs check and the conformance suite read.
pub struct Kind {
    /// What a config writes after `kind =`.
    pub name: &'static str,
    /// One line for `revoked kinds`.
    pub about: &'static str,
    /// Builds one from the keys of its table. Reads credentials, opens nothing.
    pub build: fn(&Settings<'_>, &Clock) -> Result<Source, Vec<ConfigError>>,
}

/// Every kind of source.
pub const KINDS: &[Kind] = &[
    inbox::KIND,
    ssf::KIND,
    ssf::PUSHED,
    global_token_revocation::KIND,
    back_channel_logout::KIND,
    webhook::KIND,
    hr_csv::KIND,
    scim::KIND,
];

/// A built source.
#[derive(Clone)]
pub enum Source {
    /// The sender comes to us.
    Push(Arc<dyn Push>),
    /// We go and look.
    Pull(Arc<dyn Pull>),
    /// The sender comes to us, and we look after the connection at intervals.
    Both(Arc<dyn Push>, Arc<dyn Pull>),
    /// The table `inbox` of our own database, which other programs write; the intake reads it.
    Inbox,
}

impl Source {
    /// The push endpoint, where the sender comes to us.
    #[must_use]
    pub fn push(&self) -> Option<&Arc<dyn Push>> {
        match self {
            Self::Push(push) | Self::Both(push, _) => Some(push),
            Self::Pull(_) | Self::Inbox => None,
        }
    }

    /// What is weaker here than it could be, each as a sentence for `revoked check`.
    #[must_use]
    pub fn cautions(&self) -> Vec<String> {
        match self {
            Self::Push(push) | Self::Both(push, _) => push.cautions(),
            Self::Pull(pull) => pull.cautions(),
            Self::Inbox => Vec::new(),
        }
    }

    /// What is looked at, where we go and look.
    #[must_use]
    pub fn pull(&self) -> Option<&Arc<dyn Pull>> {
        match self {
            Self::Pull(pull) | Self::Both(_, pull) => Some(pull),
            Self::Push(_) | Self::Inbox => None,
        }
    }
}

/// What came of reading one request.
#[derive(Debug)]
pub enum Received {
    /// To be stored, and answered by [`Push::accepted`].
    Delivery(Delivery),
    /// To be stored, and answered with this once it is.
    Answered(Delivery, ::http::Response<Bytes>),
    /// Nothing to store: a question, and its answer.
    Reply(::http::Response<Bytes>),
}

impl Received {
    /// What is to be stored, if anything.
    #[must_use]
    pub fn delivery(self) -> Option<Delivery> {
        match self {
            Self::Delivery(delivery) | Self::Answered(delivery, _) => Some(delivery),
            Self::Reply(_) => None,
        }
    }
}

/// What the header of a request says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderAuth {
    /// It proves who that is.
    Proven,
    /// Nothing, or too little: the body must be read.
    Unread,
}

/// What the targets say about whom a stored delivery names. The work itself asks them; nothing is asked twice, and nothing waits for the
/// answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectLookup {
    /// A target knows the person, and the work has begun; or a human decides first, as policy says.
    Somebody,
    /// Every target was asked just now and said that nobody is there.
    Nobody,
    /// The names fit several accounts, no target can be asked by them, or no playbook demands anything.
    Unclear,
    /// No target has said anything in time.
    Unreachable,
}

/// A source whose sender comes to us by HTTP at `/signals/<name>`.
#[async_trait]
pub trait Push: Send + Sync {
    /// The largest body taken, in bytes.
    fn body_cap(&self) -> usize;

    /// The HTTP methods taken; every other one is answered with 405.
    fn methods(&self) -> &'static [::http::Method] {
        const POST: &[::http::Method] = &[::http::Method::POST];
        POST
    }

    /// Whether a path below `/signals/<name>/` is one of its own; without one the endpoint is at `/signals/<name>` alone.
    fn has_path_below(&self, _below: &str) -> bool {
        false
    }

    /// Whether its deliveries are taken one at a time, since each reads what the one before it has stored.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Whether a request only asks and changes nothing, so that it need not wait for its turn.
    fn is_read_only(&self, _request: &::http::Request<Bytes>) -> bool {
        false
    }

    /// Whether a question is answered only to a sender who has proved who it is, so that an answer shows that the source is alive.
    fn knows_who_asks(&self) -> bool {
        false
    }

    /// What the header of a request says of its sender, before a byte of the body is read: the body of `head` is empty. A credential that
    /// stands in a header is checked here. Who proves itself here is let in whatever strangers do, so this must be cheap, and say
    /// [`SenderAuth::Proven`] only to whom [`Push::receive`] would believe.
    ///
    /// # Errors
    /// Where a credential must stand in a header, and does not, or is not one that is valid here.
    async fn admits(&self, _head: &::http::Request<Bytes>) -> Result<SenderAuth, Rejection> {
        Ok(SenderAuth::Unread)
    }

    /// Whether a whole request that was refused proves who sent it all the same: what a sender gets wrong is no attack.
    async fn proves(&self, request: &::http::Request<Bytes>) -> bool {
        self.admits(request).await == Ok(SenderAuth::Proven)
    }

    /// Authenticates and reads one delivery. It is acknowledged only after the signals are stored.
    ///
    /// # Errors
    /// A [`Rejection`], which the intake records before it is answered.
    async fn receive(&self, request: &::http::Request<Bytes>, state: &dyn SourceState) -> Result<Received, Rejection>;

    /// Reads one delivery without asking what proves its sender, for an operator who has a sample and tries what would become of it;
    /// `None` where what is read and what proves it are one and the same.
    fn read_unproven(&self, _request: &::http::Request<Bytes>) -> Option<Result<Received, Rejection>> {
        None
    }

    /// The targets that its signals may name, as the config calls them.
    fn targets(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What is weaker here than it could be, each as a sentence for `revoked check`.
    fn cautions(&self) -> Vec<String> {
        Vec::new()
    }

    /// The answer to a delivery that is stored.
    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes>;

    /// How long the answer waits for what the targets say about whom the delivery names; `None` where it does not depend on that.
    fn lookup_timeout(&self) -> Option<Duration> {
        None
    }

    /// The answer to a delivery that is stored, by what the targets have said.
    fn answered(&self, receipt: &Receipt, _known: SubjectLookup) -> ::http::Response<Bytes> {
        self.accepted(receipt)
    }

    /// The answer to a delivery that is not.
    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes>;
}

/// What a source has before it and does not take yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// What it is called: a file's name.
    pub what: String,
    /// When it is decided about at the latest.
    pub until: Timestamp,
    /// Why it is not taken as it stands.
    pub why: String,
}

/// A source that we go and look at. [`Any`], since commands that work on a kind's behalf must find their kind again.
#[async_trait]
pub trait Pull: Any + Send + Sync {
    /// How long to wait between two looks.
    fn interval(&self) -> Duration;

    /// The deliveries that wait, oldest first, from `cursor` on. Each is stored in a transaction of its own, with its cursor; a large file in
    /// several, and read again where that broke off.
    ///
    /// # Errors
    /// Where the source cannot be looked at; the next look comes after the interval, and repeated failure alerts.
    async fn poll(&self, cursor: Option<&str>, state: &dyn SourceState) -> anyhow::Result<Vec<Delivery>>;

    /// What is weaker here than it could be, each as a sentence for `revoked check`.
    fn cautions(&self) -> Vec<String> {
        Vec::new()
    }

    /// What keeps it from being looked at here and now, for `revoked check`; looks, and changes nothing. Nothing is known of what only
    /// another machine could say.
    fn obstacle(&self) -> Option<String> {
        None
    }

    /// What lies there and is not taken yet, since more of it may come; looks, and changes nothing.
    fn awaited(&self) -> Vec<Awaited> {
        Vec::new()
    }

    /// Told after the commit that stored `delivery`, or the last of it, to tidy up (archive a file). May come again after a crash.
    ///
    /// # Errors
    /// Where tidying up failed; the delivery stays stored.
    async fn stored(&self, delivery: &Delivery, receipt: &Receipt) -> anyhow::Result<()>;

    /// A last word to the other side before the daemon stops, such as what was stored and is not yet acknowledged. Cut off after two
    /// seconds; nothing may depend on it.
    async fn before_stop(&self, _cursor: Option<&str>, _state: &dyn SourceState) {}
}

/// Why a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct Rejection {
    /// The class, which decides the HTTP status where the protocol leaves it open.
    pub kind: RejectionKind,
    /// The protocol's word (`invalid_key`), also the metric's label: from a closed set.
    pub code: &'static str,
    /// What was wrong, for the sender and the trail. Never a secret, nor the body.
    pub description: String,
    /// SHA-256 of the body, for the trail.
    pub digest: Option<[u8; 32]>,
}

/// The classes of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The sender did not prove who it is.
    Unauthenticated,
    /// The delivery is not of the protocol's form.
    Malformed,
    /// 415.
    MediaType,
    /// 413.
    TooLarge,
    /// Our own trouble, never the sender's fault: 503, and try again after this long.
    NotNow(Duration),
    /// The sender is too fast: 429.
    TooFast(Duration),
}
