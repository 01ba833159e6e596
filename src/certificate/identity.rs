//! A certificate with its key, as their files have them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use webpki::EndEntityCert;

use super::validity;
use crate::file_modes;
use crate::model::Timestamp;
use crate::secret::SecretSource;

/// What a certificate with its chain may weigh, in bytes.
const CAP: usize = 256 << 10;
/// How long before its end a certificate should have been renewed: a quarter of its life, and no more than this.
const AHEAD: Duration = Duration::from_hours(14 * 24);

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and behind it those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: SecretSource,
}

/// Why a certificate cannot be shown, by the file that is at fault.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The certificate's.
    #[error("{0:#}")]
    Certificate(anyhow::Error),
    /// The key's.
    #[error("{0:#}")]
    Key(anyhow::Error),
}

/// A certificate with its key, which fits.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) leaf: Leaf,
    pub(super) key: Arc<CertifiedKey>,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    der: CertificateDer<'static>,
    from: Timestamp,
    until: Timestamp,
}

impl Files {
    /// Reads the certificate alone, which is no secret.
    ///
    /// # Errors
    /// Where it cannot be read, others may write it, or there is none in it.
    pub fn leaf(&self) -> anyhow::Result<Leaf> {
        Ok(self.chain()?.0)
    }

    fn chain(&self) -> anyhow::Result<(Leaf, Vec<CertificateDer<'static>>)> {
        let path = self.certificate.display();
        let pem = file_modes::read("the certificate", &self.certificate)?;
        anyhow::ensure!(
            pem.len() <= CAP,
            "the certificate {path} has more than {CAP} bytes, as none has"
        );
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.with_context(|| format!("the certificate {path} is not PEM"))?;
        let first = chain
            .first()
            .with_context(|| format!("there is no certificate in PEM in {path}"))?;
        let leaf = Leaf::of(first).with_context(|| format!("the first certificate in {path} cannot be read"))?;
        Ok((leaf, chain))
    }

    /// Reads both.
    pub(super) fn identity(&self) -> Result<Identity, Unusable> {
        let (leaf, chain) = self.chain().map_err(Unusable::Certificate)?;
        let key = self.private_key(chain).map_err(Unusable::Key)?;
        Ok(Identity {
            leaf,
            key: Arc::new(key),
        })
    }

    /// Reads both, to see whether they can be shown.
    ///
    /// # Errors
    /// What a listener could not use.
    pub fn check(&self) -> Result<Leaf, Unusable> {
        self.identity().map(|identity| identity.leaf)
    }

    fn private_key(&self, chain: Vec<CertificateDer<'static>>) -> anyhow::Result<CertifiedKey> {
        let pem = self.key.read_bytes()?;
        let none = || format!("the {} holds no private key in PEM that needs no passphrase", self.key);
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| anyhow::anyhow!(none()))?;
        CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                anyhow::anyhow!(
                    "the key in {} is not that of the certificate {}",
                    self.key,
                    self.certificate.display()
                )
            }
            // What the library says of a key might quote it.
            _ => anyhow::anyhow!("the key in {} is of a kind that TLS cannot use", self.key),
        })
    }
}

impl Leaf {
    fn of(der: &CertificateDer<'static>) -> Option<Self> {
        EndEntityCert::try_from(der).ok()?;
        let (from, until) = validity(der)?;
        let der = der.clone();
        Some(Self { der, from, until })
    }

    /// Until when it is good.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// When it should have been renewed: programs that fetch certificates do so well before.
    #[must_use]
    pub fn renewed_by(&self) -> Timestamp {
        self.until.minus(AHEAD.min(self.until.since(self.from) / 4))
    }

    /// Why it is not good now.
    #[must_use]
    pub fn fault_of_time(&self, now: Timestamp) -> Option<String> {
        if now > self.until {
            Some(format!("it has expired on {}", self.until))
        } else if now < self.from {
            Some(format!("it is good from {} on alone", self.from))
        } else {
            None
        }
    }

    /// Why browsers refuse it for `host` now, where they do and it shows by itself.
    #[must_use]
    pub fn fault(&self, now: Timestamp, host: &str) -> Option<String> {
        let of_name = || (!self.is_for(host)).then(|| format!("it is not for {host}, the host of origin"));
        self.fault_of_time(now).or_else(of_name)
    }

    /// Whether it is for that host, with or without a port.
    fn is_for(&self, host: &str) -> bool {
        let host: Option<http::uri::Authority> = host.parse().ok();
        let host = host.as_ref().map(|host| host.host().trim_matches(['[', ']']));
        let name = host.and_then(|host| ServerName::try_from(host).ok());
        let certificate = EndEntityCert::try_from(&self.der);
        match (name, certificate) {
            (Some(name), Ok(certificate)) => certificate.verify_is_valid_for_subject_name(&name).is_ok(),
            _ => false,
        }
    }
}
