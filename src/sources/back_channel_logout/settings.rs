//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::path::PathBuf;

use serde::Deserialize;

use super::BackChannelLogout;
use super::reader::Reader;
use crate::clock::Clock;
use crate::jose::{Algorithm, Document, Keyring, Published};
use crate::settings::{Complaint, Settings};
use crate::sources::audience::Audience;
use crate::sources::whom::{Means, SubjectRules};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The OpenID provider: what `iss` must be, byte for byte.
    issuer: String,
    /// Our client id or ids, one of which `aud` must hold.
    audience: Audience,
    /// A file with the issuer's keys, for an issuer that cannot be reached.
    jwks_file: Option<PathBuf>,
    /// Where the issuer publishes its keys. Without it and `jwks_file` its OpenID metadata is asked.
    jwks_url: Option<String>,
    /// The host that the keys are on, where it is not the issuer's.
    jwks_host: Option<String>,
    /// The signature algorithms accepted.
    #[serde(default = "rs256")]
    algorithms: Vec<Algorithm>,
    /// Takes tokens whose `typ` is missing or only says `JWT`, from providers older than the type.
    #[serde(default)]
    allow_untyped: bool,
    /// What the issuer's `sub` is at our targets.
    #[serde(default)]
    subject: Means,
}

fn rs256() -> Vec<Algorithm> {
    vec![Algorithm::Rs256]
}

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<BackChannelLogout, Vec<Complaint>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    let mut complain = |key: &str, message: String| complaints.push(settings.complain(key, message));
    if written.issuer.is_empty() {
        complain("issuer", "issuer must not be empty".to_owned());
    }
    if written.audience.is_blank() {
        complain("audience", "audience must be the client id at the OpenID provider".to_owned());
    }
    if written.algorithms.is_empty() {
        complain("algorithms", "algorithms must not be empty".to_owned());
    }
    let published = Published {
        issuer: &written.issuer,
        file: written.jwks_file.as_deref(),
        url: written.jwks_url.as_deref(),
        host: written.jwks_host.as_deref(),
    };
    let origin = match published.origin(Document::OpenId) {
        Ok(origin) => origin,
        Err((key, error)) => {
            complain(key, format!("{error:#}"));
            return Err(complaints);
        }
    };
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Ok(BackChannelLogout {
        name: settings.name.to_owned(),
        reader: Reader {
            issuer: written.issuer,
            audience: written.audience,
            algorithms: written.algorithms,
            keyring: Keyring::new(origin),
            allow_untyped: written.allow_untyped,
            subjects: SubjectRules {
                iss_sub: written.subject,
                ..SubjectRules::default()
            },
        },
        clock: clock.clone(),
    })
}
