//! Whom we believe that a directory is the one that the config names.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

/// TLS that believes the system's authorities, and `authorities` besides.
///
/// # Errors
/// Where TLS cannot be set up, or one of them is no certificate.
pub(in crate::targets::ldap) fn tls(authorities: Vec<CertificateDer<'static>>) -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(default_provider());
    let verifier =
        Verifier::new_with_extra_roots(authorities, Arc::clone(&provider)).context("reading the authorities to trust")?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("setting up TLS")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
