//! What is checked before a byte of the token is read: method, media type, size, and the `Authorization` header.

use ::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use ::http::{Method, Request};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::BODY_CAP;
use super::answer::{AUTHENTICATION_FAILED, METHOD, refusal};
use crate::sources::digest::sha256;
use crate::sources::{Rejection, RejectionKind};

/// The checks of HTTP's own.
pub(super) struct Door {
    /// SHA-256 of each value that the header may have; empty where none is demanded.
    authorization: Vec<[u8; 32]>,
}

impl Door {
    /// A door that demands one of `authorization` as the whole value of the `Authorization` header. Two are valid while one replaces
    /// the other.
    pub(super) fn new(authorization: &[SecretString]) -> Self {
        let digests = authorization.iter().map(|secret| sha256(secret.expose_secret().as_bytes()));
        Self {
            authorization: digests.collect(),
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// A refusal with 405, 415, 413, or 400 `authentication_failed`.
    pub(super) fn admit(&self, request: &Request<Bytes>) -> Result<(), Rejection> {
        if request.method() != Method::POST {
            return Err(refusal(RejectionKind::Malformed, METHOD, "only POST is taken here"));
        }
        let media = only(request, &CONTENT_TYPE).unwrap_or_default();
        let media = media.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !media.eq_ignore_ascii_case(b"application/secevent+jwt") {
            let why = "the content type must be application/secevent+jwt";
            return Err(refusal(RejectionKind::MediaType, "media_type", why));
        }
        if request.headers().contains_key(CONTENT_ENCODING) {
            let why = "no content encoding is taken, since it could hide a bomb";
            return Err(refusal(RejectionKind::MediaType, "content_encoding", why));
        }
        if request.body().len() > BODY_CAP {
            let why = format!("a token may weigh {BODY_CAP} bytes");
            return Err(refusal(RejectionKind::TooLarge, "too_large", why));
        }
        if !self.authorization.is_empty() {
            // Digests are compared, and all of them, so that neither content nor length of a secret shows in the time taken.
            let given = sha256(only(request, &AUTHORIZATION).unwrap_or_default());
            let same = |expected: &&[u8; 32]| verify_slices_are_equal(&given, *expected).is_ok();
            if self.authorization.iter().filter(same).count() == 0 {
                let why = "the Authorization header is missing or not the one agreed on";
                return Err(refusal(RejectionKind::Unauthenticated, AUTHENTICATION_FAILED, why));
            }
        }
        Ok(())
    }
}

/// The header's value where it stands exactly once: two values could be read differently by two readers.
fn only<'a>(request: &'a Request<Bytes>, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = request.headers().get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}
