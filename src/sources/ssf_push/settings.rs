//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

use super::SsfPush;
use super::door::Door;
use super::reader::Reader;
use super::whom::{Means, SubjectRules};
use crate::clock::Clock;
use crate::jose::{Algorithm, Keyring, Origin};
use crate::secret::SecretSource;
use crate::settings::{Complaint, Period, Settings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The stream's issuer: what `iss` must be, byte for byte.
    issuer: String,
    /// Our name or names, one of which `aud` must hold.
    audience: OneOrMore,
    /// A file with the issuer's keys, for an issuer that cannot be reached.
    jwks_file: Option<PathBuf>,
    /// Where the issuer publishes its keys. Without it and `jwks_file` the issuer's SSF metadata is asked.
    jwks_url: Option<String>,
    /// The host that the keys are on, where it is not the issuer's.
    jwks_host: Option<String>,
    /// The signature algorithms accepted.
    #[serde(default = "rs256")]
    algorithms: Vec<Algorithm>,
    /// The whole value of the `Authorization` header that the transmitter was told to send; a list while one replaces another.
    authorization: Option<Authorization>,
    /// Takes the older form (Okta, Google): the subject inside the event, `exp`, `sub`, no `kid`.
    #[serde(default)]
    legacy_subject: bool,
    /// Refuses tokens that were issued longer ago than this (`"30d"`). None by default: a queue that waited is legitimate.
    max_age: Option<Period>,
    /// The issuers whose names may stand in `iss_sub` subjects.
    subject_issuers: Option<Vec<String>>,
    /// Members of a complex subject without which an event may not be acted on.
    #[serde(default)]
    critical_subject_members: Vec<String>,
    /// The `state` of a verification that the operator asked the transmitter for.
    verification_state: Option<String>,
    /// What the issuer's identifiers are at our targets.
    #[serde(default)]
    subjects: Subjects,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected { credential = \"…\" } or { file = \"…\" }, or a list of them"
)]
enum Authorization {
    One(SecretSource),
    More(Vec<SecretSource>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subjects {
    #[serde(default)]
    iss_sub: Means,
    #[serde(default)]
    opaque: Means,
}

fn rs256() -> Vec<Algorithm> {
    vec![Algorithm::Rs256]
}

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<SsfPush, Vec<Complaint>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    let mut complain = |key: &str, message: String| complaints.push(settings.complain(key, message));
    if written.issuer.is_empty() {
        complain("issuer", "issuer must not be empty".to_owned());
    }
    let audience = match &written.audience {
        OneOrMore::One(name) => vec![name.clone()],
        OneOrMore::More(names) => names.clone(),
    };
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        complain(
            "audience",
            "audience must name this receiver as the transmitter does".to_owned(),
        );
    }
    if written.algorithms.is_empty() {
        complain("algorithms", "algorithms must not be empty".to_owned());
    }
    let sources = match &written.authorization {
        None => &[],
        Some(Authorization::One(source)) => std::slice::from_ref(source),
        Some(Authorization::More(sources)) => sources,
    };
    // A list of none would open the door instead of closing it.
    if sources.is_empty() && written.authorization.is_some() {
        complain("authorization", "authorization must not be an empty list".to_owned());
    }
    let mut authorization = Vec::new();
    for source in sources {
        match source.read() {
            Ok(secret) => authorization.push(secret),
            Err(error) => complain("authorization", format!("authorization: {:#}", anyhow::Error::from(error))),
        }
    }
    let origin = match origin(&written) {
        Ok(origin) => origin,
        Err((key, error)) => {
            complain(key, format!("{error:#}"));
            return Err(complaints);
        }
    };
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Ok(SsfPush {
        name: settings.name.to_owned(),
        door: Door::new(&authorization),
        reader: Reader {
            issuer: written.issuer,
            audience,
            algorithms: written.algorithms,
            keyring: Keyring::new(origin),
            legacy: written.legacy_subject,
            max_age: written.max_age.map(|Period(age)| age),
            verification_state: written.verification_state,
            subjects: SubjectRules {
                issuers: written.subject_issuers,
                critical: written.critical_subject_members,
                iss_sub: written.subjects.iss_sub,
                opaque: written.subjects.opaque,
            },
        },
        clock: clock.clone(),
    })
}

/// Where the keys come from, or the key of the config that is wrong.
fn origin(written: &Written) -> Result<Origin, (&'static str, anyhow::Error)> {
    let host = || -> anyhow::Result<String> {
        if let Some(host) = &written.jwks_host {
            return Ok(host.clone());
        }
        let url = reqwest::Url::parse(&written.issuer).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).map(str::to_owned);
        host.context("the issuer is not a URL with a host, so jwks_host must name the host of its keys")
    };
    match (&written.jwks_file, &written.jwks_url) {
        (Some(_), Some(_)) => Err(("jwks_url", anyhow::anyhow!("write either jwks_file or jwks_url"))),
        (Some(path), None) => Origin::file(path).map_err(|error| ("jwks_file", error)),
        (None, Some(url)) => {
            let origin = host().and_then(|host| Origin::url(url, &host));
            origin.map_err(|error| ("jwks_url", error))
        }
        (None, None) => {
            let origin = host().and_then(|host| Origin::metadata(&written.issuer, "ssf-configuration", &host));
            let origin = origin.context("the issuer's keys cannot be looked up; write jwks_url or jwks_file");
            origin.map_err(|error| ("issuer", error))
        }
    }
}
