//! `/signals/<source>` and below: reads one delivery whole, within the source's bounds, and hands it to the intake. What receivers ask of
//! the transmitter is read and counted alike.
//!
//! Who proves with the header of a request who it is, is let in before anything is counted. What else comes is looked at too, and only
//! where it is refused does it matter how often its sender was refused before: so no unauthenticated client can close an endpoint to those
//! who belong there.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use tracing::Instrument as _;

use super::app_state::AppState;
use super::client_address::ClientKey;
use super::client_penalty::PenaltyKey;
use super::connection_limit::{self, ConnectionSlot, Stage};
use super::{Admission, EarlyRefusal, Endpoint, Fault, Problem, Refusal, Transmitter, body, request};
use crate::model::{NoFault, Suspect, Trace};
use crate::telemetry::table;

/// How long a request waits for a permit among the deliveries at work.
const PERMIT_WAIT: Duration = Duration::from_secs(1);

/// Where a request goes.
#[derive(serde::Deserialize)]
pub(super) struct SourcePath {
    /// The source's name.
    source: String,
    /// The path below the source's own, where there is one.
    below: Option<String>,
}

/// Answers one delivery.
pub(super) async fn deliver(
    State(app): State<Arc<AppState>>,
    path: Result<Path<SourcePath>, axum::extract::rejection::PathRejection>,
    request: Request<Body>,
) -> Response {
    // A name that is not UTF-8 once its escapes are read is no source's.
    let Ok(Path(path)) = path else {
        return not_found(&app, &request);
    };
    let Some(endpoint) = app.ports.intake.endpoint(&path.source, path.below.as_deref()) else {
        return not_found(&app, &request);
    };
    EndpointRequest::new(&app, Backend::Source(path.source), &request)
        .answer(&endpoint, request)
        .await
}

/// Answers a request that no route is for: the transmitter's, or nobody's.
pub(super) async fn fallback(State(app): State<Arc<AppState>>, request: Request<Body>) -> Response {
    let transmitter = app.ports.transmitter.clone();
    let Some((transmitter, endpoint)) =
        transmitter.and_then(|port| port.endpoint(request.uri().path()).map(|endpoint| (port, endpoint)))
    else {
        return not_found(&app, &request);
    };
    EndpointRequest::new(&app, Backend::Transmitter(transmitter), &request)
        .answer(&endpoint, request)
        .await
}

/// The answer where there is no endpoint. Who keeps trying paths is told no more than that; those who stand for many are not one client.
fn not_found(app: &AppState, request: &Request<Body>) -> Response {
    let one = client_key(request).filter(|client| *client != ClientKey::Shared);
    let Some(client) = one else {
        return Problem::not_found().into_response();
    };
    let penalty = PenaltyKey {
        endpoint: String::new(),
        client,
    };
    if let Some(wait) = app.penalties.wait(&penalty) {
        return too_many_refusals(wait);
    }
    app.penalties.record(penalty);
    Problem::not_found().into_response()
}

fn client_key(request: &Request<Body>) -> Option<ClientKey> {
    request.extensions().get().copied()
}

fn too_many_refusals(wait: Duration) -> Response {
    table::DELIVERIES_HELD_OFF.add([], 1);
    let detail = "too many requests that proved nothing were refused here before this one";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        .retry_after(wait)
        .into_response()
}

/// What lies behind an endpoint.
#[derive(Clone)]
enum Backend {
    /// The source of that name.
    Source(String),
    /// The transmitter.
    Transmitter(Arc<dyn Transmitter>),
}

impl Backend {
    fn name(&self) -> &str {
        match self {
            Self::Source(name) => name,
            Self::Transmitter(_) => "the transmitter",
        }
    }
}

/// One request at an endpoint.
struct EndpointRequest<'d> {
    app: &'d AppState,
    backend: Backend,
    /// Whom a refusal is counted against, unless it is proved who sent it.
    penalty: Option<PenaltyKey>,
    /// How long the client is told to wait where it is refused now.
    wait: Option<Duration>,
    slot: Option<Arc<ConnectionSlot>>,
}

impl<'d> EndpointRequest<'d> {
    fn new(app: &'d AppState, backend: Backend, request: &Request<Body>) -> Self {
        let penalty = client_key(request).map(|client| PenaltyKey {
            endpoint: backend.name().to_owned(),
            client,
        });
        Self {
            wait: penalty.as_ref().and_then(|penalty| app.penalties.wait(penalty)),
            slot: request.extensions().get::<Arc<ConnectionSlot>>().cloned(),
            penalty,
            app,
            backend,
        }
    }

    async fn answer(self, endpoint: &Endpoint, request: Request<Body>) -> Response {
        let (mut parts, body) = request.into_parts();
        // What has begun may outlive the connection, and must not keep its slot.
        parts.extensions.remove::<Arc<ConnectionSlot>>();
        let head = Request::from_parts(parts, Bytes::new());
        let proven = match self.admit(endpoint, &head).await {
            Ok(proven) => proven,
            Err(answer) => {
                self.discard(head.headers(), body);
                return answer;
            }
        };
        if proven {
            self.set_stage(Stage::Protected);
        }
        let (parts, _) = head.into_parts();
        let reading = body::read(endpoint, body, self.slot.as_deref());
        let read = tokio::time::timeout(self.app.limits.body, reading).await;
        let read = read.unwrap_or_else(|_| {
            Err(Fault {
                code: "body_late",
                problem: Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
            })
        });
        let whole = match read {
            Ok(whole) => Request::from_parts(parts, whole),
            Err(fault) => return self.refuse_early(fault, proven).await,
        };
        if let Some(fault) = body::encoding_fault(whole.headers()) {
            let proven = proven || self.proves(&whole).await;
            return self.refuse_early(fault, proven).await;
        }
        let answer = self.work(whole).await;
        let faultless = proven || answer.extensions().get::<NoFault>().is_some();
        let wrong = answer.status().is_client_error() && answer.status() != StatusCode::TOO_MANY_REQUESTS;
        let suspect = answer.extensions().get::<Suspect>().is_some();
        if (wrong || suspect) && !faultless {
            self.refused(answer)
        } else {
            answer
        }
    }

    /// Whether the request may be read on, and whether its header proves who sent it; else the answer to it.
    async fn admit(&self, endpoint: &Endpoint, head: &Request<Bytes>) -> Result<bool, Response> {
        if let Some(name) = duplicate_header(head.headers()) {
            let fault = Fault {
                code: "header_twice",
                problem: Problem::new(StatusCode::BAD_REQUEST, format!("the header {name} stands more than once")),
            };
            return Err(self.refuse_early(fault, false).await);
        }
        let admission = match &self.backend {
            Backend::Source(name) => self.app.ports.intake.admits(name, head).await,
            Backend::Transmitter(transmitter) => transmitter.admits(head),
        };
        let proven = matches!(admission, Admission::Proven);
        if !endpoint.methods.contains(head.method()) {
            let fault = Fault {
                code: "method_not_allowed",
                problem: Problem::method(endpoint.methods),
            };
            return Err(self.refuse_early(fault, proven).await);
        }
        if let Admission::Refused(Refusal { code, why, answer }) = admission {
            self.note(code, &why, false).await;
            return Err(self.refused(answer.map(Body::from)));
        }
        let early =
            body::declared_too_large(endpoint, head.headers()).or_else(|| body::encoding_fault(head.headers()).filter(|_| proven));
        match early {
            Some(fault) => Err(self.refuse_early(fault, proven).await),
            None => Ok(proven),
        }
    }

    async fn proves(&self, request: &Request<Bytes>) -> bool {
        match &self.backend {
            Backend::Source(name) => self.app.ports.intake.proves(name, request).await,
            Backend::Transmitter(_) => false,
        }
    }

    /// Refuses a request that its source has not seen: what is bad leaves a trace at whichever endpoint it comes to.
    async fn refuse_early(&self, fault: Fault, proven: bool) -> Response {
        if fault.problem.status().is_server_error() {
            // Our own trouble is nobody's fault.
            return fault.problem.into_response();
        }
        self.note(fault.code, fault.problem.detail(), proven).await;
        let answer = fault.problem.into_response();
        if proven { answer } else { self.refused(answer) }
    }

    /// Has a refusal recorded, in a task of its own.
    async fn note(&self, code: &'static str, why: &str, proven: bool) {
        let Backend::Source(name) = &self.backend else { return };
        let (intake, name, why) = (Arc::clone(&self.app.ports.intake), name.clone(), why.to_owned());
        let trace = if proven { Trace::Entry } else { self.trace() };
        let cut = self.app.cut.clone();
        let noted = async move {
            let refused = EarlyRefusal {
                code,
                why: &why,
                proven,
                trace,
            };
            cut.run_until_cancelled(intake.refused_early(&name, refused)).await;
        };
        let task = self.app.tracker.spawn(noted.in_current_span());
        if tokio::time::timeout(self.app.limits.answer, task).await.is_err() {
            tracing::error!(source = self.backend.name(), "a refusal was not recorded in time");
        }
    }

    /// What a refusal of this request leaves behind where nothing proves who sent it.
    fn trace(&self) -> Trace {
        if self.wait.is_some() { Trace::Count } else { Trace::Entry }
    }

    /// Counts a refusal against the client, and gives the answer to it, or to whoever was refused too often.
    fn refused(&self, answer: Response) -> Response {
        if let Some(penalty) = &self.penalty {
            self.app.penalties.record(penalty.clone());
        }
        match self.wait {
            None => answer,
            Some(wait) => {
                if let Backend::Source(name) = &self.backend {
                    self.app.throttle(name);
                }
                too_many_refusals(wait)
            }
        }
    }

    /// Reads on in the background what nobody will look at.
    fn discard(&self, headers: &HeaderMap, body: Body) {
        if !body.is_end_stream() {
            let within = tokio::time::timeout(self.app.limits.body, body::discard(headers.clone(), body));
            let stopping = self.app.stopping.clone();
            self.app.tracker.spawn(stopping.run_until_cancelled_owned(within));
        }
    }

    /// Has the request taken in a task of its own, so that a sender who hangs up leaves nothing half done.
    async fn work(&self, mut whole: Request<Bytes>) -> Response {
        let source = self.backend.name();
        let permits = self.app.permits(source);
        let Ok(Ok(permit)) = tokio::time::timeout(PERMIT_WAIT, permits.acquire_owned()).await else {
            tracing::error!(source, "too many deliveries wait to be stored; refused one more");
            return request::unavailable();
        };
        self.set_stage(Stage::Protected);
        let memory: Option<connection_limit::BodyMemory> = self.slot.as_ref().map(|slot| slot.take_body_memory());
        whole.extensions_mut().insert(self.trace());
        let backend = self.backend.clone();
        let (intake, cut) = (Arc::clone(&self.app.ports.intake), self.app.cut.clone());
        let delivered = async move {
            let taken = async {
                match &backend {
                    Backend::Source(name) => intake.deliver(name, whole).await,
                    Backend::Transmitter(transmitter) => transmitter.answer(whole).await,
                }
            };
            let delivered = cut.run_until_cancelled(taken).await;
            drop((permit, memory));
            delivered
        };
        let task = self.app.tracker.spawn(delivered.in_current_span());
        let timeout = self.app.limits.answer;
        match tokio::time::timeout(timeout, task).await {
            Ok(Ok(Some(Some(response)))) => response.map(Body::from),
            Ok(Ok(Some(None))) => Problem::not_found().into_response(),
            Ok(Ok(None)) => request::unavailable(),
            Ok(Err(_)) => request::internal_error(),
            Err(_) => {
                let after = timeout.as_millis();
                tracing::error!(source, after.ms = after, "a delivery was not stored in time");
                request::unavailable()
            }
        }
    }

    fn set_stage(&self, stage: Stage) {
        if let Some(slot) = &self.slot {
            slot.set_stage(stage);
        }
    }
}

/// A header that must not stand twice, and does: two readers could each believe another one.
fn duplicate_header(headers: &HeaderMap) -> Option<&'static str> {
    let once = [
        (AUTHORIZATION, "Authorization"),
        (CONTENT_TYPE, "Content-Type"),
        (CONTENT_LENGTH, "Content-Length"),
    ];
    let twice = once.into_iter().find(|(name, _)| headers.get_all(name).iter().count() > 1);
    twice.map(|(_, name)| name)
}
