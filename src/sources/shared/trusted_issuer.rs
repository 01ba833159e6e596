//! An issuer whose signed tokens (JWT) a source believes: what the config says of it, and the checks of a token's header, issuer, key (`kid`, from
//! the issuer's JWKS) and signature. What the claims must be beside that is each protocol's own.

use std::path::PathBuf;

use serde_json::Value;

use super::http_answers::{AUTHENTICATION_FAILED, INVALID_KEY, INVALID_REQUEST, KEYS_UNAVAILABLE, UNKNOWN_KEY, refusal};
use crate::jose::{Algorithm, Compact, HeaderRules, IssuerKeys, JwksCache, MetadataDocument, TokenError};
use crate::settings::{ConfigError, Settings};
use crate::sources::{Rejection, RejectionKind};

/// The keys of the config that every source with signed tokens has, as written.
pub(in crate::sources) struct TrustedIssuerSettings {
    /// What `iss` must be, byte for byte.
    pub(in crate::sources) issuer: String,
    /// A file with the issuer's keys, for an issuer that cannot be reached.
    pub(in crate::sources) jwks_file: Option<PathBuf>,
    /// Where the issuer publishes its keys.
    pub(in crate::sources) jwks_url: Option<String>,
    /// The host that the keys are on, where it is not the issuer's.
    pub(in crate::sources) jwks_host: Option<String>,
    /// The signature algorithms accepted.
    pub(in crate::sources) algorithms: Vec<Algorithm>,
}

impl TrustedIssuerSettings {
    /// The issuer that they come to. `document` is where its keys are looked up if neither a file nor an address is written; `complaints` are
    /// those about the other keys of the source.
    ///
    /// # Errors
    /// `complaints`, and everything that is wrong here.
    pub(in crate::sources) fn build(
        self,
        settings: &Settings<'_>,
        document: MetadataDocument,
        mut complaints: Vec<ConfigError>,
    ) -> Result<TrustedIssuer, Vec<ConfigError>> {
        let mut complain = |key: &str, message: &str| complaints.push(settings.complain(key, message));
        if self.issuer.is_empty() {
            complain("issuer", "issuer must not be empty");
        }
        if self.algorithms.is_empty() {
            complain("algorithms", "algorithms must not be empty");
        }
        let published = IssuerKeys {
            issuer: &self.issuer,
            file: self.jwks_file.as_deref(),
            url: self.jwks_url.as_deref(),
            host: self.jwks_host.as_deref(),
        };
        let origin = published
            .origin(document)
            .map_err(|(key, error)| complain(key, &format!("{error:#}")));
        match origin {
            Ok(origin) if complaints.is_empty() => Ok(TrustedIssuer {
                name: self.issuer,
                algorithms: self.algorithms,
                keys: JwksCache::new(origin),
            }),
            _ => Err(complaints),
        }
    }
}

/// The algorithm that is accepted where the config names none.
pub(in crate::sources) fn rs256() -> Vec<Algorithm> {
    vec![Algorithm::Rs256]
}

/// An issuer whose tokens are believed.
pub(in crate::sources) struct TrustedIssuer {
    /// What `iss` must be, byte for byte.
    pub(in crate::sources) name: String,
    /// The signature algorithms accepted.
    pub(in crate::sources) algorithms: Vec<Algorithm>,
    /// The issuer's keys.
    pub(in crate::sources) keys: JwksCache,
}

/// What the header of a protocol's tokens must be like.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources) struct TokenHeader {
    /// The `typ` demanded, without `application/`.
    pub(in crate::sources) typ: &'static str,
    /// Whether `typ` may also be missing, or only say `JWT`.
    pub(in crate::sources) untyped: bool,
    /// Whether `kid` may be missing, where the issuer has a single key.
    pub(in crate::sources) kid_optional: bool,
}

/// Why a token is not the issuer's.
#[derive(Debug)]
pub(in crate::sources) enum Untrusted {
    /// Its form, header, key or signature.
    Token(TokenError),
    /// It names another issuer.
    OtherIssuer,
    /// It names none.
    NoIssuer,
}

impl From<TokenError> for Untrusted {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl TrustedIssuer {
    /// `token` taken apart, signed by this issuer. Nothing else of its claims is checked.
    ///
    /// # Errors
    /// Why it is not believed.
    pub(in crate::sources) async fn verified<'t>(&self, token: &'t [u8], header: TokenHeader) -> Result<Compact<'t>, Untrusted> {
        let token = Compact::read(token)?;
        let (algorithm, kid) = token.check_header(&HeaderRules {
            algorithms: &self.algorithms,
            typ: header.typ,
            untyped: header.untyped,
            kid_optional: header.kid_optional,
        })?;
        match token.claims.get("iss") {
            Some(Value::String(iss)) if *iss == self.name => {}
            Some(Value::String(_)) => return Err(Untrusted::OtherIssuer),
            _ => return Err(Untrusted::NoIssuer),
        }
        let key = self.keys.find(kid, algorithm).await?;
        key.verify(&token, algorithm)?;
        Ok(token)
    }
}

impl From<TokenError> for Rejection {
    /// The codes of RFC 8935 section 2.4, which back-channel logout answers with its one error.
    fn from(error: TokenError) -> Self {
        let (kind, code) = match &error {
            TokenError::Malformed(_) | TokenError::Type(_) => (RejectionKind::Malformed, INVALID_REQUEST),
            TokenError::Encrypted | TokenError::Algorithm(_) | TokenError::Key(_) => (RejectionKind::Unauthenticated, INVALID_KEY),
            TokenError::Signature => (RejectionKind::Unauthenticated, AUTHENTICATION_FAILED),
            TokenError::KeysUnavailable(wait) => (RejectionKind::NotNow(*wait), KEYS_UNAVAILABLE),
            TokenError::UnknownKey(wait) => (RejectionKind::NotNow(*wait), UNKNOWN_KEY),
        };
        refusal(kind, code, error.to_string())
    }
}
