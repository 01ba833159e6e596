//! The listening HTTP server: where pushed signals come in, and where one asks whether the daemon lives.
//!
//! [`serve()`] accepts connections within [`Limits`], so that no client, however slow or greedy, holds up another. Every request is given a
//! [`RequestId`], which its answer, its log lines and its trail entries carry. What lies behind the doors is told by the ports of
//! [`State`]; this module knows no store and no source.
//!
//! TLS and HTTP/2 are the reverse proxy's. An error is answered with a [`Problem`] (RFC 9457), which never tells paths, SQL or what
//! another server said.

mod address;
mod connection;
mod exchange;
mod failures;
mod health;
mod limits;
mod problem;
mod receive;
mod serve;
mod stall;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;

use crate::telemetry::{Gauges, Metrics};

pub use exchange::{Peer, RequestId};
pub use limits::Limits;
pub use problem::Problem;
pub use serve::serve;

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

    /// Takes one delivery, whole and within the door's cap, and answers once what it says is stored, or refused and recorded; `None` where
    /// the source is gone meanwhile. The request's extensions hold its [`RequestId`] and its [`Peer`].
    ///
    /// The answer is sent as it is. One of 4xx, other than 429, counts as a failure of its sender, unless its extensions hold a
    /// [`NoFault`](crate::model::NoFault). A sender that hangs up, or that was told
    /// to come again after [`Limits::answer`], does not stop this: what has begun is finished, unless the server is cut.
    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>>;

    /// Records that a request to `source` was refused before its door saw it, under `code` (from a closed set) and for the reason that its
    /// sender is told.
    async fn turned_away(&self, source: &str, code: &'static str, why: &str);
}

/// The port behind `/.well-known/ssf-configuration` and the paths that it names. They follow from our own name, so they are not in the
/// routing table.
#[async_trait]
pub trait Transmitter: Send + Sync {
    /// What is taken at `path`; `None` where nothing of the transmitter's is.
    fn door(&self, path: &str) -> Option<Door>;

    /// Answers one request, whole and within the door's cap; `None` where there is nothing after all. An answer may take up to 20 s, since a
    /// receiver may wait for what is not there yet. One of 4xx, other than 429, counts as a failure of its sender.
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
fn routes(state: Arc<receive::Doorway>) -> Router {
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
