//! The keys of a `[[source]]` of this kind, as written, and the server they build.

use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::Scim;
use super::http::bearer::Tokens;
use super::resources::user_mapping::{Deactivation, ExternalId, UserMapping};
use crate::clock::Clock;
use crate::secret::SecretSource;
use crate::settings::{ConfigError, Settings};

/// The shortest token taken, in characters: a shorter one could be guessed.
const SHORTEST_TOKEN: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The address of this source as the client knows it, for the `location` of each resource.
    url: String,
    /// The token that the client sends.
    token: SecretSource,
    /// Another one that is valid too, while the client is given a new one.
    next_token: Option<SecretSource>,
    /// The issuer whose `sub` the `externalId` is.
    issuer: Option<String>,
    /// What `externalId` is.
    #[serde(default)]
    external_id: ExternalId,
    /// What `active` becoming false means.
    #[serde(default)]
    deactivation: Deactivation,
}

/// Builds a server, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<Scim, Vec<ConfigError>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    let mut complain = |key: &str, message: String| complaints.push(settings.complain(key, message));
    let address = Url::parse(&written.url).ok();
    let sound = |url: &Url| matches!(url.scheme(), "https" | "http") && url.query().is_none() && url.fragment().is_none();
    if !address.as_ref().is_some_and(sound) {
        let why = "url must be the address of this source as the client has it, such as https://revoked.example.org/signals/";
        complain("url", format!("{why}{}", settings.name));
    } else if address.and_then(|url| url.host_str().map(|host| host.contains('_'))) == Some(true) {
        complain("url", "the host in url holds an underscore, which Okta refuses".to_owned());
    }
    match (&written.issuer, written.external_id) {
        (None, ExternalId::Sub) => {
            let why = "external_id = \"sub\" needs issuer: whose sub it is";
            complain("external_id", why.to_owned());
        }
        (Some(_), other) if other != ExternalId::Sub => {
            let why = "issuer says whose sub the externalId is; write external_id = \"sub\" beside it, or leave it out";
            complain("issuer", why.to_owned());
        }
        (Some(issuer), _) if issuer.is_empty() => complain("issuer", "issuer must not be empty".to_owned()),
        _ => {}
    }
    let mut tokens = Vec::new();
    for (key, source) in [("token", Some(&written.token)), ("next_token", written.next_token.as_ref())] {
        let Some(source) = source else { continue };
        match source.read() {
            Ok(token) if token.expose_secret().len() < SHORTEST_TOKEN => {
                let why = format!("the token is shorter than {SHORTEST_TOKEN} characters; make one with openssl rand -hex 32");
                complain(key, why);
            }
            Ok(token) => tokens.push(token),
            Err(error) => complain(key, format!("{:#}", anyhow::Error::from(error))),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Ok(Scim {
        name: settings.name.to_owned(),
        base: written.url.trim_end_matches('/').to_owned(),
        tokens: Tokens::new(&tokens),
        mapping: UserMapping {
            issuer: written.issuer.unwrap_or_default(),
            external_id: written.external_id,
            deactivation: written.deactivation,
        },
        clock: clock.clone(),
    })
}
