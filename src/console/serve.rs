//! The connections of all listeners: HTTP/1.1 with bounded waits, and their end.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::Entrance;
use super::handshake::Tls;
use super::listeners::Listeners;
use super::visitor::Visitor;
use super::{Console, guard};
use crate::api::{ConnectionSlots, Limits, WriteTimeout};
use crate::model::Role;

/// Connections at once, of the sockets and of the network each: a crowd of strangers keeps nobody of this host out.
const CONNECTIONS: usize = 256;
/// Of the network, those of one address.
const OF_ONE_ADDRESS: usize = 64;
/// From the connection, or the answer before, to the end of a request's header.
const HEADER: Duration = Duration::from_secs(10);
/// Without any byte of an answer taken by the client.
const WRITE: Duration = Duration::from_secs(10);
/// How long connections may go on after the order to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait where the system cannot give us a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves `console` at `listeners` until it is stopped.
pub async fn serve(listeners: Listeners, console: Console) {
    let shutdown = console.stop.clone();
    let changes = tokio::spawn(console.changes.clone().run(console.store.clone(), shutdown.clone()));
    let limits = Limits {
        connections: CONNECTIONS,
        connections_per_address: OF_ONE_ADDRESS,
        proxies: console.installation.proxies.clone(),
        ..Limits::default()
    };
    let doors = Doors {
        permits: Arc::new(Semaphore::new(CONNECTIONS)),
        slots: ConnectionSlots::new(&limits),
        proxies: limits.proxies.into(),
        router: guard::router(console),
        tracker: TaskTracker::new(),
        shutdown: shutdown.clone(),
    };
    let accepting = TaskTracker::new();
    for (role, listener) in listeners.sockets {
        let doors = doors.clone();
        accepting.spawn(async move { doors.accept_sockets(&listener, role).await });
    }
    if let Some(network) = listeners.network {
        let doors = doors.clone();
        let tls = network.tls.map(|(_, tls)| Arc::new(tls));
        accepting.spawn(async move { doors.accept_network(&network.listener, tls).await });
    }
    accepting.close();
    shutdown.cancelled().await;
    accepting.wait().await;
    if let Err(error) = changes.await {
        tracing::error!(%error, "the look for changes has ended");
    }
    doors.tracker.close();
    // Each ends within its grace, or is cut.
    doors.tracker.wait().await;
}

#[derive(Clone)]
struct Doors {
    router: Router,
    /// Of the sockets.
    permits: Arc<Semaphore>,
    /// Of the network.
    slots: ConnectionSlots,
    /// Whose word about where a request comes from is taken.
    proxies: Arc<[IpAddr]>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Doors {
    async fn accept_sockets(&self, listener: &UnixListener, role: Role) {
        let next = async || {
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            let (stream, _) = accepted(|| listener.accept()).await;
            Some((stream, permit))
        };
        while let Some(Some((stream, permit))) = self.shutdown.run_until_cancelled(next()).await {
            match stream.peer_cred() {
                Ok(peer) => {
                    let entrance = Entrance::Socket { role, uid: peer.uid() };
                    self.tracker
                        .spawn(self.clone().converse(stream, Visitor::socket(entrance, permit)));
                }
                Err(error) => tracing::warn!(%error, "the system does not say who opened a socket of the console; closed it"),
            }
        }
    }

    async fn accept_network(&self, listener: &TcpListener, tls: Option<Arc<Tls>>) {
        let next = async || {
            loop {
                let (stream, peer) = accepted(|| listener.accept()).await;
                if let Some(slot) = self.slots.admit(peer.ip()).await {
                    return (stream, Visitor::network(peer.ip(), slot));
                }
            }
        };
        while let Some((stream, visitor)) = self.shutdown.run_until_cancelled(next()).await {
            // Refused only on a dead socket.
            let _ = stream.set_nodelay(true);
            self.tracker.spawn(self.clone().welcome(stream, tls.clone(), visitor));
        }
    }

    /// Speaks TLS first, where that is spoken.
    async fn welcome(self, stream: TcpStream, tls: Option<Arc<Tls>>, visitor: Visitor) {
        let Some(tls) = tls else {
            return self.converse(stream, visitor).await;
        };
        let begun = tokio::select! {
            begun = tls.begin(stream) => begun,
            () = visitor.evicted() => None,
            () = self.shutdown.cancelled() => None,
        };
        if let Some(stream) = begun {
            self.converse(stream, visitor).await;
        }
    }

    async fn converse<S>(self, stream: S, visitor: Visitor)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let visitor = Arc::new(visitor);
        let service = service_fn(|request: Request<Incoming>| {
            let (router, visitor, proxies) = (self.router.clone(), Arc::clone(&visitor), Arc::clone(&self.proxies));
            async move { visitor.answer(router, &proxies, request.map(Body::new)).await }
        });
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(HEADER).max_headers(64);
        let connection = protocol.serve_connection(TokioIo::new(WriteTimeout::new(stream, WRITE)), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = visitor.evicted() => return tracing::debug!("cut a connection of the console, to make room for another"),
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(GRACE, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return tracing::debug!("cut a connection of the console that did not finish in time"),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection of the console ended early"
            );
        }
    }
}

/// The next connection. A failing `accept` is logged and waited out.
async fn accepted<T, F>(accept: impl Fn() -> F) -> T
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::error!(%error, "accepting a connection of the console");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
