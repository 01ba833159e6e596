//! The keys of an `oauth-revocation` target.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::token_calls::{ClientAuth, TokenCalls};
use crate::clock::Clock;
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::base_url;
use crate::targets::endpoint::{Endpoint, Reach};

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The endpoint of RFC 7009.
    revocation_url: Spanned<String>,
    /// The endpoint of RFC 7662.
    introspection_url: Spanned<String>,
    /// Who we are there.
    client_id: String,
    /// And how we prove it.
    client_secret: Spanned<SecretSource>,
    /// Where the secret goes.
    #[serde(default = "basic")]
    client_auth: ClientAuth,
    /// Authorities to trust besides the system's, PEM.
    ca_file: Option<Spanned<PathBuf>>,
    /// To open a connection: `5s`.
    connect_timeout: Option<Spanned<Period>>,
    /// For a call as a whole: `30s`.
    timeout: Option<Spanned<Period>>,
}

const fn basic() -> ClientAuth {
    ClientAuth::ClientSecretBasic
}

/// Builds the calls from a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>, clock: &Clock) -> Result<TokenCalls, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let revocation = complaints.take(&keys.revocation_url, |text| base_url(text));
    let introspection = complaints.take(&keys.introspection_url, |text| base_url(text));
    let secret = complaints.take(&keys.client_secret, |source| source.read().map_err(anyhow::Error::new));
    if let (Some(one), Some(other)) = (&revocation, &introspection)
        && one.origin() != other.origin()
    {
        complaints.at(
            &keys.introspection_url,
            "the two endpoints are of different servers, and each would see the other's tokens; name two targets",
        );
    }
    let reach = Reach {
        ca_file: keys.ca_file.as_ref(),
        connect_timeout: keys.connect_timeout.as_ref(),
        timeout: keys.timeout.as_ref(),
    };
    let endpoint = Endpoint::build(&reach, clock, &mut complaints);
    match (revocation, introspection, secret, endpoint, complaints.is_empty()) {
        (Some(revocation), Some(introspection), Some(client_secret), Some(endpoint), true) => Ok(TokenCalls {
            endpoint,
            revocation,
            introspection,
            client_id: keys.client_id,
            client_secret,
            auth: keys.client_auth,
        }),
        _ => Err(complaints.0),
    }
}
