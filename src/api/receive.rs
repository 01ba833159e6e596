//! `/signals/<source>` and below: reads one delivery whole, within the source's bounds, and hands it to the intake. What receivers ask of
//! the transmitter is read and counted alike.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State as Part};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::failures::Failures;
use super::{Door, Limits, Peer, Problem, State, exchange};
use crate::model::{NoFault, Suspect};
use crate::telemetry::table;

/// How much of a body that is too large is read and thrown away before the answer, so that a sender which writes all before it reads gets to
/// see the 413 rather than a broken connection.
const COURTESY: usize = 1 << 20;

/// What the routes answer from.
pub(super) struct Doorway {
    pub(super) state: State,
    limits: Arc<Limits>,
    failures: Failures,
    /// One for each delivery at work, its sender waiting or not.
    places: Arc<Semaphore>,
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Doorway {
    /// Deliveries run in `tracker` until they are done or `cut`.
    pub(super) fn new(state: State, limits: Arc<Limits>, tracker: TaskTracker, cut: CancellationToken) -> Self {
        Self {
            state,
            failures: Failures::new(&limits),
            places: Arc::new(Semaphore::new(limits.connections)),
            limits,
            tracker,
            cut,
        }
    }
}

/// Where a request goes.
#[derive(serde::Deserialize)]
pub(super) struct Place {
    /// The source's name.
    source: String,
    /// The path below the source's own, where there is one.
    below: Option<String>,
}

/// Answers one delivery, unless its sender has failed too often.
pub(super) async fn receive(
    Part(doorway): Part<Arc<Doorway>>,
    path: Result<Path<Place>, axum::extract::rejection::PathRejection>,
    request: Request<Body>,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let answer = async {
        match path {
            Ok(Path(place)) => deliver(&doorway, &place, request).await,
            // A name that is not UTF-8 once its escapes are read is no source's.
            Err(_) => Problem::not_found().into_response(),
        }
    };
    counted(&doorway, peer, answer).await
}

/// Answers a request that no route is for: the transmitter's, or nobody's.
pub(super) async fn elsewhere(Part(doorway): Part<Arc<Doorway>>, request: Request<Body>) -> Response {
    let transmitter = doorway.state.transmitter.clone();
    let Some((transmitter, door)) = transmitter.and_then(|port| port.door(request.uri().path()).map(|door| (port, door))) else {
        return Problem::not_found().into_response();
    };
    let peer = request.extensions().get::<Peer>().copied();
    let answer = async {
        match admit(&doorway, &door, request).await {
            Ok(whole) => work(&doorway, "transmitter", async move { transmitter.answer(whole).await }).await,
            Err(fault) => fault.problem.into_response(),
        }
    };
    counted(&doorway, peer, answer).await
}

/// Counts what is refused against its sender, and looks no further where that was too much.
async fn counted(doorway: &Doorway, peer: Option<Peer>, answer: impl Future<Output = Response>) -> Response {
    if let Some(wait) = peer.and_then(|peer| doorway.failures.wait(peer.0)) {
        table::DELIVERIES_HELD_OFF.add([], 1);
        return Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many deliveries from this address were refused",
        )
        .retry_after(wait)
        .into_response();
    }
    let response = answer.await;
    let status = response.status();
    let faultless = response.extensions().get::<NoFault>().is_some();
    let suspect = response.extensions().get::<Suspect>().is_some();
    if suspect || (status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && !faultless) {
        peer.inspect(|peer| doorway.failures.record(peer.0));
    }
    response
}

async fn deliver(doorway: &Doorway, place: &Place, request: Request<Body>) -> Response {
    let Some(door) = doorway.state.intake.door(&place.source, place.below.as_deref()) else {
        return Problem::not_found().into_response();
    };
    match admit(doorway, &door, request).await {
        Ok(whole) => {
            let (intake, name) = (Arc::clone(&doorway.state.intake), place.source.clone());
            work(doorway, &place.source, async move { intake.deliver(&name, whole).await }).await
        }
        Err(fault) => turn_away(doorway, &place.source, fault).await,
    }
}

/// What is wrong with a request before its source has seen it.
struct Fault {
    /// For the trail and the metric.
    code: &'static str,
    problem: Problem,
}

/// Refuses a request, and has it recorded: what is bad leaves a trace at whichever door it knocks.
async fn turn_away(doorway: &Doorway, source: &str, fault: Fault) -> Response {
    // Where no place is free, the log alone tells of it: a flood of refusals must not keep deliveries out.
    if let Ok(place) = Arc::clone(&doorway.places).try_acquire_owned() {
        let (intake, name, cut) = (Arc::clone(&doorway.state.intake), source.to_owned(), doorway.cut.clone());
        let (code, why) = (fault.code, fault.problem.detail().to_owned());
        let recorded = async move {
            cut.run_until_cancelled(intake.turned_away(&name, code, &why)).await;
            drop(place);
        };
        let task = doorway.tracker.spawn(recorded.in_current_span());
        if tokio::time::timeout(doorway.limits.answer, task).await.is_err() {
            tracing::error!(source, "a refusal was not recorded in time");
        }
    } else {
        tracing::warn!(source, code = fault.code, "refused a delivery, and had no place to record it");
    }
    fault.problem.into_response()
}

/// Checks what HTTP says of a request, and reads its body within the time for it.
async fn admit(doorway: &Doorway, door: &Door, request: Request<Body>) -> Result<Request<Bytes>, Fault> {
    if !door.methods.contains(request.method()) {
        return Err(Fault {
            code: "method_not_allowed",
            problem: Problem::method(door.methods),
        });
    }
    if let Some(name) = said_twice(request.headers()) {
        let detail = format!("the header {name} stands more than once");
        return Err(Fault {
            code: "header_twice",
            problem: Problem::new(StatusCode::BAD_REQUEST, detail),
        });
    }
    tokio::time::timeout(doorway.limits.body, read(door, request))
        .await
        .unwrap_or_else(|_| {
            Err(Fault {
                code: "body_late",
                problem: Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
            })
        })
}

/// A header that must not stand twice, and does: two readers could each believe another one.
fn said_twice(headers: &HeaderMap) -> Option<&'static str> {
    let once = [
        (AUTHORIZATION, "Authorization"),
        (CONTENT_TYPE, "Content-Type"),
        (CONTENT_LENGTH, "Content-Length"),
    ];
    let twice = once.into_iter().find(|(name, _)| headers.get_all(name).iter().count() > 1);
    twice.map(|(_, name)| name)
}

/// Has the request taken in a task of its own, so that a sender who hangs up leaves nothing half done.
async fn work(
    doorway: &Doorway,
    source: &str,
    taken: impl Future<Output = Option<http::Response<Bytes>>> + Send + 'static,
) -> Response {
    let Ok(place) = Arc::clone(&doorway.places).try_acquire_owned() else {
        tracing::error!(source, "too many deliveries wait to be stored; refused one more");
        return exchange::late();
    };
    let cut = doorway.cut.clone();
    let delivered = async move {
        let delivered = cut.run_until_cancelled(taken).await;
        drop(place);
        delivered
    };
    let task = doorway.tracker.spawn(delivered.in_current_span());
    match tokio::time::timeout(doorway.limits.answer, task).await {
        Ok(Ok(Some(Some(response)))) => response.map(Body::from),
        Ok(Ok(Some(None))) => Problem::not_found().into_response(),
        Ok(Ok(None)) => exchange::late(),
        Ok(Err(_)) => exchange::broken(),
        Err(_) => {
            tracing::error!(
                source,
                after.ms = doorway.limits.answer.as_millis(),
                "a delivery was not stored in time"
            );
            exchange::late()
        }
    }
}

/// Reads the body up to the door's cap.
async fn read(door: &Door, request: Request<Body>) -> Result<Request<Bytes>, Fault> {
    if is_encoded(request.headers()) {
        // A bomb of a few bytes could unfold into gigabytes, and no sender needs it.
        let detail = "send the body without a Content-Encoding";
        return Err(Fault {
            code: "content_encoding",
            problem: Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail),
        });
    }
    let too_large = || {
        let detail = format!("the body is larger than the {} bytes taken here", door.body_cap);
        Fault {
            code: "too_large",
            problem: Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
        }
    };
    let patience = door.body_cap.saturating_add(COURTESY);
    if declared(request.headers()).is_some_and(|length| length > patience) {
        return Err(too_large());
    }
    let (parts, mut body) = request.into_parts();
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault {
            code: "body_broken",
            problem: Problem::new(
                StatusCode::BAD_REQUEST,
                "the body broke off or is not framed as HTTP/1.1 asks",
            ),
        })?;
        // Trailers say nothing that a delivery needs.
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > patience {
            break;
        }
        if seen <= door.body_cap {
            whole.extend_from_slice(&data);
        }
    }
    if seen > door.body_cap {
        return Err(too_large());
    }
    Ok(Request::from_parts(parts, whole.freeze()))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
