//! The keys of a `[[source]]` of the kind `ssf`, as written, and the stream that they build.

use std::sync::Arc;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::endpoint::request_checks::RequestChecks;
use super::stream::stream_config::{Stream, StreamConfig};
use super::tokens::event_mapping::{ACTED_ON, full_name};
use super::tokens::token_settings::{self, Authorization};
use super::transmitter::access_token::{AccessToken, Grant};
use super::transmitter::metadata::{Discovery, Method};
use crate::clock::Clock;
use crate::jose::ensure_fetchable;
use crate::secret::SecretSource;
use crate::settings::{ConfigError, Period, Settings};

/// The shortest secret that a transmitter is told to send: what `head -c 18 /dev/urandom | base64` gives.
const SHORTEST_SECRET: usize = 24;
/// The most tokens of one poll.
const MOST_EVENTS: u32 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `push` or `poll`.
    delivery: Method,
    /// The token for the management API and for polls.
    token: Option<SecretSource>,
    /// Where and how a token is had, instead.
    oauth: Option<OAuth>,
    /// The host of the transmitter's endpoints, where it is not the issuer's.
    endpoint_host: Option<String>,
    /// For push: our endpoint's address, as the transmitter reaches it.
    endpoint: Option<String>,
    /// For push: the whole value of the `Authorization` header that the transmitter is told to send; a list while one replaces another.
    authorization: Option<Authorization>,
    /// The event types to ask for, by their URIs or last words.
    events: Option<Vec<String>>,
    /// What the stream is called at the transmitter.
    #[serde(default = "description")]
    description: String,
    /// How often the transmitter is asked to prove that the stream is alive.
    #[serde(default = "quarter")]
    verify_every: Period,
    /// The most tokens of one poll.
    #[serde(default = "hundred")]
    max_events: u32,
    /// Whether a poll waits at the transmitter until there is something.
    #[serde(default = "yes")]
    long_poll: bool,
    /// How long to wait between two polls that do not.
    #[serde(default = "ten_seconds")]
    poll_every: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuth {
    /// The token endpoint of the authorization server.
    token_url: String,
    /// Who we are there.
    client_id: String,
    /// The proof of it.
    client_secret: SecretSource,
    /// What is asked for.
    #[serde(default = "scope")]
    scope: String,
}

fn description() -> String {
    "revoked".to_owned()
}

fn quarter() -> Period {
    Period(std::time::Duration::from_mins(15))
}

fn ten_seconds() -> Period {
    Period(std::time::Duration::from_secs(10))
}

fn hundred() -> u32 {
    100
}

fn yes() -> bool {
    true
}

fn scope() -> String {
    "ssf.manage ssf.read".to_owned()
}

/// Builds a stream, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<Arc<Stream>, Vec<ConfigError>> {
    let (tokens, own) = token_settings::apart(settings);
    let reader = token_settings::reader(&tokens);
    let written = own.read::<Written>().map_err(token_settings::with_ours);
    let (reader, written) = token_settings::both(reader, written)?;

    let mut complaints = Vec::new();
    let mut complain = |key: &str, message: String| complaints.push(settings.complain(key, message));
    let discovery = match Discovery::new(&reader.issuer.name, written.endpoint_host.as_deref()) {
        Ok(discovery) => Some(discovery),
        Err(error) => {
            let why = format!("{error:#}; a stream is made at an issuer with a URL (kind ssf-push needs none)");
            complain("issuer", why);
            None
        }
    };
    let access_token = match (&written.token, &written.oauth) {
        (Some(token), None) => match token.read() {
            Ok(token) => Some(AccessToken::Fixed(token)),
            Err(error) => {
                complain("token", format!("token: {:#}", anyhow::Error::from(error)));
                None
            }
        },
        (None, Some(oauth)) => granted(oauth).map_err(|why| complain("oauth", why)).ok(),
        (Some(_), Some(_)) => {
            complain("oauth", "write either token or oauth".to_owned());
            None
        }
        (None, None) => {
            complain(
                "token",
                "write token, or oauth: the transmitter must know who makes the stream".to_owned(),
            );
            None
        }
    };
    let authorization = match Authorization::read(written.authorization.as_ref()) {
        Ok(secrets) => secrets,
        Err(why) => {
            complain("authorization", why);
            Vec::new()
        }
    };
    for (key, why) in unfit(&written, &authorization) {
        complain(key, why);
    }
    let events = written.events.as_ref().map_or_else(
        || ACTED_ON.iter().map(|name| full_name(name)).collect(),
        |events| events.iter().map(|name| full_name(name)).collect(),
    );
    let (Some(discovery), Some(access_token), true) = (discovery, access_token, complaints.is_empty()) else {
        return Err(complaints);
    };
    let config = StreamConfig {
        method: written.delivery,
        endpoint: written.endpoint,
        request_checks: RequestChecks::new(&authorization),
        authorization: authorization.into_iter().next(),
        events,
        description: written.description,
        verify_every: written.verify_every.0,
        max_events: written.max_events,
        long_poll: written.long_poll,
        poll_every: written.poll_every.0,
    };
    let stream = Stream::new(settings.name, reader, discovery, access_token, config, clock.clone());
    stream
        .map(Arc::new)
        .map_err(|error| vec![settings.complain("issuer", format!("{error:#}"))])
}

/// What does not fit together.
fn unfit(written: &Written, authorization: &[SecretString]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut complain = |key, why: &str| found.push((key, why.to_owned()));
    match written.delivery {
        Method::Push => {
            let url = written.endpoint.as_deref().map(Url::parse);
            let good = url.is_some_and(|url| url.is_ok_and(|url| ensure_fetchable(&url).is_ok() && url.fragment().is_none()));
            if !good {
                complain(
                    "endpoint",
                    "endpoint must be our door's https address, such as \"https://revoked.example.org/signals/idp\"",
                );
            }
            if written.authorization.is_none() {
                complain(
                    "authorization",
                    "authorization is needed for push: what the transmitter is told to send",
                );
            }
            if authorization
                .iter()
                .any(|secret| secret.expose_secret().len() < SHORTEST_SECRET)
            {
                complain(
                    "authorization",
                    "authorization is too short for a secret: make one of at least 24 characters",
                );
            }
        }
        Method::Poll => {
            for (key, is_written) in [
                ("endpoint", written.endpoint.is_some()),
                ("authorization", written.authorization.is_some()),
            ] {
                if is_written {
                    complain(
                        key,
                        &format!("{key} is for delivery = \"push\" only: here we come to the transmitter"),
                    );
                }
            }
        }
    }
    if written
        .events
        .as_ref()
        .is_some_and(|events| events.is_empty() || events.iter().any(String::is_empty))
    {
        complain("events", "events must name at least one event type, or be left out");
    }
    if !(1..=MOST_EVENTS).contains(&written.max_events) {
        complain("max_events", "max_events must be from 1 to 1000");
    }
    if written.verify_every.0 < std::time::Duration::from_mins(1) {
        complain("verify_every", "verify_every must be at least a minute");
    }
    if written.poll_every.0 < std::time::Duration::from_secs(1) {
        complain("poll_every", "poll_every must be at least a second");
    }
    found
}

fn granted(oauth: &OAuth) -> Result<AccessToken, String> {
    let shown = |error: anyhow::Error| format!("oauth: {error:#}");
    let endpoint = Url::parse(&oauth.token_url).map_err(|_| "oauth: token_url is not a URL".to_owned())?;
    ensure_fetchable(&endpoint).map_err(shown)?;
    let client_secret = oauth.client_secret.read().map_err(|error| shown(error.into()))?;
    Ok(AccessToken::Granted(Box::new(Grant {
        endpoint,
        client_id: oauth.client_id.clone(),
        client_secret,
        scope: oauth.scope.clone(),
        held: Mutex::default(),
    })))
}
