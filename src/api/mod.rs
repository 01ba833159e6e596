//! The listening HTTP server: where pushed signals come in, and where one asks whether the daemon lives.
//!
//! Reading order: [`serve()`] accepts connections and stops them (`serve`, graceful shutdown), within the [`Limits`]; `connection` speaks HTTP/1.1
//! on one of them, with the timeouts that end a slow client (`write_timeout` for one that does not read). Past the connection limit an idle
//! connection is evicted for each that comes (`connection_limit`). `request` is what holds for every request: each is given a [`RequestId`], which its
//! answer, its log lines and its trail entries carry. `deliver` reads one delivery within its body limit (`body`) and hands it to its source.
//! A client that nothing authenticates and that is refused again and again is answered with 429 (`client_penalty`, `throttled_endpoints`), told
//! apart by `client_address`; whoever proves who it is never is. `health` has liveness, readiness and metrics.
//!
//! What lies behind the endpoints is told by the [`Ports`]; this module knows no store and no source. TLS and HTTP/2 are the reverse proxy's. An
//! error is answered with a [`Problem`] (RFC 9457), which never tells paths, SQL or what another server said.

mod app_state;
mod body;
mod client_address;
mod client_penalty;
mod connection;
mod connection_limit;
mod deliver;
mod health;
mod limits;
mod problem;
mod request;
mod serve;
mod throttled_endpoints;
mod write_timeout;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;

use crate::model::Trace;
use crate::telemetry::{Gauges, Metrics};

pub use client_address::{ClientKey, client};
pub(crate) use connection::said_something;
pub use connection_limit::{ConnectionSlot, ConnectionSlots, Stage};
pub use limits::Limits;
pub use problem::{Problem, render};
pub use request::{Peer, RequestId};
pub use serve::{listen, serve};
pub use write_timeout::WriteTimeout;

/// What lies behind the server: each port is a trait that the daemon implements.
#[derive(Clone)]
pub struct Ports {
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
    fn endpoint(&self, source: &str, below: Option<&str>) -> Option<Endpoint>;

    /// What the header of a request says of its sender, before a byte of the body is read: the request's own is empty.
    async fn admits(&self, source: &str, head: &http::Request<Bytes>) -> Admission;

    /// Whether a whole request proves who sent it, whatever else may be wrong with it.
    async fn proves(&self, source: &str, request: &http::Request<Bytes>) -> bool;

    /// Takes one delivery, whole and within the endpoint's cap, and answers once what it says is stored, or refused and recorded; `None` where
    /// the source is gone meanwhile. The request's extensions hold its [`RequestId`], its [`Peer`], and as a [`Trace`] what a refusal leaves
    /// behind where nothing proves who sent it.
    ///
    /// The answer is sent as it is, but one of 4xx, other than 429, to an unauthenticated client that was refused too often before: unless its extensions
    /// hold a [`NoFault`](crate::model::NoFault) it counts against its sender, and becomes a 429. A sender that hangs up, or that was told
    /// to come again after [`Limits::answer`], does not stop this: what has begun is finished, unless the server is cut.
    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>>;

    /// Takes note of a request to `source` that was refused before its endpoint took it.
    async fn refused_early(&self, source: &str, refused: EarlyRefusal<'_>);

    /// Told when `source` begins to throttle unauthenticated clients.
    async fn throttling_started(&self, source: &str);

    /// Told when it no longer does.
    async fn throttling_ended(&self, source: &str);

    /// Told of each request that says to have been passed on, by a peer that is none of [`Limits::proxies`].
    async fn forwarded_by_unnamed(&self, by: IpAddr);
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
pub struct EarlyRefusal<'a> {
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
    fn endpoint(&self, path: &str) -> Option<Endpoint>;

    /// What the header of a request says of its sender; the request's body is empty.
    fn admits(&self, head: &http::Request<Bytes>) -> Admission;

    /// Answers one request, whole and within the endpoint's cap; `None` where there is nothing after all. An answer may take up to 20 s, since a
    /// receiver may wait for what is not there yet. One of 4xx counts as for [`Intake::deliver`].
    async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>>;
}

/// What a push source takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The largest body, in bytes; a larger one is answered with 413.
    pub body_cap: usize,
    /// The methods; every other one is answered with 405.
    pub methods: &'static [http::Method],
}

/// The port behind `/readyz`.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// What is wrong with the daemon now, each as a sentence for an operator; empty where all is well.
    async fn unready(&self) -> Vec<String>;
}

/// Every route.
fn routes(state: Arc<app_state::AppState>) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/signals/{source}", any(deliver::deliver))
        .route("/signals/{source}/{*below}", any(deliver::deliver))
        .fallback(deliver::fallback)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(state)
}
