//! The keys that both kinds have: what a stream's tokens must be like. And the reader that they build.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::token_reader::TokenReader;
use crate::jose::{Algorithm, MetadataDocument};
use crate::secret::SecretSource;
use crate::settings::{ConfigError, Period, Settings, nearest};
use crate::sources::shared::audience::Audience;
use crate::sources::shared::subject_identifiers::{IdentifierKinds, SubjectRules};
use crate::sources::shared::trusted_issuer::{TrustedIssuerSettings, rs256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
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
    /// Takes the older form (Okta, Google): the subject inside the event, `exp`, `sub`, no `kid`.
    #[serde(default)]
    legacy_subject: bool,
    /// Takes tokens whose `typ` is missing or only says `JWT`.
    #[serde(default)]
    allow_untyped: bool,
    /// The transmitter is another installation of `revoked`: what it says first is no echo of ours.
    #[serde(default)]
    from_revoked: bool,
    /// Refuses tokens that were issued longer ago than this (`"30d"`). None by default: a queue that waited is legitimate.
    max_age: Option<Period>,
    /// The issuers whose names may stand in `iss_sub` subjects.
    subject_issuers: Option<Vec<String>>,
    /// Members of a complex subject without which an event may not be acted on.
    #[serde(default)]
    critical_subject_members: Vec<String>,
    /// What the issuer's identifiers are at our targets.
    #[serde(default)]
    subjects: IdentifierKinds,
}

/// The keys of [`Tokens`].
const KEYS: [&str; 13] = [
    "issuer",
    "audience",
    "jwks_file",
    "jwks_url",
    "jwks_host",
    "algorithms",
    "legacy_subject",
    "allow_untyped",
    "from_revoked",
    "max_age",
    "subject_issuers",
    "critical_subject_members",
    "subjects",
];

/// The secrets that the `Authorization` header may have, as a config writes them: one, or two while one replaces the other.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected { credential = \"…\" } or { file = \"…\" }, or a list of them"
)]
pub(in crate::sources::ssf) enum Authorization {
    /// One.
    One(SecretSource),
    /// A list.
    More(Vec<SecretSource>),
}

impl Authorization {
    /// Reads the secrets.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(in crate::sources::ssf) fn read(written: Option<&Self>) -> Result<Vec<secrecy::SecretString>, String> {
        let sources = match written {
            None => &[],
            Some(Self::One(source)) => std::slice::from_ref(source),
            Some(Self::More(sources)) => sources.as_slice(),
        };
        // A list of none would let everybody in instead of nobody.
        if sources.is_empty() && written.is_some() {
            return Err("authorization must not be an empty list".to_owned());
        }
        let read = sources.iter().map(SecretSource::read).collect::<Result<Vec<_>, _>>();
        read.map_err(|error| format!("authorization: {:#}", anyhow::Error::from(error)))
    }
}

/// The table taken apart: the keys read here, and those of the kind alone.
pub(in crate::sources::ssf) fn apart<'a>(settings: &Settings<'a>) -> (Settings<'a>, Settings<'a>) {
    let span = settings.table.span();
    let table = settings.table.clone().into_inner();
    let (ours, rest): (Vec<_>, Vec<_>) = table.into_iter().partition(|(key, _)| KEYS.contains(&&**key.get_ref()));
    let part = |entries: Vec<_>| Settings {
        name: settings.name,
        table: Spanned::new(span.clone(), entries.into_iter().collect()),
    };
    (part(ours), part(rest))
}

/// Adds the keys read here to what a complaint about an unknown key of the kind alone suggests.
pub(in crate::sources::ssf) fn with_ours(mut complaints: Vec<ConfigError>) -> Vec<ConfigError> {
    for complaint in &mut complaints {
        let key = complaint
            .message
            .strip_prefix("unknown key `")
            .and_then(|rest| rest.split('`').next());
        if let Some(key) = key
            && !complaint.message.contains("did you mean")
            && let Some(meant) = nearest(key, KEYS)
        {
            complaint.message = format!("unknown key `{key}`; did you mean `{meant}`?");
        }
    }
    complaints
}

/// Both, or everything that is wrong with either.
pub(in crate::sources::ssf) fn both<A, B>(
    one: Result<A, Vec<ConfigError>>,
    other: Result<B, Vec<ConfigError>>,
) -> Result<(A, B), Vec<ConfigError>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(mut complaints), Err(more)) => {
            complaints.extend(more);
            Err(complaints)
        }
        (Err(complaints), Ok(_)) | (Ok(_), Err(complaints)) => Err(complaints),
    }
}

/// Builds the reader of a stream's tokens, or says everything that is wrong with its settings.
pub(in crate::sources::ssf) fn reader(settings: &Settings<'_>) -> Result<TokenReader, Vec<ConfigError>> {
    let written: Tokens = settings.read()?;
    let mut complaints = Vec::new();
    if written.audience.is_blank() {
        let why = "audience must name this receiver as the transmitter does";
        complaints.push(settings.complain("audience", why));
    }
    let issuer = TrustedIssuerSettings {
        issuer: written.issuer,
        jwks_file: written.jwks_file,
        jwks_url: written.jwks_url,
        jwks_host: written.jwks_host,
        algorithms: written.algorithms,
    };
    Ok(TokenReader {
        issuer: issuer.build(settings, MetadataDocument::Ssf, complaints)?,
        audience: written.audience,
        legacy: written.legacy_subject,
        allow_untyped: written.allow_untyped,
        heeds_echoes: !written.from_revoked,
        max_age: written.max_age.map(|Period(age)| age),
        subjects: SubjectRules {
            issuers: written.subject_issuers,
            critical: written.critical_subject_members,
            iss_sub: written.subjects.iss_sub,
            opaque: written.subjects.opaque,
        },
    })
}
