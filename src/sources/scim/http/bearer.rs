//! The token that proves who calls. Two are valid while one replaces the other.

use ::http::Request;
use bytes::Bytes;
use secrecy::SecretString;

use super::answer::{INVALID_TOKEN, NO_TOKEN, refusal};
use crate::secret::{AcceptedSecrets, bearer_token};
use crate::sources::{Rejection, RejectionKind};

/// The tokens that are valid.
pub(in crate::sources::scim) struct Tokens(AcceptedSecrets);

impl Tokens {
    pub(in crate::sources::scim) fn new(tokens: &[SecretString]) -> Self {
        Self(AcceptedSecrets::new(tokens))
    }

    /// Whether the request has one of them.
    ///
    /// # Errors
    /// A refusal with 401.
    pub(in crate::sources::scim) fn check(&self, request: &Request<Bytes>) -> Result<(), Rejection> {
        let Some(token) = bearer_token(request.headers()) else {
            let why = "send one Authorization header with a token: Bearer <token>";
            return Err(refusal(RejectionKind::Unauthenticated, NO_TOKEN, why));
        };
        if !self.0.contains(token) {
            let why = "the bearer token is not one that is valid here";
            return Err(refusal(RejectionKind::Unauthenticated, INVALID_TOKEN, why));
        }
        Ok(())
    }
}
