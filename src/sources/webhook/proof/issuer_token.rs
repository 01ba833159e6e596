//! A signed token in `Authorization`, by an issuer that signs for all of its customers: Google for Pub/Sub, Microsoft Entra for Event Grid.
//!
//! Any customer can have such a token made for any audience, so that who asked for it is checked too: the service account's address, or the
//! application's id. The token says nothing about the body.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::Request;
use ::http::header::AUTHORIZATION;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::only;
use crate::jose::TokenError;
use crate::model::Timestamp;
use crate::sources::shared::audience::Audience;
use crate::sources::shared::http_answers::{KEYS_UNAVAILABLE, UNKNOWN_KEY, refusal};
use crate::sources::shared::trusted_issuer::{TokenHeader, TrustedIssuer, Untrusted};
use crate::sources::webhook::answer::untrusted;
use crate::sources::webhook::values::time_format::TimeFormat;
use crate::sources::{Rejection, RejectionKind};

/// What a sender's token must be like.
pub(in crate::sources::webhook) struct IssuerToken {
    /// Who signs them.
    pub(in crate::sources::webhook) issuer: TrustedIssuer,
    /// Our name or names at the issuer, of which `aud` must hold one.
    pub(in crate::sources::webhook) audience: Audience,
    /// What other claims must be.
    pub(in crate::sources::webhook) claims: BTreeMap<String, Claim>,
    /// How far the sender's clock may be from ours, either way.
    pub(in crate::sources::webhook) tolerance: Duration,
}

/// What a claim must be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text, true or false")]
pub(in crate::sources::webhook) enum Claim {
    /// This text, byte for byte.
    Text(String),
    /// This truth value, which some issuers write as a text.
    Flag(bool),
}

impl Claim {
    fn is(&self, said: &Value) -> bool {
        match (self, said) {
            (Self::Text(text), Value::String(said)) => text == said,
            (Self::Flag(flag), Value::Bool(said)) => flag == said,
            (Self::Flag(flag), Value::String(said)) => *said == flag.to_string(),
            _ => false,
        }
    }
}

impl IssuerToken {
    /// Checks the one token of `request`.
    ///
    /// # Errors
    /// 401 whatever is wrong with it; 503 where the issuer's keys cannot be had.
    pub(super) async fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<(), Rejection> {
        let value = only(request.headers(), &AUTHORIZATION)?;
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(untrusted(
                "the header authorization must hold the word Bearer and a signed token",
            ));
        }
        let header = TokenHeader {
            typ: "JWT",
            untyped: false,
            kid_optional: false,
        };
        let token = self.issuer.verified(token.as_bytes(), header).await;
        let token = token.map_err(|why| match why {
            Untrusted::Token(error) => refused(&error),
            Untrusted::OtherIssuer | Untrusted::NoIssuer => untrusted("iss is missing or not the issuer of this source"),
        })?;
        self.check_claims(&token.claims, now)
    }

    fn check_claims(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), Rejection> {
        if !self.audience.is_named_by(claims.get("aud")) {
            return Err(untrusted("aud is not the audience of this source"));
        }
        let wrong = self
            .claims
            .iter()
            .find(|(name, claim)| !claims.get(*name).is_some_and(|said| claim.is(said)));
        if let Some((name, _)) = wrong {
            return Err(untrusted(format!(
                "the claim {name} is missing or not the one of this source"
            )));
        }
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(said) => said
                .as_number()
                .and_then(|number| TimeFormat::Unix.read_text(&number.to_string()))
                .map(Some)
                .ok_or_else(|| untrusted(format!("{name} is not a time in seconds"))),
        };
        let expires_at = time("exp")?.ok_or_else(|| untrusted("exp is missing"))?;
        if expires_at.plus(self.tolerance) <= now {
            return Err(untrusted("the token has expired"));
        }
        for name in ["iat", "nbf"] {
            if time(name)?.is_some_and(|at| at > now.plus(self.tolerance)) {
                return Err(untrusted(format!("{name} is in the future")));
            }
        }
        Ok(())
    }
}

/// The answer to a token that is not believed: 503 where that is our trouble.
pub(super) fn refused(error: &TokenError) -> Rejection {
    match error {
        TokenError::KeysUnavailable(wait) => refusal(RejectionKind::NotNow(*wait), KEYS_UNAVAILABLE, error.to_string()),
        TokenError::UnknownKey(wait) => refusal(RejectionKind::NotNow(*wait), UNKNOWN_KEY, error.to_string()),
        _ => untrusted(error.to_string()),
    }
}
