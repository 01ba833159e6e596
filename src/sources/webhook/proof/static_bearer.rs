//! A static secret in a header or in the URL: for senders that can do no better. It proves neither that the body is whole nor that it is
//! new.

use ::http::Request;
use ::http::header::HeaderName;
use bytes::Bytes;
use secrecy::SecretString;

use super::only;
use crate::secret::AcceptedSecrets;
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;

/// A static secret.
pub(in crate::sources::webhook) struct StaticBearer {
    place: Place,
    secrets: AcceptedSecrets,
}

/// Where the secret is.
pub(in crate::sources::webhook) enum Place {
    /// In a header, after a word (`StaticBearer`); the word is empty where the secret stands alone.
    Header(HeaderName, String),
    /// At the end of the URL, below the source's own path.
    Path,
}

impl StaticBearer {
    /// Takes any of `secrets` at `place`.
    pub(in crate::sources::webhook) fn new(place: Place, secrets: &[SecretString]) -> Self {
        Self {
            place,
            secrets: AcceptedSecrets::new(secrets),
        }
    }

    /// Whether the secret is in the URL.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self.place, Place::Path)
    }

    /// Checks the one secret of a request.
    ///
    /// # Errors
    /// 401.
    pub(super) fn check(&self, request: &Request<Bytes>) -> Result<(), Rejection> {
        let (sent, place) = match &self.place {
            Place::Path => (
                request.uri().path().rsplit('/').next().unwrap_or_default(),
                "the URL".to_owned(),
            ),
            Place::Header(header, scheme) => {
                let value = only(request.headers(), header)?;
                let secret = after(scheme, value);
                let secret =
                    secret.ok_or_else(|| untrusted(format!("the header {header} must hold the word {scheme} and the secret")))?;
                (secret, format!("the header {header}"))
            }
        };
        if !self.secrets.contains(sent.as_bytes()) {
            return Err(untrusted(format!("{place} does not hold the secret")));
        }
        Ok(())
    }
}

/// What stands after the word `scheme`.
fn after<'a>(scheme: &str, value: &'a str) -> Option<&'a str> {
    if scheme.is_empty() {
        return Some(value);
    }
    let (word, secret) = value.split_once(' ')?;
    word.eq_ignore_ascii_case(scheme).then(|| secret.trim())
}
