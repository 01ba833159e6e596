//! `/signals/<source>` and below: reads one delivery whole, within the source's bounds, and hands it to the intake. What receivers ask of
//! the transmitter is read and counted alike.
//!
//! Who proves with the header of a request who it is, is let in before anything is counted. What else comes is looked at too, and only
//! where it is refused does it matter how often its sender was refused before: so no stranger can close a door to those who belong there.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Path, State as Part};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use tracing::Instrument as _;

use super::address::Caller;
use super::doorway::Doorway;
use super::failures::Stranger;
use super::seats::{self, Seat, Stage};
use super::{Admission, Door, Fault, Problem, Refusal, Transmitter, TurnedAway, body, exchange};
use crate::model::{NoFault, Suspect, Trace};
use crate::telemetry::table;

/// How long a request waits for a place among the deliveries at work.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a request goes.
#[derive(serde::Deserialize)]
pub(super) struct Place {
    /// The source's name.
    source: String,
    /// The path below the source's own, where there is one.
    below: Option<String>,
}

/// Answers one delivery.
pub(super) async fn receive(
    Part(doorway): Part<Arc<Doorway>>,
    path: Result<Path<Place>, axum::extract::rejection::PathRejection>,
    request: Request<Body>,
) -> Response {
    // A name that is not UTF-8 once its escapes are read is no source's.
    let Ok(Path(place)) = path else {
        return nowhere(&doorway, &request);
    };
    let Some(door) = doorway.state.intake.door(&place.source, place.below.as_deref()) else {
        return nowhere(&doorway, &request);
    };
    Knock::new(&doorway, Behind::Source(place.source), &request)
        .answer(&door, request)
        .await
}

/// Answers a request that no route is for: the transmitter's, or nobody's.
pub(super) async fn elsewhere(Part(doorway): Part<Arc<Doorway>>, request: Request<Body>) -> Response {
    let transmitter = doorway.state.transmitter.clone();
    let Some((transmitter, door)) = transmitter.and_then(|port| port.door(request.uri().path()).map(|door| (port, door))) else {
        return nowhere(&doorway, &request);
    };
    Knock::new(&doorway, Behind::Transmitter(transmitter), &request)
        .answer(&door, request)
        .await
}

/// The answer where there is no door. Who keeps trying paths is told no more than that; those who stand for many are not one client.
fn nowhere(doorway: &Doorway, request: &Request<Body>) -> Response {
    let one = caller(request).filter(|caller| *caller != Caller::Any);
    let Some(caller) = one else {
        return Problem::not_found().into_response();
    };
    let stranger = Stranger {
        door: String::new(),
        caller,
    };
    if let Some(wait) = doorway.failures.wait(&stranger) {
        return held_off(wait);
    }
    doorway.failures.record(stranger);
    Problem::not_found().into_response()
}

fn caller(request: &Request<Body>) -> Option<Caller> {
    request.extensions().get().copied()
}

fn held_off(wait: Duration) -> Response {
    table::DELIVERIES_HELD_OFF.add([], 1);
    let detail = "too many requests that proved nothing were refused here before this one";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        .retry_after(wait)
        .into_response()
}

/// What lies behind a door.
#[derive(Clone)]
enum Behind {
    /// The source of that name.
    Source(String),
    /// The transmitter.
    Transmitter(Arc<dyn Transmitter>),
}

impl Behind {
    fn name(&self) -> &str {
        match self {
            Self::Source(name) => name,
            Self::Transmitter(_) => "the transmitter",
        }
    }
}

/// One request at a door.
struct Knock<'d> {
    doorway: &'d Doorway,
    behind: Behind,
    /// Whom a refusal is counted against, unless it is proved who sent it.
    stranger: Option<Stranger>,
    /// How long the stranger is told to wait where it is refused now.
    wait: Option<Duration>,
    seat: Option<Arc<Seat>>,
}

impl<'d> Knock<'d> {
    fn new(doorway: &'d Doorway, behind: Behind, request: &Request<Body>) -> Self {
        let stranger = caller(request).map(|caller| Stranger {
            door: behind.name().to_owned(),
            caller,
        });
        Self {
            wait: stranger.as_ref().and_then(|stranger| doorway.failures.wait(stranger)),
            seat: request.extensions().get::<Arc<Seat>>().cloned(),
            stranger,
            doorway,
            behind,
        }
    }

    async fn answer(self, door: &Door, request: Request<Body>) -> Response {
        let (mut parts, body) = request.into_parts();
        // What has begun may outlive the connection, and must not keep its seat.
        parts.extensions.remove::<Arc<Seat>>();
        let head = Request::from_parts(parts, Bytes::new());
        let proven = match self.admit(door, &head).await {
            Ok(proven) => proven,
            Err(answer) => {
                self.throw_away(head.headers(), body);
                return answer;
            }
        };
        if proven {
            self.is(Stage::Kept);
        }
        let (parts, _) = head.into_parts();
        let reading = body::read(door, body, self.seat.as_deref());
        let read = tokio::time::timeout(self.doorway.limits.body, reading).await;
        let read = read.unwrap_or_else(|_| {
            Err(Fault {
                code: "body_late",
                problem: Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
            })
        });
        let whole = match read {
            Ok(whole) => Request::from_parts(parts, whole),
            Err(fault) => return self.turn_away(fault, proven).await,
        };
        if let Some(fault) = body::encoded(whole.headers()) {
            let proven = proven || self.proves(&whole).await;
            return self.turn_away(fault, proven).await;
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
    async fn admit(&self, door: &Door, head: &Request<Bytes>) -> Result<bool, Response> {
        if let Some(name) = said_twice(head.headers()) {
            let fault = Fault {
                code: "header_twice",
                problem: Problem::new(StatusCode::BAD_REQUEST, format!("the header {name} stands more than once")),
            };
            return Err(self.turn_away(fault, false).await);
        }
        let admission = match &self.behind {
            Behind::Source(name) => self.doorway.state.intake.admits(name, head).await,
            Behind::Transmitter(transmitter) => transmitter.admits(head),
        };
        let proven = matches!(admission, Admission::Proven);
        if !door.methods.contains(head.method()) {
            let fault = Fault {
                code: "method_not_allowed",
                problem: Problem::method(door.methods),
            };
            return Err(self.turn_away(fault, proven).await);
        }
        if let Admission::Refused(Refusal { code, why, answer }) = admission {
            self.note(code, &why, false).await;
            return Err(self.refused(answer.map(Body::from)));
        }
        let early = body::giant(door, head.headers()).or_else(|| body::encoded(head.headers()).filter(|_| proven));
        match early {
            Some(fault) => Err(self.turn_away(fault, proven).await),
            None => Ok(proven),
        }
    }

    async fn proves(&self, request: &Request<Bytes>) -> bool {
        match &self.behind {
            Behind::Source(name) => self.doorway.state.intake.proves(name, request).await,
            Behind::Transmitter(_) => false,
        }
    }

    /// Refuses a request that its source has not seen: what is bad leaves a trace at whichever door it knocks.
    async fn turn_away(&self, fault: Fault, proven: bool) -> Response {
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
        let Behind::Source(name) = &self.behind else { return };
        let (intake, name, why) = (Arc::clone(&self.doorway.state.intake), name.clone(), why.to_owned());
        let trace = if proven { Trace::Entry } else { self.trace() };
        let cut = self.doorway.cut.clone();
        let noted = async move {
            let refused = TurnedAway {
                code,
                why: &why,
                proven,
                trace,
            };
            cut.run_until_cancelled(intake.turned_away(&name, refused)).await;
        };
        let task = self.doorway.tracker.spawn(noted.in_current_span());
        if tokio::time::timeout(self.doorway.limits.answer, task).await.is_err() {
            tracing::error!(source = self.behind.name(), "a refusal was not recorded in time");
        }
    }

    /// What a refusal of this request leaves behind where nothing proves who sent it.
    fn trace(&self) -> Trace {
        if self.wait.is_some() { Trace::Count } else { Trace::Entry }
    }

    /// Counts a refusal against the stranger, and gives the answer to it, or to whoever was refused too often.
    fn refused(&self, answer: Response) -> Response {
        if let Some(stranger) = &self.stranger {
            self.doorway.failures.record(stranger.clone());
        }
        match self.wait {
            None => answer,
            Some(wait) => {
                if let Behind::Source(name) = &self.behind {
                    self.doorway.close(name);
                }
                held_off(wait)
            }
        }
    }

    /// Reads on in the background what nobody will look at.
    fn throw_away(&self, headers: &HeaderMap, body: Body) {
        if !body.is_end_stream() {
            let within = tokio::time::timeout(self.doorway.limits.body, body::throw_away(headers.clone(), body));
            let stopping = self.doorway.stopping.clone();
            self.doorway.tracker.spawn(stopping.run_until_cancelled_owned(within));
        }
    }

    /// Has the request taken in a task of its own, so that a sender who hangs up leaves nothing half done.
    async fn work(&self, mut whole: Request<Bytes>) -> Response {
        let source = self.behind.name();
        let places = self.doorway.places(source);
        let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, places.acquire_owned()).await else {
            tracing::error!(source, "too many deliveries wait to be stored; refused one more");
            return exchange::late();
        };
        self.is(Stage::Kept);
        let memory: Option<seats::Body> = self.seat.as_ref().map(|seat| seat.body());
        whole.extensions_mut().insert(self.trace());
        let behind = self.behind.clone();
        let (intake, cut) = (Arc::clone(&self.doorway.state.intake), self.doorway.cut.clone());
        let delivered = async move {
            let taken = async {
                match &behind {
                    Behind::Source(name) => intake.deliver(name, whole).await,
                    Behind::Transmitter(transmitter) => transmitter.answer(whole).await,
                }
            };
            let delivered = cut.run_until_cancelled(taken).await;
            drop((place, memory));
            delivered
        };
        let task = self.doorway.tracker.spawn(delivered.in_current_span());
        let patience = self.doorway.limits.answer;
        match tokio::time::timeout(patience, task).await {
            Ok(Ok(Some(Some(response)))) => response.map(Body::from),
            Ok(Ok(Some(None))) => Problem::not_found().into_response(),
            Ok(Ok(None)) => exchange::late(),
            Ok(Err(_)) => exchange::broken(),
            Err(_) => {
                let after = patience.as_millis();
                tracing::error!(source, after.ms = after, "a delivery was not stored in time");
                exchange::late()
            }
        }
    }

    fn is(&self, stage: Stage) {
        if let Some(seat) = &self.seat {
            seat.is(stage);
        }
    }
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
