//! Signed tokens of others: compact JWS (RFC 7515), JSON Web Keys (RFC 7517) and the keys' cache. The one place that checks signatures.
//!
//! `jsonwebtoken` is used for the arithmetic of signatures only. Its claim checks let a missing or ill-typed `aud` pass, so everything
//! that a token says is read here strictly and judged by the source that owns the protocol. No HMAC algorithm can be expressed, which
//! ends key confusion before it starts; `jwk`, `jku`, `x5u` and `x5c` of a token's header are never looked at.
//!
//! The way of a token: [`Compact::read`] (form), [`Compact::check_header`] (algorithm, type, critical extensions), [`JwksCache::find`]
//! (key by `kid`, from the issuer's JWKS), [`Key::verify`] (signature). Only then may its claims be believed.

mod algorithm;
mod cache_control;
mod compact;
mod issuer_keys;
mod jwks_cache;
mod jwks_origin;
mod key;
mod key_set;
mod numeric_date;
mod signer;
mod strict_json;

pub use algorithm::{Algorithm, KeyType};
pub use compact::{Compact, HeaderRules};
pub use issuer_keys::{IssuerKeys, MetadataDocument};
pub use jwks_cache::{JwksCache, MOST_FETCHES, OLDEST_KEYS, REFETCH_PAUSE, REFRESH_AFTER, REFRESH_WITHIN};
pub use jwks_origin::{JWKS_CAP, JwksOrigin, discovery_url, ensure_fetchable, is_loopback, well_known_url};
pub use key::Key;
pub use key_set::{KeySet, MOST_KEYS};
pub use numeric_date::{CLOCK_SKEW, DateFault, date_in_either_unit, is_ahead, is_over, numeric_date, time_claim};
pub use signer::Signer;
pub use strict_json::{DEEPEST, read_object, read_value};

use std::time::Duration;

/// Why a token is not believed, in the order of the checks. The texts go to the sender and never quote the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWS of JSON objects, or its header breaks a rule.
    #[error("{0}")]
    Malformed(String),
    /// A JWE: there is no key to decrypt with.
    #[error("the token is encrypted (five parts); send a signed one")]
    Encrypted,
    /// The algorithm is not on the list of the source.
    #[error("the signature algorithm is not accepted here; use {0}")]
    Algorithm(String),
    /// `typ` is missing or another one.
    #[error("the header's typ must be {0}")]
    Type(&'static str),
    /// The key cannot be used, or is not among the issuer's keys.
    #[error("{0}")]
    Key(String),
    /// The signature is not by that key over these bytes.
    #[error("the signature does not verify")]
    Signature,
    /// The key is unknown and the issuer's keys could not be asked for: our trouble, not the sender's.
    #[error("the issuer's keys cannot be had at this time")]
    KeysUnavailable(Duration),
    /// The key is not among the issuer's keys as they were a moment ago, and they were asked for too often to be asked for again: what a
    /// forger with made-up names meets, and once in a while a key that has just been made.
    #[error("the key (kid) is not among the issuer's, which were asked for a moment ago")]
    UnknownKey(Duration),
}
