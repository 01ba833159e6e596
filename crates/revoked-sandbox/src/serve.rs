//! The connections of one node: reads a request, lets faults and the rate limiter at it, answers, writes the log.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Request, Response, header, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Id;
use super::app_error::AppError;
use super::call::Call;
use super::clock::Clock;
use super::faults::{self, Effect, Fault};
use super::rate_limiter::Reading;
use super::request_log::LoggedRequest;
use super::routes;
use super::state::State;
use super::wire::{Answer, Envelope, HTML};

/// The largest request body read; more is cut off by closing the connection.
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// Paths that are the sandbox's own, not the server's: neither broken nor limited nor logged.
const CONTROL: &str = "/sandbox/";

/// What all nodes and connections of a sandbox share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) clock: Clock,
    /// Added to every answer.
    pub(super) latency: Duration,
    /// Told after every answer.
    pub(super) changed: Notify,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections for one node until it is dropped; its connections end with it.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener, node: usize) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept (a peer that is gone again, no file handles left) must not end the node.
                let Ok((stream, peer)) = accepted else { continue };
                // Answers are written whole: waiting to fill a segment would only add latency.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(Arc::clone(&shared), stream, peer.ip(), node));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: IpAddr, node: usize) {
    let cut = Arc::new(AtomicBool::new(false));
    let line = ResettableStream {
        stream,
        cut: Arc::clone(&cut),
    };
    let service = service_fn(move |request| {
        let (shared, cut) = (Arc::clone(&shared), Arc::clone(&cut));
        async move {
            let answered = answer(&shared, request, peer, node).await;
            if answered.is_err() {
                cut.store(true, Ordering::Relaxed);
            }
            answered
        }
    });
    let mut http1 = hyper::server::conn::http1::Builder::new();
    http1.title_case_headers(true);
    // How a connection ends (the peer goes, a fault cuts it) is nothing that the sandbox has to act on.
    let _ = http1.serve_connection(TokioIo::new(line), service).await;
}

/// Answers one request; the error stands for a connection to be reset.
async fn answer(shared: &Shared, request: Request<Incoming>, peer: IpAddr, node: usize) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY)
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    if head.uri.path().starts_with(CONTROL) {
        let answered = respond(shared, &head, &body, peer, node, None);
        shared.changed.notify_waiters();
        return answered;
    }
    let fault = faults::take(&mut shared.lock().faults, &head.method, head.uri.path(), node);
    let late = match &fault {
        Some(Fault {
            effect: Effect::Latency(ms),
            ..
        }) => Duration::from_millis(*ms),
        _ => Duration::ZERO,
    };
    if !(shared.latency + late).is_zero() {
        tokio::time::sleep(shared.latency + late).await;
    }
    let answered = respond(shared, &head, &body, peer, node, fault.as_ref());
    shared.changed.notify_waiters();
    answered
}

fn respond(
    shared: &Shared,
    head: &request::Parts,
    body: &Bytes,
    peer: IpAddr,
    node: usize,
    fault: Option<&Fault>,
) -> io::Result<Response<Body>> {
    let mut state = shared.lock();
    let instant = Instant::now();
    let now = shared.clock.now();
    let request_id = state.request_ids.id();
    let path = head.uri.path();
    let mut call = Call {
        state: &mut state,
        node,
        method: &head.method,
        path,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body,
        now,
        instant,
        caller: None,
    };
    let control = path.starts_with(CONTROL);
    let (readings, limited) = if control { (Vec::new(), None) } else { limit(&mut call, peer) };
    let answer = match limited {
        Some(wait) => Answer::limited(wait),
        None => perform(&mut call, fault, request_id),
    };
    let person = call.caller.as_ref().map(|session| session.person);
    let version = state.world.version;
    let version_id = format!(
        "{version}.{version}-sandbox.{}.{}",
        "0".repeat(32),
        state.world.settings.licensed
    );
    let envelope = Envelope {
        method: &head.method,
        request_id,
        version_id: &version_id,
        readings: &readings,
    };
    let reset = limited.is_none() && fault.is_some_and(|fault| fault.effect == Effect::Reset);
    if !control {
        state.log.push(LoggedRequest {
            node,
            method: head.method.to_string(),
            path: path.to_owned(),
            status: if reset { 0 } else { answer.status },
            request_id: (answer.from_api && !reset).then_some(request_id),
            person,
            at_ms: now,
        });
    }
    match fault.map(|fault| &fault.effect) {
        _ if reset => Err(io::ErrorKind::ConnectionReset.into()),
        Some(Effect::Truncated) if limited.is_none() => Ok(truncated(&envelope, &answer)),
        _ => Ok(envelope.seal(answer)),
    }
}

/// Asks the limiters: their readings, and the wait where one of them refuses.
fn limit(call: &mut Call<'_>, peer: IpAddr) -> (Vec<Reading>, Option<u64>) {
    let Some(settings) = call.state.nodes[call.node].limiters.settings() else {
        return (Vec::new(), None);
    };
    let secret = settings
        .by_person
        .then(|| call.header("authorization"))
        .flatten()
        .unwrap_or_default();
    let mut keys = vec![if settings.by_address || secret.is_empty() {
        format!("{secret}{peer}")
    } else {
        secret.to_owned()
    }];
    if settings.by_person
        && let Some(person) = call.holder()
    {
        keys.push(person.to_string());
    }
    let instant = call.instant;
    let limiters = &mut call.state.nodes[call.node].limiters;
    let mut readings = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(reading) = limiters.take(&key, instant) else { break };
        readings.push(reading);
        if let Some(wait) = reading.retry_after {
            return (readings, Some(wait));
        }
    }
    (readings, None)
}

/// Runs the route, or what the fault puts in its place.
fn perform(call: &mut Call<'_>, fault: Option<&Fault>, request_id: Id) -> Answer {
    let right = |call: &mut Call<'_>| {
        let path = call.path;
        routes::route(call).unwrap_or_else(|app_error| Answer::refused(&app_error, request_id, path))
    };
    let Some(fault) = fault else { return right(call) };
    let spoiled = match fault.effect {
        Effect::Latency(_) | Effect::Truncated => return right(call),
        Effect::Nothing => {
            let (world, nodes) = (call.state.world.clone(), call.state.nodes.clone());
            let answer = right(call);
            (call.state.world, call.state.nodes) = (world, nodes);
            return answer;
        }
        Effect::Reset => Answer::ok(),
        Effect::Limited(seconds) => Answer::limited(seconds),
        Effect::Html => Answer::foreign(
            200,
            HTML,
            "<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\n",
        ),
        Effect::Status(status) if status < 400 => Answer::ok().status(status),
        Effect::Status(status) => {
            let app_error = AppError::new(status, "sandbox.fault.app_error", "A fault that was asked for.");
            Answer::refused(&app_error, request_id, call.path)
        }
    };
    if fault.applied {
        right(call);
    }
    spoiled
}

/// The answer with its full length announced and half of it sent.
fn truncated(envelope: &Envelope<'_>, answer: &Answer) -> Response<Body> {
    let mut headers = envelope.headers(answer);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
    let half = Bytes::copy_from_slice(&answer.body[..answer.body.len() / 2]);
    let broken = async {
        // A pause in the body lets the half go out before the connection ends.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let body = stream::once(async { Ok(half) }).chain(stream::once(broken));
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
    *response.headers_mut() = headers;
    response
}

/// A connection that a fault can cut: it then ends with a reset instead of an orderly close.
struct ResettableStream {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.cut.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
