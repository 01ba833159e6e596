//! The keys of a `global-token-revocation` target.

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use toml::Spanned;

use super::signed_call::{SignedCall, SubjectForm};
use crate::clock::Clock;
use crate::jose::{Algorithm, Signer};
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::base_url;
use crate::targets::endpoint::{Endpoint, Reach};

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The endpoint, as the application's documents name it.
    url: Spanned<String>,
    /// What `iss` of our tokens is.
    issuer: Spanned<String>,
    /// What `sub` of our tokens is: the application's client id or instance id.
    client_id: Spanned<String>,
    /// The private key, PEM.
    key: Spanned<SecretSource>,
    /// The `kid` by which the application finds the public half.
    key_id: Option<String>,
    /// With what the tokens are signed.
    #[serde(default = "rs256")]
    algorithm: Algorithm,
    /// How people are named.
    #[serde(default = "email")]
    subject: SubjectForm,
    /// Whose names go into `iss_sub` subjects, where that is not `issuer`.
    subject_issuer: Option<Spanned<String>>,
    /// Authorities to trust besides the system's, PEM.
    ca_file: Option<Spanned<PathBuf>>,
    /// To open a connection: `5s`.
    connect_timeout: Option<Spanned<Period>>,
    /// For a call as a whole: `30s`.
    timeout: Option<Spanned<Period>>,
}

const fn rs256() -> Algorithm {
    Algorithm::Rs256
}

const fn email() -> SubjectForm {
    SubjectForm::Email
}

/// Builds the call and the client from a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>, clock: &Clock) -> Result<(SignedCall, Endpoint), Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let url = complaints.take(&keys.url, |text| base_url(text));
    let signer = complaints.take(&keys.key, |source| {
        let key = source.read()?;
        Signer::from_pem(key.expose_secret(), keys.algorithm).with_context(|| format!("using the key in {source}"))
    });
    for text in [&keys.issuer, &keys.client_id] {
        complaints.take(text, |text| {
            anyhow::ensure!(
                !text.trim().is_empty(),
                "the application compares it with what it expects; it cannot be empty"
            );
            Ok(())
        });
    }
    if let Some(named) = &keys.subject_issuer
        && keys.subject != SubjectForm::IssSub
    {
        complaints.at(
            named,
            "it is for subject = \"iss_sub\"; leave it out, or name people that way",
        );
    }
    let reach = Reach {
        ca_file: keys.ca_file.as_ref(),
        connect_timeout: keys.connect_timeout.as_ref(),
        timeout: keys.timeout.as_ref(),
    };
    let endpoint = Endpoint::build(&reach, clock, &mut complaints);
    let (Some(url), Some(signer), Some(endpoint), true) = (url, signer, endpoint, complaints.is_empty()) else {
        return Err(complaints.0);
    };
    let issuer = keys.issuer.into_inner();
    let call = SignedCall {
        url,
        audience: keys.url.into_inner(),
        subject_issuer: keys.subject_issuer.map_or_else(|| issuer.clone(), Spanned::into_inner),
        issuer,
        client_id: keys.client_id.into_inner(),
        signer,
        algorithm: keys.algorithm,
        key_id: keys.key_id,
        form: keys.subject,
    };
    Ok((call, endpoint))
}
