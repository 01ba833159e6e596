//! The certificate that a listener shows, which a renewed one replaces. Connections that are open go on with the one that they began with.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::{Files, Identity, Leaf, Unusable};
use crate::model::Timestamp;

/// What a listener shows.
#[derive(Debug)]
pub struct Shown {
    files: Files,
    host: String,
    now: RwLock<Identity>,
}

/// What a look at the files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The files hold what is shown.
    Unchanged,
    /// Another certificate is shown from now on.
    Renewed,
}

impl Shown {
    /// Reads the files of the certificate for `host`.
    ///
    /// # Errors
    /// Where they cannot be used.
    pub fn read(files: Files, host: String) -> Result<Arc<Self>, Unusable> {
        let now = RwLock::new(files.identity()?);
        Ok(Arc::new(Self { files, host, now }))
    }

    /// How a listener speaks TLS with it: 1.2 or 1.3, and HTTP/1.1 in it.
    ///
    /// # Errors
    /// Where the library refuses its own defaults.
    pub fn speaks(self: &Arc<Self>) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The certificate that is shown now.
    #[must_use]
    pub fn leaf(&self) -> Leaf {
        self.identity().leaf
    }

    /// Looks at the files again and shows what is there from now on, where it is another certificate that can be used. One that browsers refuse does
    /// not take the place of one that they take.
    ///
    /// # Errors
    /// What is wrong with the files; the certificate before goes on being shown.
    pub fn renew(&self, now: Timestamp) -> Result<Renewal, Unusable> {
        let new = self.files.identity()?;
        let old = self.identity();
        if new.key.cert == old.key.cert {
            return Ok(Renewal::Unchanged);
        }
        if let (Some(fault), None) = (new.leaf.fault(now, &self.host), old.leaf.fault(now, &self.host)) {
            let path = self.files.certificate.display();
            return Err(Unusable::Certificate(anyhow::anyhow!(
                "the certificate {path} is worse: {fault}"
            )));
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(Renewal::Renewed)
    }

    fn identity(&self) -> Identity {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.identity().key)
    }
}
