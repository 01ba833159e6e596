//! A signature by a key of a list that the sender publishes, with the key's name in a header: ECDSA on P-256 with SHA-256, as GitHub's secret
//! scanning signs what it found (GitHub, "Secret scanning partner program").

use ::http::HeaderMap;
use ::http::header::HeaderName;

use super::issuer_token::refused;
use super::only;
use crate::jose::{Algorithm, JwksCache};
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;
use crate::sources::webhook::values::encoding::Encoding;

/// The longest name of a key, in bytes.
const LONGEST: usize = 256;

/// A signature by a key of a published list.
pub(in crate::sources::webhook) struct KeyList {
    /// Where the signature is: in base 64 the DER of an ECDSA signature over the body as it arrived.
    pub(in crate::sources::webhook) header: HeaderName,
    /// Where the key's name is.
    pub(in crate::sources::webhook) id_header: HeaderName,
    /// The list.
    pub(in crate::sources::webhook) keys: JwksCache,
}

impl KeyList {
    /// Checks one delivery.
    ///
    /// # Errors
    /// 401; 503 where the list cannot be had, or may not be asked for again yet.
    pub(super) async fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Rejection> {
        let id = only(headers, &self.id_header)?;
        if id.is_empty() || id.len() > LONGEST {
            return Err(untrusted(format!("the header {} names no key", self.id_header)));
        }
        let signature = Encoding::Base64.decode(only(headers, &self.header)?);
        let signature = signature.ok_or_else(|| untrusted(format!("the header {} is not base64", self.header)))?;
        let key = self.keys.find(Some(id), Algorithm::Es256).await;
        let key = key.map_err(|error| refused(&error))?;
        key.verify_der(body, &signature).map_err(|error| refused(&error))
    }
}
