//! One HTTP/1.1 connection: header read timeout against slowloris clients, keep-alive, graceful shutdown.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::connection_limit::ConnectionSlot;
use super::request::RequestHandler;
use super::write_timeout::WriteTimeout;

/// The least that hyper takes as the size of its buffer.
const SMALLEST_BUFFER: usize = 8 << 10;

/// Sets up the protocol. Without the timer the header's timeout would panic; without the timeout a silent client would stay for ever.
pub(super) fn protocol(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(limits.header_bytes.max(SMALLEST_BUFFER))
        .max_headers(limits.header_fields);
    builder
}

/// Waits for the first byte of a connection, or for its end. That the system calls it readable is not enough: of many that come at once, some are
/// called so that have said nothing.
///
/// # Errors
/// What the system says of a broken connection.
pub(crate) async fn said_something(stream: &TcpStream) -> io::Result<()> {
    stream.peek(&mut [0]).await.map(drop)
}

/// A connection, and who it is from.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) peer: IpAddr,
    pub(super) slot: ConnectionSlot,
}

/// Serves one connection to its end: the client's, an idle one's, ours, or because others need its slot. `stopping` lets the running request
/// finish, `cut` does not.
pub(super) async fn run(
    protocol: http1::Builder,
    answerer: RequestHandler,
    limits: &Limits,
    client: Client,
    stopping: CancellationToken,
    cut: CancellationToken,
) {
    let Client { stream, peer, slot } = client;
    // Of those that never say anything there may be many, and none of them is worth a buffer.
    let spoke = tokio::select! {
        ready = tokio::time::timeout(limits.header, said_something(&stream)) => matches!(ready, Ok(Ok(()))),
        () = slot.evicted() => false,
        () = cut.cancelled() => false,
        () = stopping.cancelled() => false,
    };
    if !spoke {
        return;
    }
    let slot = Arc::new(slot);
    let held = Arc::clone(&slot);
    let service = service_fn(move |request| answerer.clone().answer(peer, Arc::clone(&held), request));
    let stream = TokioIo::new(WriteTimeout::new(stream, limits.write));
    let mut connection = pin!(protocol.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = slot.evicted() => return,
        () = cut.cancelled() => return,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        // A client that hangs up or talks nonsense is its own affair; hyper has answered where there was something to answer.
        tracing::debug!(peer.address = %peer, error = &error as &dyn std::error::Error, "a connection ended early");
    }
}
