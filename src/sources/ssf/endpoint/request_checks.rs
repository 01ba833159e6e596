//! What is checked before a byte of the token is read: method, media type, size, and the `Authorization` header.

use ::http::Request;
use ::http::header::AUTHORIZATION;
use bytes::Bytes;
use secrecy::SecretString;

use super::answer::{AUTHENTICATION_FAILED, refusal};
use crate::secret::AcceptedSecrets;
use crate::sources::shared::http_checks::{admit, only};
use crate::sources::ssf::BODY_CAP;
use crate::sources::{Rejection, RejectionKind, SenderAuth};

/// The checks of HTTP's own.
pub(in crate::sources::ssf) struct RequestChecks {
    /// The values that the header may have; empty where none is demanded.
    authorization: AcceptedSecrets,
}

impl RequestChecks {
    /// Checks that demand one of `authorization` as the whole value of the `Authorization` header. Two are valid while one replaces
    /// the other.
    pub(in crate::sources::ssf) fn new(authorization: &[SecretString]) -> Self {
        Self {
            authorization: AcceptedSecrets::new(authorization),
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
        if !self.authorization.contains(only(head, &AUTHORIZATION).unwrap_or_default()) {
            let why = "the Authorization header is missing or not the one agreed on";
            return Err(refusal(RejectionKind::Unauthenticated, AUTHENTICATION_FAILED, why));
        }
        Ok(SenderAuth::Proven)
    }
}
