//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::path::PathBuf;

use serde::Deserialize;

use super::SsfPush;
use super::door::Door;
use super::reader::Reader;
use crate::clock::Clock;
use crate::jose::{Algorithm, Document, Keyring, Published};
use crate::secret::SecretSource;
use crate::settings::{Complaint, Period, Settings};
use crate::sources::audience::Audience;
use crate::sources::whom::{Means, SubjectRules};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The stream's issuer: what `iss` must be, byte for byte.
    issuer: String,
    /// Our name or names, one of which `aud` must hold.
    audience: Audience,
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
    if written.audience.is_blank() {
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
    let published = Published {
        issuer: &written.issuer,
        file: written.jwks_file.as_deref(),
        url: written.jwks_url.as_deref(),
        host: written.jwks_host.as_deref(),
    };
    let origin = match published.origin(Document::Ssf) {
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
            audience: written.audience,
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
