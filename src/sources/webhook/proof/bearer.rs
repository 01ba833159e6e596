//! A static secret in a header: for senders that can do no better. It proves neither that the body is whole nor that it is new.

use ::http::HeaderMap;
use ::http::header::HeaderName;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret as _, SecretString};

use super::only;
use crate::sources::Rejection;
use crate::sources::digest::sha256;
use crate::sources::webhook::answer::untrusted;

/// A static secret in a header.
pub(in crate::sources::webhook) struct Bearer {
    /// The header.
    header: HeaderName,
    /// The word before the secret (`Bearer`); empty where the secret stands alone.
    scheme: String,
    /// SHA-256 of each secret that is taken: of equal length, so that a comparison takes as long whatever is sent.
    secrets: Vec<[u8; 32]>,
}

impl Bearer {
    /// Takes any of `secrets` after the word `scheme` in `header`.
    pub(in crate::sources::webhook) fn new(header: HeaderName, scheme: String, secrets: &[SecretString]) -> Self {
        Self {
            header,
            scheme,
            secrets: secrets
                .iter()
                .map(|secret| sha256(secret.expose_secret().as_bytes()))
                .collect(),
        }
    }

    /// Checks the one header.
    ///
    /// # Errors
    /// 401.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let value = only(headers, &self.header)?;
        let sent = self.after_scheme(value).ok_or_else(|| {
            untrusted(format!(
                "the header {} must hold the word {} and the secret",
                self.header, self.scheme
            ))
        })?;
        let sent = sha256(sent.as_bytes());
        // Every secret is compared, whichever matches.
        let matching = self
            .secrets
            .iter()
            .filter(|secret| verify_slices_are_equal(*secret, &sent).is_ok())
            .count();
        if matching == 0 {
            return Err(untrusted(format!("the header {} does not hold the secret", self.header)));
        }
        Ok(())
    }

    fn after_scheme<'a>(&self, value: &'a str) -> Option<&'a str> {
        if self.scheme.is_empty() {
            return Some(value);
        }
        let (scheme, secret) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case(&self.scheme).then(|| secret.trim())
    }
}
