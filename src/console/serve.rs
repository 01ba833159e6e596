//! The connections of all listeners: HTTP/1.1 with bounded waits, and their end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::Entrance;
use super::{Console, guard, sockets};
use crate::api::WriteTimeout;
use crate::model::Role;

/// Connections at once.
const CONNECTIONS: usize = 256;
/// From the connection, or the answer before, to the end of a request's header.
const HEADER: Duration = Duration::from_secs(10);
/// Without any byte of an answer taken by the client.
const WRITE: Duration = Duration::from_secs(10);
/// How long connections may go on after the order to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait where the system cannot give us a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What the console listens at.
pub struct Listeners {
    sockets: Vec<(Role, UnixListener)>,
    network: Option<TcpListener>,
}

impl Listeners {
    /// Opens what the settings of `console` name.
    ///
    /// # Errors
    /// What the system says, with the place.
    pub async fn open(console: &Console) -> anyhow::Result<Self> {
        let sockets = sockets::listen(&console.settings).await?;
        let network = match console.settings.listen {
            None => None,
            Some(address) => Some(crate::api::listen(address).with_context(|| {
                format!("listening for the console at {address}; is another program there? change [console] listen")
            })?),
        };
        Ok(Self { sockets, network })
    }

    /// Where it listens on the network.
    #[must_use]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.network.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

/// Serves `console` at `listeners` until it is stopped.
pub async fn serve(listeners: Listeners, console: Console) {
    let shutdown = console.stop.clone();
    let changes = tokio::spawn(console.changes.clone().run(console.store.clone(), shutdown.clone()));
    let doors = Doors {
        router: guard::router(console),
        permits: Arc::new(Semaphore::new(CONNECTIONS)),
        tracker: TaskTracker::new(),
        shutdown: shutdown.clone(),
    };
    let accepting = TaskTracker::new();
    for (role, listener) in listeners.sockets {
        let doors = doors.clone();
        accepting.spawn(async move { doors.accept_sockets(&listener, role).await });
    }
    if let Some(listener) = listeners.network {
        let doors = doors.clone();
        accepting.spawn(async move { doors.accept_network(&listener).await });
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
    permits: Arc<Semaphore>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Doors {
    async fn accept_sockets(&self, listener: &UnixListener, role: Role) {
        while let Some((permit, accepted)) = self.next(listener.accept()).await {
            let Some((stream, _)) = accepted else { continue };
            match stream.peer_cred() {
                Ok(peer) => self.spawn(stream, Entrance::Socket { role, uid: peer.uid() }, permit),
                Err(error) => tracing::warn!(%error, "the system does not say who opened a socket of the console; closed it"),
            }
        }
    }

    async fn accept_network(&self, listener: &TcpListener) {
        while let Some((permit, accepted)) = self.next(listener.accept()).await {
            let Some((stream, peer)) = accepted else { continue };
            // Refused only on a dead socket.
            let _ = stream.set_nodelay(true);
            self.spawn(stream, Entrance::Network { peer: peer.ip() }, permit);
        }
    }

    /// The next connection, once there is room for it; `None` at the end, and nothing within where accepting failed.
    async fn next<T>(&self, accept: impl Future<Output = io::Result<T>>) -> Option<(OwnedSemaphorePermit, Option<T>)> {
        let next = async {
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            match accept.await {
                Ok(accepted) => Some((permit, Some(accepted))),
                Err(error) => {
                    tracing::error!(%error, "accepting a connection of the console");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    Some((permit, None))
                }
            }
        };
        self.shutdown.run_until_cancelled(next).await?
    }

    fn spawn<S>(&self, stream: S, entrance: Entrance, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        self.tracker.spawn(async move {
            let _permit = permit;
            let service = service_fn(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(entrance.clone());
                guard::answer(router.clone(), request.map(Body::new))
            });
            let mut protocol = http1::Builder::new();
            protocol.timer(TokioTimer::new()).header_read_timeout(HEADER).max_headers(64);
            let connection = protocol.serve_connection(TokioIo::new(WriteTimeout::new(stream, WRITE)), service);
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = shutdown.cancelled() => {
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
        });
    }
}
