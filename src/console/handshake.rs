//! TLS at the listener of the network: each handshake on its own connection, within its time, and so many at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificate::Shown;

/// From the connection to the end of its handshake.
const DEADLINE: Duration = Duration::from_secs(10);
/// Handshakes at once: each computes with our key. Whoever has said nothing yet takes no place.
const AT_ONCE: usize = 64;

/// How the listener speaks TLS.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    places: Semaphore,
}

impl Tls {
    pub(super) fn new(shown: &Arc<Shown>) -> anyhow::Result<Self> {
        Ok(Self {
            acceptor: TlsAcceptor::from(shown.speaks()?),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// The connection once it speaks TLS; `None` where the other side does not, or not in time.
    pub(super) async fn begin(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let shaken = async {
            crate::api::said_something(&stream).await?;
            let _place = self.places.acquire().await.map_err(io::Error::other)?;
            self.acceptor.accept(stream).await
        };
        match timeout(DEADLINE, shaken).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection of the console did not come to speak TLS");
                None
            }
            Err(_) => {
                tracing::debug!("cut a connection of the console whose TLS handshake did not end in time");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;
    use crate::certificate::Files;
    use crate::certificate::tests::self_signed;
    use crate::secret::SecretSource;

    async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, far)
    }

    fn tls() -> Tls {
        let folder = self_signed("console.example.test");
        let files = Files {
            certificate: folder.path().join("console.pem"),
            key: SecretSource::File(folder.path().join("console.key")),
        };
        let shown = Shown::read(files, "console.example.test".to_owned()).unwrap();
        Tls::new(&shown).unwrap()
    }

    /// The clock runs ahead where nothing is left to do but to wait.
    #[tokio::test(start_paused = true)]
    async fn whoever_is_silent_or_stops_in_the_middle_is_cut_in_time() {
        let tls = tls();
        // The first bytes of a record that does not go on.
        for said in [&b""[..], &[22, 3, 1, 2, 0, 1]] {
            let (near, mut far) = connected().await;
            far.write_all(said).await.unwrap();
            let begun = Instant::now();
            assert!(tls.begin(near).await.is_none());
            assert!(begun.elapsed() >= DEADLINE, "{:?}", begun.elapsed());
        }
        // With every place taken a silent one still waits for its own words alone, and a speaking one for a place, no longer than its time.
        let all = u32::try_from(AT_ONCE).unwrap();
        let places = tls.places.acquire_many(all).await.unwrap();
        let (near, mut far) = connected().await;
        far.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        assert!(tls.begin(near).await.is_none());
        drop(places);
        assert_eq!(tls.places.available_permits(), AT_ONCE, "each gives its place back");
    }
    #[tokio::test(start_paused = true)]
    async fn only_whoever_speaks_takes_a_place() {
        let tls = tls();
        let ((silent, mut far), (speaking, mut client)) = (connected().await, connected().await);
        // It goes on being called readable, with nothing there to read: of many that come at once, some are from the first.
        far.write_all(b"x").await.unwrap();
        silent.readable().await.unwrap();
        assert_eq!(silent.try_read(&mut [0]).unwrap(), 1);
        client.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        for (stream, places) in [(silent, AT_ONCE), (speaking, AT_ONCE - 1)] {
            let begun = timeout(DEADLINE / 2, tls.begin(stream));
            let mut begun = std::pin::pin!(begun);
            let early = timeout(DEADLINE / 4, begun.as_mut());
            assert!(early.await.is_err());
            assert_eq!(tls.places.available_permits(), places);
            assert!(begun.await.is_err());
        }
    }
}
