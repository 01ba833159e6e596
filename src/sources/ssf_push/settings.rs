//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::SsfPush;
use super::door::Door;
use super::reader::Reader;
use super::whom::{Means, SubjectRules};
use crate::clock::Clock;
use crate::jose::{Algorithm, JWKS_CAP, KeySet, Keyring, Origin};
use crate::secret::SecretSource;
use crate::settings::{Complaint, Settings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The stream's issuer: what `iss` must be, byte for byte.
    issuer: Spanned<String>,
    /// Our name or names, one of which `aud` must hold.
    audience: Spanned<OneOrMore>,
    /// A file with the issuer's keys, for an issuer that cannot be reached.
    jwks_file: Option<Spanned<PathBuf>>,
    /// Where the issuer publishes its keys. Without it and `jwks_file` the issuer's SSF metadata is asked.
    jwks_url: Option<Spanned<String>>,
    /// The host that the keys are on, where it is not the issuer's.
    jwks_host: Option<String>,
    /// The signature algorithms accepted.
    #[serde(default = "rs256")]
    algorithms: Spanned<Vec<Algorithm>>,
    /// The whole value of the `Authorization` header that the transmitter was told to send.
    authorization: Option<Spanned<SecretSource>>,
    /// Takes the older form (Okta, Google): the subject inside the event, `exp`, `sub`, no `kid`.
    #[serde(default)]
    legacy_subject: bool,
    /// Refuses tokens that were issued longer ago than this (`"30d"`). None by default: a queue that waited is legitimate.
    max_age: Option<Spanned<String>>,
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
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subjects {
    #[serde(default)]
    iss_sub: Means,
    #[serde(default)]
    opaque: Means,
}

fn rs256() -> Spanned<Vec<Algorithm>> {
    Spanned::new(0..0, vec![Algorithm::Rs256])
}

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<SsfPush, Vec<Complaint>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    let mut complain = |span: std::ops::Range<usize>, message: String| {
        complaints.push(Complaint {
            span: Some(span),
            message,
        });
    };
    if written.issuer.get_ref().is_empty() {
        complain(written.issuer.span(), "issuer must not be empty".to_owned());
    }
    let audience = match written.audience.get_ref() {
        OneOrMore::One(name) => vec![name.clone()],
        OneOrMore::More(names) => names.clone(),
    };
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        complain(
            written.audience.span(),
            "audience must name this receiver as the transmitter does".to_owned(),
        );
    }
    if written.algorithms.get_ref().is_empty() {
        complain(written.algorithms.span(), "algorithms must not be empty".to_owned());
    }
    let max_age = match written.max_age.as_ref().map(|text| (text.span(), length(text.get_ref()))) {
        None => None,
        Some((_, Some(age))) => Some(age),
        Some((span, None)) => {
            complain(span, "max_age is a length of time such as \"12h\" or \"30d\"".to_owned());
            None
        }
    };
    let authorization = match written
        .authorization
        .as_ref()
        .map(|source| (source.span(), source.get_ref().read()))
    {
        None => None,
        Some((_, Ok(secret))) => Some(secret),
        Some((span, Err(error))) => {
            complain(span, format!("authorization: {:#}", anyhow::Error::from(error)));
            None
        }
    };
    let origin = match origin(&written) {
        Ok(origin) => Some(origin),
        Err((span, error)) => {
            complain(span, format!("{error:#}"));
            None
        }
    };
    let Some(origin) = origin.filter(|_| complaints.is_empty()) else {
        return Err(complaints);
    };
    Ok(SsfPush {
        name: settings.name.to_owned(),
        door: Door::new(authorization.as_ref()),
        reader: Reader {
            issuer: written.issuer.into_inner(),
            audience,
            algorithms: written.algorithms.into_inner(),
            keyring: Keyring::new(origin),
            legacy: written.legacy_subject,
            max_age,
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

/// Where the keys come from. A file is read here already, so that a bad one is a fault of the config and not of the first signal.
fn origin(written: &Written) -> Result<Origin, (std::ops::Range<usize>, anyhow::Error)> {
    let issuer = written.issuer.get_ref();
    let host = || -> anyhow::Result<String> {
        if let Some(host) = &written.jwks_host {
            return Ok(host.clone());
        }
        let url = reqwest::Url::parse(issuer).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).map(str::to_owned);
        host.ok_or_else(|| anyhow::anyhow!("the issuer is not a URL with a host, so jwks_host must name the host of its keys"))
    };
    match (&written.jwks_file, &written.jwks_url) {
        (Some(_), Some(url)) => Err((url.span(), anyhow::anyhow!("write either jwks_file or jwks_url"))),
        (Some(path), None) => {
            check_file(path.get_ref()).map_err(|error| (path.span(), error))?;
            Ok(Origin::File(path.get_ref().clone()))
        }
        (None, Some(url)) => {
            let origin = host().and_then(|host| Origin::url(url.get_ref(), &host));
            origin.map_err(|error| (url.span(), error))
        }
        (None, None) => {
            let origin = host().and_then(|host| Origin::metadata(issuer, "ssf-configuration", &host));
            origin.map_err(|error| {
                let error = error.context("the issuer's keys cannot be looked up; write jwks_url or jwks_file");
                (written.issuer.span(), error)
            })
        }
    }
}

fn check_file(path: &std::path::Path) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let bytes = std::fs::read(path).with_context(|| format!("reading the key set {}", path.display()))?;
    anyhow::ensure!(
        bytes.len() <= JWKS_CAP,
        "the key set {} is larger than {JWKS_CAP} bytes",
        path.display()
    );
    let keys = KeySet::read(&bytes).with_context(|| format!("in {}", path.display()))?;
    anyhow::ensure!(
        keys.usable() > 0,
        "the key set {} holds no key that may be used",
        path.display()
    );
    Ok(())
}

/// `90s`, `15m`, `12h`, `30d`.
fn length(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}
