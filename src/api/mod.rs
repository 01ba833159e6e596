//! The listening HTTP server: where pushed signals come in, and where one asks whether the daemon lives.
//!
//! [`serve()`] accepts connections within [`Limits`], so that no client, however slow or greedy, holds up another (`seats`), and no stranger
//! closes a door to those who can prove who they are (`receive`, `failures`). Every request is given a [`RequestId`], which its answer, its log lines and its trail entries carry. What lies behind the doors is told by the ports of
//! [`State`]; this module knows no store and no source.
//!
//! TLS and HTTP/2 are the reverse proxy's. An error is answered with a [`Problem`] (RFC 9457), which never tells paths, SQL or what
//! another server said.

mod address;
mod body;
mod closed;
mod connection;
mod doorway;
mod exchange;
mod failures;
mod health;
mod limits;
mod problem;
mod receive;
mod seats;
mod serve;
mod stall;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;

use crate::model::Trace;
use crate::telemetry::{Gauges, Metrics};

pub use exchange::{Peer, RequestId};
pub use limits::Limits;
pub use problem::Problem;
pub use serve::{listen, serve};

/// What the server answers from.
#[derive(Clone)]
pub struct State {
    /// Takes what is sent to `/signals/<source>`.
    pub intake: Arc<dyn Intake>,
    /// Answers what receivers ask, where anything is told to anybody.
    pub transmitter: Option<Arc<dyn Transmitter>>,
    /// Answers `/readyz`.
    pub readiness: Arc<dyn Readiness>,
    /// Rendered at `/metrics`.
    pub metrics: Metrics,
    /// Asked to bring the gauges up to date before they are rendered.
    pub gauges: Arc<dyn Gauges>,
}

/// The port behind `/signals/<source>` and the paths below it.
#[async_trait]
pub trait Intake: Send + Sync {
    /// What the push source of that name takes at its own path, or at the path `below` it; `None` where there is none, which is answered
    /// like any unknown path.
    fn door(&self, source: &str, below: Option<&str>) -> Option<Door>;

    /// What the header of a request says of its sender, before a byte of the body is read: the request's own is empty.
    async fn admits(&self, source: &str, head: &http::Request<Bytes>) -> Admission;

    /// Whether a whole request proves who sent it, whatever else may be wrong with it.
    async fn proves(&self, source: &str, request: &http::Request<Bytes>) -> bool;

    /// Takes one delivery, whole and within the door's cap, and answers once what it says is stored, or refused and recorded; `None` where
    /// the source is gone meanwhile. The request's extensions hold its [`RequestId`], its [`Peer`], and as a [`Trace`] what a refusal leaves
    /// behind where nothing proves who sent it.
    ///
    /// The answer is sent as it is, but one of 4xx, other than 429, to a stranger who was refused too often before: unless its extensions
    /// hold a [`NoFault`](crate::model::NoFault) it counts against its sender, and becomes a 429. A sender that hangs up, or that was told
    /// to come again after [`Limits::answer`], does not stop this: what has begun is finished, unless the server is cut.
    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>>;

    /// Takes note of a request to `source` that was refused before its door took it.
    async fn turned_away(&self, source: &str, refused: TurnedAway<'_>);

    /// Told when `source` begins to hold strangers off.
    async fn closed(&self, source: &str);

    /// Told when it no longer does.
    async fn opened(&self, source: &str);

    /// Told of each request that says to have been passed on, by a peer that is none of [`Limits::proxies`].
    async fn passed_on(&self, by: IpAddr);
}

/// What the header of a request says of its sender.
#[derive(Debug)]
pub enum Admission {
    /// It proves who that is.
    Proven,
    /// Nothing, or too little: the body must be read.
    Unread,
    /// What should prove it is not there, or does not.
    Refused(Refusal),
}

/// Why a request is refused by its header, and its answer.
#[derive(Debug)]
pub struct Refusal {
    /// For the trail and the metric, from a closed set.
    pub code: &'static str,
    /// The reason that its sender is told.
    pub why: String,
    /// The answer.
    pub answer: http::Response<Bytes>,
}

/// A request that was refused before its source took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnedAway<'a> {
    /// For the trail and the metric, from a closed set.
    pub code: &'static str,
    /// The reason that its sender is told.
    pub why: &'a str,
    /// Whether it is proved who sent it.
    pub proven: bool,
    /// What it leaves behind.
    pub trace: Trace,
}

/// What is wrong with a request before its source has seen it.
struct Fault {
    /// For the trail and the metric.
    code: &'static str,
    problem: Problem,
}

/// The port behind `/.well-known/ssf-configuration` and the paths that it names. They follow from our own name, so they are not in the
/// routing table.
#[async_trait]
pub trait Transmitter: Send + Sync {
    /// What is taken at `path`; `None` where nothing of the transmitter's is.
    fn door(&self, path: &str) -> Option<Door>;

    /// What the header of a request says of its sender; the request's body is empty.
    fn admits(&self, head: &http::Request<Bytes>) -> Admission;

    /// Answers one request, whole and within the door's cap; `None` where there is nothing after all. An answer may take up to 20 s, since a
    /// receiver may wait for what is not there yet. One of 4xx counts as for [`Intake::deliver`].
    async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>>;
}

/// What a push source takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The largest body, in bytes; a larger one is answered with 413.
    pub body_cap: usize,
    /// The methods; every other one is answered with 405.
    pub methods: &'static [http::Method],
}

/// The port behind `/readyz`.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Why the daemon cannot take signals now, each as a sentence for an operator; empty where it can.
    async fn unready(&self) -> Vec<String>;
}

/// Every route.
fn routes(state: Arc<doorway::Doorway>) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/signals/{source}", any(receive::receive))
        .route("/signals/{source}/{*below}", any(receive::receive))
        .fallback(receive::elsewhere)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(state)
}
