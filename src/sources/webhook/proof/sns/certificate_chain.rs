//! Certificates in PEM: one, and those that it comes with.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// What a certificate with its chain may weigh, in bytes.
pub(super) const CAP: usize = 64 << 10;

/// A certificate, and those that it comes with.
pub(super) type Chain = Vec<CertificateDer<'static>>;

/// The certificates of a text in PEM, the first of which is meant.
pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Chain> {
    let chain: Result<Chain, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let chain = chain.map_err(|_| anyhow::anyhow!("it is not PEM"))?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate in PEM");
    Ok(chain)
}
