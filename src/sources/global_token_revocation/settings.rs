//! The keys of a `[[source]]` of this kind, as written, and the endpoint they build.

use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;

use super::GlobalTokenRevocation;
use super::caller_token::CallerToken;
use crate::clock::Clock;
use crate::jose::{Algorithm, MetadataDocument};
use crate::settings::{ConfigError, Settings};
use crate::sources::shared::subject_identifiers::{IdentifierKinds, SubjectRules};
use crate::sources::shared::trusted_issuer::{TrustedIssuerSettings, rs256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The caller's issuer: what `iss` must be, byte for byte.
    issuer: String,
    /// What `sub` must be: the OIDC client id, or for SAML the app instance id.
    client_id: String,
    /// The address of this endpoint as the caller knows it: what `aud` must be, byte for byte.
    audience: String,
    /// A file with the issuer's keys, for an issuer that cannot be reached.
    jwks_file: Option<PathBuf>,
    /// Where the issuer publishes its keys. Without it and `jwks_file` the issuer's OpenID configuration is asked.
    jwks_url: Option<String>,
    /// The host that the keys are on, where it is not the issuer's.
    jwks_host: Option<String>,
    /// The signature algorithms accepted.
    #[serde(default = "rs256")]
    algorithms: Vec<Algorithm>,
    /// The issuers whose names may stand in `iss_sub` subjects; the caller's own by default.
    subject_issuers: Option<Vec<String>>,
    /// What the issuer's identifiers are at our targets.
    #[serde(default)]
    subjects: IdentifierKinds,
}

/// Builds an endpoint, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<GlobalTokenRevocation, Vec<ConfigError>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    let mut complain = |key: &str, message: String| complaints.push(settings.complain(key, message));
    if written.client_id.is_empty() {
        complain("client_id", "client_id must not be empty".to_owned());
    }
    let address = Url::parse(&written.audience).ok();
    if address.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
        let why = "audience must be the URL of this endpoint as the caller has it, without query and fragment";
        complain("audience", why.to_owned());
    }
    let own = vec![written.issuer.clone()];
    let issuer = TrustedIssuerSettings {
        issuer: written.issuer,
        jwks_file: written.jwks_file,
        jwks_url: written.jwks_url,
        jwks_host: written.jwks_host,
        algorithms: written.algorithms,
    };
    let issuer = issuer.build(settings, MetadataDocument::OpenIdAtRoot, complaints)?;
    Ok(GlobalTokenRevocation {
        name: settings.name.to_owned(),
        subjects: SubjectRules {
            issuers: Some(written.subject_issuers.unwrap_or(own)),
            critical: Vec::new(),
            iss_sub: written.subjects.iss_sub,
            opaque: written.subjects.opaque,
        },
        caller: CallerToken {
            issuer,
            client_id: written.client_id,
            audience: written.audience,
        },
        clock: clock.clone(),
    })
}
