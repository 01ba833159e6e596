//! The token that proves who calls. Two are valid while one replaces the other.

use ::http::Request;
use ::http::header::AUTHORIZATION;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{INVALID_TOKEN, NO_TOKEN, refusal};
use crate::sources::digest::sha256;
use crate::sources::{Rejection, RejectionKind};

/// The tokens that are valid, as digests.
pub(in crate::sources::scim) struct Tokens(Vec<[u8; 32]>);

impl Tokens {
    pub(in crate::sources::scim) fn new(tokens: &[SecretString]) -> Self {
        let digests = tokens.iter().map(|token| sha256(token.expose_secret().as_bytes()));
        Self(digests.collect())
    }

    /// Whether the request has one of them.
    ///
    /// # Errors
    /// A refusal with 401.
    pub(in crate::sources::scim) fn check(&self, request: &Request<Bytes>) -> Result<(), Rejection> {
        let mut values = request.headers().get_all(AUTHORIZATION).iter();
        let token = match (values.next(), values.next()) {
            (Some(value), None) => bearer(value.as_bytes()),
            _ => None,
        };
        let Some(token) = token else {
            let why = "send one Authorization header with a token: Bearer <token>";
            return Err(refusal(RejectionKind::Unauthenticated, NO_TOKEN, why));
        };
        // Digests are compared, and all of them, so that neither content nor length of a token shows in the time taken.
        let given = sha256(token);
        let same = |expected: &&[u8; 32]| verify_slices_are_equal(&given, *expected).is_ok();
        if self.0.iter().filter(same).count() == 0 {
            let why = "the bearer token is not one that is valid here";
            return Err(refusal(RejectionKind::Unauthenticated, INVALID_TOKEN, why));
        }
        Ok(())
    }
}

/// What follows the word `Bearer`, in any case (RFC 9110 section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}
