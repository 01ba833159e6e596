//! Handling one request: its id, its span, its timeout, and what every answer carries.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, HOST, X_CONTENT_TYPE_OPTIONS};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, StatusCode, Version};
use hyper::body::Incoming;
use tower::ServiceExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use super::app_state::AppState;
use super::client_address::{ClientKey, client, is_forwarded};
use super::connection_limit::{ConnectionSlot, Stage};
use super::{Limits, Problem, problem, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: in the header `X-Request-Id` of its answer, in its log lines and in what the trail says about it. A sender cannot
/// choose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// A new one.
    #[must_use]
    pub fn fresh() -> Self {
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
pub(super) struct RequestHandler {
    router: Router,
    app: Arc<AppState>,
}

impl RequestHandler {
    pub(super) fn new(app: AppState) -> Self {
        let app = Arc::new(app);
        Self {
            router: routes(Arc::clone(&app)),
            app,
        }
    }

    /// Never fails: what goes wrong is answered, and logged under the id that the answer carries.
    pub(super) async fn answer(
        self,
        peer: IpAddr,
        slot: Arc<ConnectionSlot>,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        slot.set_stage(Stage::Unproven);
        let id = RequestId::fresh();
        let proxies = &self.app.limits.proxies;
        let client = client(peer, proxies, request.headers());
        if is_forwarded(request.headers()) && !proxies.contains(&peer.to_canonical()) {
            let intake = Arc::clone(&self.app.ports.intake);
            self.app
                .tracker
                .spawn(async move { intake.forwarded_by_unnamed(peer.to_canonical()).await });
        }
        let extensions = request.extensions_mut();
        extensions.insert(id.clone());
        extensions.insert(Peer(client));
        extensions.insert(ClientKey::at(client, proxies));
        extensions.insert(Arc::clone(&slot));
        let span = tracing::info_span!("request", request.id = id.as_str(), method = %request.method());
        let response = self.within(id, request).instrument(span).await;
        slot.set_stage(Stage::Idle);
        Ok(response)
    }

    async fn within(self, id: RequestId, request: Request<Incoming>) -> Response {
        let Limits { body, answer, .. } = *self.app.limits;
        let whole = body + answer;
        let answer = async {
            match host_fault(&request) {
                Some(fault) => Ok(fault.into_response()),
                None => self.router.oneshot(request.map(Body::new)).await,
            }
        };
        let call = AssertUnwindSafe(answer).catch_unwind();
        let mut response = match tokio::time::timeout(whole, call).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_)) => internal_error(),
            Err(_) => {
                tracing::error!(after.ms = whole.as_millis(), "a request was not answered in time");
                unavailable()
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

/// What is wrong with the host that a request is for: HTTP/1.1 demands that it is said once (RFC 9112 section 3.2), since two readers could
/// each believe another one.
fn host_fault<B>(request: &Request<B>) -> Option<Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let sound = match (hosts.next(), hosts.next()) {
        // A request target without an authority has an empty host.
        (Some(host), None) => {
            host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'))
        }
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    };
    let why = "an HTTP/1.1 request has one Host header with a host in it";
    (!sound).then(|| Problem::new(StatusCode::BAD_REQUEST, why))
}

/// The answer to a request on which the daemon broke down.
pub(super) fn internal_error() -> Response {
    tracing::error!("answered 500; the line of the breakdown itself stands above");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "this request met a defect in the daemon, which is logged",
    )
    .into_response()
}

/// The answer to a request that took us too long.
pub(super) fn unavailable() -> Response {
    busy().into_response()
}

/// What a sender is told where there is too much to do.
pub(super) fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the daemon is too busy to answer in time; send it again later",
    )
    .retry_after(Duration::from_secs(10))
}
