//! What is checked before a byte of the token is read: method, media type, size, and the `Authorization` header.

use ::http::Request;
use ::http::header::AUTHORIZATION;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{AUTHENTICATION_FAILED, refusal};
use crate::sources::digest::sha256;
use crate::sources::shared::http_checks::{admit, only};
use crate::sources::ssf::BODY_CAP;
use crate::sources::{Rejection, RejectionKind, SenderAuth};

/// The checks of HTTP's own.
pub(in crate::sources::ssf) struct RequestChecks {
    /// SHA-256 of each value that the header may have; empty where none is demanded.
    authorization: Vec<[u8; 32]>,
}

impl RequestChecks {
    /// Checks that demand one of `authorization` as the whole value of the `Authorization` header. Two are valid while one replaces
    /// the other.
    pub(in crate::sources::ssf) fn new(authorization: &[SecretString]) -> Self {
        let digests = authorization.iter().map(|secret| sha256(secret.expose_secret().as_bytes()));
        Self {
            authorization: digests.collect(),
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// A refusal with 405, 415, 413, or 400 `authentication_failed`.
    pub(in crate::sources::ssf) fn admit(&self, request: &Request<Bytes>) -> Result<(), Rejection> {
        let wanted = "application/secevent+jwt";
        admit(request, BODY_CAP, wanted, |media| {
            media.eq_ignore_ascii_case(wanted.as_bytes())
        })?;
        self.check_head(request).map(|_| ())
    }

    /// Checks the `Authorization` header, where one is demanded.
    ///
    /// # Errors
    /// 400 `authentication_failed`.
    pub(in crate::sources::ssf) fn check_head(&self, head: &Request<Bytes>) -> Result<SenderAuth, Rejection> {
        if self.authorization.is_empty() {
            return Ok(SenderAuth::Unread);
        }
        // Digests are compared, and all of them, so that neither content nor length of a secret shows in the time taken.
        let given = sha256(only(head, &AUTHORIZATION).unwrap_or_default());
        let same = |expected: &&[u8; 32]| verify_slices_are_equal(&given, *expected).is_ok();
        if self.authorization.iter().filter(same).count() == 0 {
            let why = "the Authorization header is missing or not the one agreed on";
            return Err(refusal(RejectionKind::Unauthenticated, AUTHENTICATION_FAILED, why));
        }
        Ok(SenderAuth::Proven)
    }
}
