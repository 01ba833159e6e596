//! The keys of a `[[source]]` of this kind, as written, and the receiver they build.

use std::path::PathBuf;

use serde::Deserialize;

use super::BackChannelLogout;
use super::token_reader::{Leniency, TokenReader, UNTOLD_LIFE};
use crate::clock::Clock;
use crate::jose::{Algorithm, MetadataDocument};
use crate::settings::{ConfigError, Settings};
use crate::sources::shared::audience::Audience;
use crate::sources::shared::subject_identifiers::{IdentifierKind, SubjectRules};
use crate::sources::shared::trusted_issuer::{TrustedIssuerSettings, rs256};

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
    /// Takes tokens whose `typ` is missing or only says `JWT`, from providers older than the type; and, unless the two keys below say
    /// otherwise, what these providers leave out besides.
    #[serde(default)]
    allow_untyped: bool,
    /// Takes tokens without `exp`.
    allow_missing_exp: Option<bool>,
    /// Takes tokens with `sid` and without `sub`, for a human.
    allow_sid_only: Option<bool>,
    /// What the issuer's `sub` is at our targets.
    #[serde(default)]
    subject: IdentifierKind,
}

impl Written {
    /// What is forgiven. Providers older than the type are older than `exp` too, hence one key for all of it.
    fn leniency(&self) -> Leniency {
        Leniency {
            untyped: self.allow_untyped,
            missing_exp: self.allow_missing_exp.unwrap_or(self.allow_untyped),
            sid_only: self.allow_sid_only.unwrap_or(self.allow_untyped),
        }
    }

    /// A sentence for each thing that is forgiven, and where a key forgives more than its name says, how to have less.
    fn cautions(&self) -> Vec<String> {
        let leniency = self.leniency();
        let by = |key: &str, written: Option<bool>| {
            if written.is_some() {
                format!("{key} takes")
            } else {
                format!("allow_untyped, unless {key} = false is written too, takes")
            }
        };
        let mut cautions = Vec::new();
        if leniency.untyped {
            let why = "allow_untyped takes tokens whose typ is missing or only says JWT: the event in them is all that tells them from ID tokens";
            cautions.push(why.to_owned());
        }
        if leniency.missing_exp {
            cautions.push(format!(
                "{} tokens without exp, as if they ended {} minutes after iat",
                by("allow_missing_exp", self.allow_missing_exp),
                UNTOLD_LIFE.as_secs() / 60
            ));
        }
        if leniency.sid_only {
            cautions.push(format!(
                "{} tokens that name a session and nobody: each is only recorded and held, since no target knows the provider's sessions",
                by("allow_sid_only", self.allow_sid_only)
            ));
        }
        cautions
    }
}

/// Builds a receiver, or says everything that is wrong with its settings.
pub(super) fn build(settings: &Settings<'_>, clock: &Clock) -> Result<BackChannelLogout, Vec<ConfigError>> {
    let written: Written = settings.read()?;
    let mut complaints = Vec::new();
    if written.audience.is_blank() {
        complaints.push(settings.complain("audience", "audience must be the client id at the OpenID provider"));
    }
    let (leniency, cautions) = (written.leniency(), written.cautions());
    let issuer = TrustedIssuerSettings {
        issuer: written.issuer,
        jwks_file: written.jwks_file,
        jwks_url: written.jwks_url,
        jwks_host: written.jwks_host,
        algorithms: written.algorithms,
    };
    Ok(BackChannelLogout {
        name: settings.name.to_owned(),
        cautions,
        reader: TokenReader {
            issuer: issuer.build(settings, MetadataDocument::OpenId, complaints)?,
            audience: written.audience,
            leniency,
            subjects: SubjectRules {
                iss_sub: written.subject,
                ..SubjectRules::default()
            },
        },
        clock: clock.clone(),
    })
}
