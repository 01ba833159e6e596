//! What the console listens at: the sockets of the roles, and the address for the network with the certificate that it shows.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::{TcpListener, UnixListener};

use super::handshake::Tls;
use super::{Console, sockets};
use crate::certificate::Shown;
use crate::model::Role;

/// What the console listens at.
pub struct Listeners {
    pub(super) sockets: Vec<(Role, UnixListener)>,
    pub(super) network: Option<Network>,
}

/// The listener for the network.
pub(super) struct Network {
    pub(super) listener: TcpListener,
    /// The certificate that it shows, and how.
    pub(super) tls: Option<(Arc<Shown>, Tls)>,
}

impl Listeners {
    /// Opens what the settings of `console` name.
    ///
    /// # Errors
    /// What the system says, with the place; a certificate that cannot be shown.
    pub async fn open(console: &Console) -> anyhow::Result<Self> {
        let sockets = sockets::listen(&console.settings).await?;
        let network = match console.settings.listen {
            None => None,
            Some(address) => {
                let listener = crate::api::listen(address).with_context(|| {
                    format!("listening for the console at {address}; is another program there? change [console] listen")
                })?;
                let tls = match &console.settings.tls {
                    None => None,
                    Some(files) => {
                        let host = console.settings.host().unwrap_or_default().to_owned();
                        let shown = Shown::read(files.clone(), host).context("reading the certificate of the console")?;
                        let tls = Tls::new(&shown).context("setting up TLS for the console")?;
                        Some((shown, tls))
                    }
                };
                Some(Network { listener, tls })
            }
        };
        Ok(Self { sockets, network })
    }

    /// Where it listens on the network.
    #[must_use]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.network.as_ref().and_then(|network| network.listener.local_addr().ok())
    }

    /// The certificate that is shown there, where there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<Arc<Shown>> {
        let (shown, _) = self.network.as_ref()?.tls.as_ref()?;
        Some(Arc::clone(shown))
    }
}
