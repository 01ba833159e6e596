//! One request and its answer: what holds for every route.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use tower::ServiceExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use super::address::client;
use super::receive::Doorway;
use super::{Limits, Problem, problem, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: in the header `X-Request-Id` of its answer, in its log lines and in what the trail says about it. A sender cannot
/// choose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    pub(super) fn fresh() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The id's text, a UUID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address a request came from; behind one of [`Limits::proxies`] the address that the proxy names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Answers the requests of every connection.
#[derive(Clone)]
pub(super) struct Answerer {
    router: Router,
    limits: Arc<Limits>,
}

impl Answerer {
    pub(super) fn new(limits: Arc<Limits>, doorway: Doorway) -> Self {
        Self {
            router: routes(Arc::new(doorway)),
            limits,
        }
    }

    pub(super) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.limits.proxies.contains(&peer.to_canonical())
    }

    /// Never fails: what goes wrong is answered, and logged under the id that the answer carries.
    pub(super) async fn answer(self, peer: IpAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        let id = RequestId::fresh();
        let client = client(peer, &self.limits.proxies, request.headers());
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(Peer(client));
        let span = tracing::info_span!("request", request.id = id.as_str(), method = %request.method());
        Ok(self.within(id, request).instrument(span).await)
    }

    async fn within(self, id: RequestId, request: Request<Incoming>) -> Response {
        let whole = self.limits.body + self.limits.answer;
        let call = AssertUnwindSafe(self.router.oneshot(request.map(Body::new))).catch_unwind();
        let mut response = match tokio::time::timeout(whole, call).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_)) => broken(),
            Err(_) => {
                tracing::error!(after.ms = whole.as_millis(), "a request was not answered in time");
                late()
            }
        };
        problem::render(&mut response, &id);
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            headers.insert(REQUEST_ID, id);
        }
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
}

/// The answer to a request on which the daemon broke down.
pub(super) fn broken() -> Response {
    tracing::error!("answered 500; the line of the breakdown itself stands above");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "this request met a defect in the daemon, which is logged",
    )
    .into_response()
}

/// The answer to a request that took us too long.
pub(super) fn late() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the daemon is too busy to answer in time; send it again later",
    )
    .retry_after(Duration::from_secs(10))
    .into_response()
}
