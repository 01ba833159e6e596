//! Standard Webhooks (standard-webhooks/standard-webhooks, `spec/standard-webhooks.md`): the headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, or the older names that begin with `svix-`.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::HeaderName;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::{fresh, only};
use crate::model::Timestamp;
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;
use crate::sources::webhook::values::encoding::Encoding;
use crate::sources::webhook::values::time_format::TimeFormat;

/// The longest `webhook-id`, in bytes.
const LONGEST_ID: usize = 256;
/// How many signatures one header may list.
const MOST_SIGNATURES: usize = 32;

/// The keys of a sender of Standard Webhooks.
pub(in crate::sources::webhook) struct StandardWebhooks {
    secrets: Vec<hmac::Key>,
    public_keys: Vec<Vec<u8>>,
    tolerance: Duration,
}

/// The three headers of a delivery, under either name.
struct Names {
    id: HeaderName,
    timestamp: HeaderName,
    signature: HeaderName,
}

const STANDARD: Names = Names {
    id: HeaderName::from_static("webhook-id"),
    timestamp: HeaderName::from_static("webhook-timestamp"),
    signature: HeaderName::from_static("webhook-signature"),
};

const SVIX: Names = Names {
    id: HeaderName::from_static("svix-id"),
    timestamp: HeaderName::from_static("svix-timestamp"),
    signature: HeaderName::from_static("svix-signature"),
};

impl StandardWebhooks {
    /// No keys yet.
    pub(in crate::sources::webhook) fn new(tolerance: Duration) -> Self {
        Self {
            secrets: Vec::new(),
            public_keys: Vec::new(),
            tolerance,
        }
    }

    /// Takes signatures `v1` (HMAC-SHA256) under `secret`.
    ///
    /// # Errors
    /// Where it is not of the form `whsec_<base64>` of 24 to 64 bytes. Says nothing of the secret.
    pub(in crate::sources::webhook) fn secret(&mut self, secret: &SecretString) -> Result<(), &'static str> {
        let text = secret.expose_secret();
        let key = Encoding::Base64.decode(text.strip_prefix("whsec_").unwrap_or(text));
        let key = key
            .ok_or("a secret of Standard Webhooks is `whsec_` and base64; for a secret that is text see verify = \"signature\"")?;
        if !(24..=64).contains(&key.len()) {
            return Err("a secret of Standard Webhooks has 24 to 64 bytes");
        }
        self.secrets.push(hmac::Key::new(hmac::HMAC_SHA256, &key));
        Ok(())
    }

    /// Takes signatures `v1a` (Ed25519) under the public key `text`.
    ///
    /// # Errors
    /// Where it is not of the form `whpk_<base64>` of 32 bytes.
    pub(in crate::sources::webhook) fn public_key(&mut self, text: &str) -> Result<(), &'static str> {
        if text.starts_with("whsk_") {
            return Err("this is a private key, which only the sender may have; write its public key, whpk_…, and make a new pair");
        }
        let key = Encoding::Base64.decode(text.strip_prefix("whpk_").unwrap_or(text));
        let key = key.filter(|key| key.len() == 32);
        self.public_keys
            .push(key.ok_or("a public key of Standard Webhooks is `whpk_` and the base64 of 32 bytes")?);
        Ok(())
    }

    /// Checks one delivery and gives its id.
    ///
    /// # Errors
    /// 401.
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, Rejection> {
        let names = names(headers);
        let id = id(headers)?;
        let timestamp = only(headers, &names.timestamp)?;
        let at = TimeFormat::Unix.read_text(timestamp);
        let at = at.ok_or_else(|| untrusted(format!("{} is not a time in seconds", names.timestamp)))?;
        fresh(at, now, self.tolerance)?;
        // The text as it was sent is what is signed, with its fraction.
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let signatures = only(headers, &names.signature)?;
        let mut listed = signatures.split(' ').filter(|one| !one.is_empty());
        if !listed.by_ref().take(MOST_SIGNATURES).any(|one| self.is_signed(one, &signed)) {
            return Err(untrusted("no signature is by a configured key over this body"));
        }
        Ok(id)
    }

    /// Whether one entry of the header is a signature by one of the keys.
    fn is_signed(&self, entry: &str, signed: &[u8]) -> bool {
        let Some((version, text)) = entry.split_once(',') else {
            return false;
        };
        let Some(signature) = Encoding::Base64.decode(text) else {
            return false;
        };
        match version {
            // The comparison takes as long whatever the signature is.
            "v1" => self.secrets.iter().any(|key| hmac::verify(key, signed, &signature).is_ok()),
            "v1a" => {
                let mut keys = self.public_keys.iter();
                keys.any(|key| UnparsedPublicKey::new(&ED25519, key).verify(signed, &signature).is_ok())
            }
            _ => false,
        }
    }
}

/// The delivery's id, which is the same when it is sent again.
///
/// # Errors
/// Where it is missing, doubled, too long, or could be read in two ways once it is joined with dots.
pub(super) fn id(headers: &HeaderMap) -> Result<String, Rejection> {
    let name = names(headers).id;
    let id = only(headers, &name)?;
    if id.is_empty() || id.len() > LONGEST_ID || id.contains('.') || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(untrusted(format!(
            "{name} must have 1 to {LONGEST_ID} characters without dots and spaces"
        )));
    }
    Ok(id.to_owned())
}

/// The names under which the sender writes; the standard's own where it writes both.
fn names(headers: &HeaderMap) -> Names {
    if !headers.contains_key(&STANDARD.signature) && headers.contains_key(&SVIX.signature) {
        SVIX
    } else {
        STANDARD
    }
}
