//! The accept loop.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::address::Counts;
use super::exchange::Answerer;
use super::receive::Doorway;
use super::{Limits, State, connection};
use crate::telemetry::table;

/// How long to wait where the system cannot give us a connection: it is out of descriptors or memory, and asking again at once would only
/// burn the processor.
const BREATHER: Duration = Duration::from_secs(1);

/// Serves `state` at `listener` until `shutdown`, then lets running requests and deliveries finish for [`Limits::grace`] and cuts what is left.
///
/// Dropping the future cuts every connection at once. A failing `accept` is logged and waited out: it never ends the server.
pub async fn serve(listener: TcpListener, limits: Limits, state: State, shutdown: CancellationToken) {
    let limits = Arc::new(limits);
    let protocol = connection::protocol(&limits);
    let places = Arc::new(Semaphore::new(limits.connections));
    let counts = Counts::default();
    let tracker = TaskTracker::new();
    let cut = CancellationToken::new();
    let _cut_when_dropped = cut.clone().drop_guard();
    let doorway = Doorway::new(state, Arc::clone(&limits), tracker.clone(), cut.clone());
    let answerer = Answerer::new(Arc::clone(&limits), doorway);

    // The place is taken before the connection is, so that a full house leaves the others in the system's backlog.
    while let Some((stream, peer, place)) = next(&listener, &places, &shutdown).await {
        let most = if answerer.is_proxy(peer) {
            usize::MAX
        } else {
            limits.connections_per_address
        };
        let Some(counted) = counts.enter(peer, most) else {
            table::CONNECTIONS_REFUSED.add([], 1);
            tracing::debug!(peer.address = %peer, "an address has all the connections it may have; closed one more");
            continue;
        };
        let (protocol, answerer, limits) = (protocol.clone(), answerer.clone(), Arc::clone(&limits));
        let (stopping, cut) = (shutdown.clone(), cut.clone());
        tracker.spawn(async move {
            connection::run(protocol, answerer, &limits, stream, peer, stopping, cut).await;
            drop((counted, place));
        });
    }

    drop(listener);
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

/// The next connection with its place, or `None` once it is time to stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let arrive = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        let (stream, peer) = accept(listener).await;
        Some((stream, peer, place))
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        arrived = arrive => arrived,
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and written whole; waiting to fill a packet would only delay them. Refused only on a dead socket.
                let _ = stream.set_nodelay(true);
                return (stream, peer.ip());
            }
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
                    tokio::time::sleep(BREATHER).await;
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
