//! Listening, the accept loop, and its graceful shutdown.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app_state::AppState;
use super::connection::Client;
use super::connection_limit::ConnectionSlots;
use super::request::RequestHandler;
use super::{Limits, Ports, connection};
use crate::telemetry::table;

/// How long to wait where the system cannot give us a connection: it is out of descriptors or memory, and asking again at once would only
/// burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How many connections wait in the system until they are accepted, where the system allows so many. Beyond it a client's try is lost, and
/// it tries again after a second.
const BACKLOG: u32 = 4096;

/// Listens at `address`.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A daemon that starts again need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `ports` at `listener` until `shutdown`, then lets running requests and deliveries finish for [`Limits::grace`] and cuts what is left.
///
/// Dropping the future cuts every connection at once. A failing `accept` is logged and waited out: it never ends the server.
///
/// Connections are accepted on a thread of their own: on the runtime's, each would wait behind whatever a crowd gives it to do, and the
/// system's backlog would overflow, where a client that is turned away tries again only after a second.
pub async fn serve(listener: TcpListener, limits: Limits, ports: Ports, shutdown: CancellationToken) {
    let limits = Arc::new(limits);
    let protocol = connection::protocol(&limits);
    let slots = ConnectionSlots::new(&limits);
    let tracker = TaskTracker::new();
    let cut = CancellationToken::new();
    let _cut_when_dropped = cut.clone().drop_guard();
    let app = AppState::new(ports, Arc::clone(&limits), tracker.clone(), shutdown.clone(), cut.clone());
    let answerer = RequestHandler::new(app);

    let accepting = {
        let (limits, tracker, shutdown, cut) = (Arc::clone(&limits), tracker.clone(), shutdown.clone(), cut.clone());
        async move {
            while let Some(client) = next(&listener, &slots, &shutdown).await {
                let (protocol, answerer, limits) = (protocol.clone(), answerer.clone(), Arc::clone(&limits));
                let (stopping, cut) = (shutdown.clone(), cut.clone());
                tracker.spawn(async move {
                    connection::run(protocol, answerer, &limits, client, stopping, cut).await;
                });
            }
        }
    };
    let accepting = cut.clone().run_until_cancelled_owned(accepting);
    let runtime = Handle::current();
    if let Err(error) = tokio::task::spawn_blocking(move || runtime.block_on(accepting)).await {
        tracing::error!(%error, "accepting connections has ended");
    }

    tracker.close();
    if tokio::time::timeout(limits.grace, tracker.wait()).await.is_err() {
        tracing::warn!(
            left = tracker.len(),
            "cut connections and deliveries that did not finish in time"
        );
        cut.cancel();
        tracker.wait().await;
    }
}

/// The next connection with its slot, or `None` once it is time to stop.
async fn next(listener: &TcpListener, slots: &ConnectionSlots, shutdown: &CancellationToken) -> Option<Client> {
    let arrive = async {
        loop {
            let (stream, peer) = accept(listener).await?;
            if let Some(slot) = slots.admit(peer).await {
                return Some(Client { stream, peer, slot });
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        client = arrive => client,
    }
}

/// The next connection; `None` where the runtime itself comes to its end.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, IpAddr)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and written whole; waiting to fill a packet would only delay them. Refused only on a dead socket.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer.ip()));
            }
            // What the system says has a number.
            Err(error) if error.raw_os_error().is_none() => return None,
            Err(error) => {
                table::ACCEPT_ERRORS.add([], 1);
                if is_the_clients(&error) {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "a client was gone before its connection was accepted"
                    );
                } else {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "accepting a connection; raise LimitNOFILE= if the system is out of descriptors"
                    );
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether an error of `accept` concerns one client only, so that the next one can be accepted at once.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clients_own_trouble_is_not_waited_out() {
        let code = |errno: rustix::io::Errno| is_the_clients(&io::Error::from(errno));
        assert!(code(rustix::io::Errno::CONNABORTED));
        assert!(!code(rustix::io::Errno::MFILE));
        assert!(!code(rustix::io::Errno::NFILE));
        assert!(!code(rustix::io::Errno::NOBUFS));
    }
}
