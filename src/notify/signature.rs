//! The signature of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

/// A key that webhooks are signed with. Does not print itself.
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// Where it is not of that form. Says nothing of the secret.
    pub fn new(secret: &SecretString) -> Result<Self, &'static str> {
        let text = secret.expose_secret();
        let key = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        let key = key.ok_or("a secret of Standard Webhooks is whsec_ and base64: echo whsec_$(openssl rand -base64 32)")?;
        if !(24..=64).contains(&key.len()) {
            return Err("a secret of Standard Webhooks has 24 to 64 bytes");
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The signature, as the header lists it.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signed = [id.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body].concat();
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, &signed)))
    }
}
