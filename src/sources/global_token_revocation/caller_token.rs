//! The signed token in the `Authorization` header: who calls, that it is meant for us, and that it is fresh.

use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::{NO_TOKEN, refusal, token_refused, untrusted};
use crate::jose::{is_ahead, is_over, time_claim};
use crate::model::Timestamp;
use crate::secret::bearer_token;
use crate::sources::shared::trusted_issuer::{TokenHeader, TrustedIssuer, Untrusted};
use crate::sources::{Rejection, RejectionKind};

/// The longest a token may live, from `iat` to `exp`. Okta's live five minutes.
pub const LONGEST_LIFETIME: Duration = Duration::from_mins(10);
/// The longest `jti`, in characters.
const LONGEST_JTI: usize = 256;

/// What a caller's token must be like.
pub(super) struct CallerToken {
    /// Who signs them.
    pub(super) issuer: TrustedIssuer,
    /// What `sub` must be: the name that the issuer gave to the application that we log people out of.
    pub(super) client_id: String,
    /// What `aud` must be, byte for byte: the address of this endpoint as the caller knows it.
    pub(super) audience: String,
}

/// What a good token says.
pub(super) struct Call {
    /// Names the call: the issuer and the `jti`.
    pub(super) key: String,
    /// When it was signed.
    pub(super) issued_at: Timestamp,
    /// The claims' bytes as they were signed.
    pub(super) payload: Vec<u8>,
}

impl CallerToken {
    /// Checks the one token of `request`.
    ///
    /// # Errors
    /// 401 whatever is wrong with it; 503 where the issuer's keys cannot be had.
    pub(super) async fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<Call, Rejection> {
        let token = bearer_token(request.headers()).ok_or_else(|| {
            let why = "send one Authorization header with a signed token: Bearer <JWT>";
            refusal(RejectionKind::Unauthenticated, NO_TOKEN, why)
        })?;
        let header = TokenHeader {
            typ: "global-token-revocation+jwt",
            untyped: false,
            // The draft's example names no key, so it may be missing where the issuer has a single one.
            kid_optional: true,
        };
        let token = self.issuer.verified(token, header).await.map_err(|why| match why {
            Untrusted::Token(error) => token_refused(&error),
            Untrusted::OtherIssuer | Untrusted::NoIssuer => untrusted("iss is missing or not the issuer that may call here"),
        })?;
        let (jti, issued_at) = self.check_claims(&token.claims, now)?;
        Ok(Call {
            key: format!("{}|{jti}", self.issuer.name),
            issued_at,
            payload: token.payload,
        })
    }

    /// The `jti` and `iat` of claims that are good now.
    fn check_claims<'a>(&self, claims: &'a Map<String, Value>, now: Timestamp) -> Result<(&'a str, Timestamp), Rejection> {
        let is = |name: &str, wanted: &str| match claims.get(name) {
            Some(Value::String(said)) => said == wanted,
            _ => false,
        };
        // A list with our name and others would be a token that somebody else may have used first.
        let sole = claims.get("aud").and_then(Value::as_array);
        let sole = sole.is_some_and(|list| matches!(list.as_slice(), [Value::String(only)] if *only == self.audience));
        if !sole && !is("aud", &self.audience) {
            return Err(untrusted("aud is not the address of this endpoint"));
        }
        if !is("sub", &self.client_id) {
            return Err(untrusted("sub is not the client that may call here"));
        }
        let time = |name: &str| time_claim(claims, name).map_err(untrusted);
        let needed = |name: &str| time(name)?.ok_or_else(|| untrusted(format!("{name} is missing")));
        let (issued_at, expires_at) = (needed("iat")?, needed("exp")?);
        if is_ahead(issued_at, now) {
            return Err(untrusted("iat is in the future"));
        }
        if expires_at <= issued_at || expires_at.since(issued_at) > LONGEST_LIFETIME {
            let minutes = LONGEST_LIFETIME.as_secs() / 60;
            return Err(untrusted(format!("exp must be after iat, by {minutes} minutes at most")));
        }
        if is_over(expires_at, now) {
            return Err(untrusted("the token has expired"));
        }
        if time("nbf")?.is_some_and(|begins_at| is_ahead(begins_at, now)) {
            return Err(untrusted("nbf is in the future"));
        }
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        if jti.is_empty() || jti.chars().count() > LONGEST_JTI || jti.chars().any(char::is_control) {
            return Err(untrusted("jti is missing, empty, too long or not a plain text"));
        }
        Ok((jti, issued_at))
    }
}
