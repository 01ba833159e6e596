//! The keys of an issuer: a JWK set (RFC 7517 section 5), each key judged when it is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::{Algorithm, Compact, KeyType, TokenError, read_object};

/// How many keys a set may hold; a longer one is refused whole.
pub const MOST_KEYS: usize = 64;

/// RSA moduli accepted, in bits: below is weak, above costs too much to check.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// One public key that may verify signatures.
#[derive(Debug, Clone)]
pub struct Key {
    made_for: KeyType,
    /// The one algorithm it is meant for, where the JWK says so.
    alg: Option<String>,
    arithmetic: DecodingKey,
}

/// The keys of one issuer, by `kid`. Keys that may not be used stay in it with the reason, so that a refusal can say it.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    entries: Vec<(Option<String>, Result<Key, &'static str>)>,
}

impl Key {
    /// Checks the signature of `token`, made with `algorithm`.
    ///
    /// # Errors
    /// [`TokenError::Signature`] where it does not verify.
    pub fn verify(&self, token: &Compact<'_>, algorithm: Algorithm) -> Result<(), TokenError> {
        match jsonwebtoken::crypto::verify(
            token.signature,
            token.signed.as_bytes(),
            &self.arithmetic,
            algorithm.arithmetic(),
        ) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::Signature),
        }
    }

    fn read(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if jwk.contains_key("use") && text("use") != Some("sig") {
            return Err("the key is not for signatures (use)");
        }
        if let Some(allowed) = jwk.get("key_ops") {
            let verifies = allowed
                .as_array()
                .is_some_and(|list| list.iter().any(|word| word == "verify"));
            if !verifies {
                return Err("the key is not for verifying (key_ops)");
            }
        }
        let bytes = |name: &str| {
            text(name)
                .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
                .ok_or("a part of the key is missing or not base64url")
        };
        let (made_for, arithmetic) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => (KeyType::Rsa, rsa(&bytes("n")?, &bytes("e")?)?),
            (Some("EC"), Some("P-256")) => {
                if bytes("x")?.len() != 32 || bytes("y")?.len() != 32 {
                    return Err("the key is not a point of P-256");
                }
                let components = DecodingKey::from_ec_components(text("x").unwrap_or_default(), text("y").unwrap_or_default());
                (KeyType::P256, components.map_err(|_| "the key is not a point of P-256")?)
            }
            (Some("OKP"), Some("Ed25519")) => {
                let x = bytes("x")?;
                if x.len() != 32 {
                    return Err("the key is not an Ed25519 key of 32 bytes");
                }
                (KeyType::Ed25519, DecodingKey::from_ed_der(&x))
            }
            _ => return Err("the key's type (kty, crv) is not known here"),
        };
        Ok(Self {
            made_for,
            alg: text("alg").map(str::to_owned),
            arithmetic,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.made_for == algorithm.key_type() && self.alg.as_deref().is_none_or(|alg| alg == algorithm.word())
    }
}

/// An RSA key of accepted size. An even exponent, or 1, would make every text its own signature.
fn rsa(n: &[u8], e: &[u8]) -> Result<DecodingKey, &'static str> {
    let bare = |bytes: &'_ [u8]| -> Vec<u8> { bytes.iter().copied().skip_while(|byte| *byte == 0).collect() };
    let (n, e) = (bare(n), bare(e));
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if bits < *RSA_BITS.start() {
        return Err("the RSA key is shorter than 2048 bits");
    }
    if bits > *RSA_BITS.end() {
        return Err("the RSA key is longer than 8192 bits");
    }
    if e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
        return Err("the RSA key's exponent is not odd and above 1");
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

impl KeySet {
    /// Reads a JWK set. A key that cannot be used is kept with its flaw; a set that is none, or too long, is refused.
    ///
    /// # Errors
    /// What is wrong with the set as a whole.
    pub fn read(json: &[u8]) -> anyhow::Result<Self> {
        let document = read_object(json).map_err(|why| anyhow::anyhow!("the key set cannot be read: {why}"))?;
        let list = document.get("keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| anyhow::anyhow!("the key set has no list \"keys\""))?;
        anyhow::ensure!(!list.is_empty(), "the key set is empty");
        anyhow::ensure!(list.len() <= MOST_KEYS, "the key set holds more than {MOST_KEYS} keys");
        let entries = list.iter().map(|entry| match entry.as_object() {
            Some(jwk) => (jwk.get("kid").and_then(Value::as_str).map(str::to_owned), Key::read(jwk)),
            None => (None, Err("the key is not an object")),
        });
        Ok(Self {
            entries: entries.collect(),
        })
    }

    /// The key that `kid` names and `algorithm` can use; without a `kid`, the only key there is. `None` where no key has that name.
    ///
    /// # Errors
    /// [`TokenError::Key`] where a key has that name and may not be used.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Result<Key, TokenError>> {
        let refused = |why: &str| Some(Err(TokenError::Key(why.to_owned())));
        if kid.is_none() && self.entries.len() != 1 {
            return refused("the header names no key (kid), and the issuer has several");
        }
        let mut named = self
            .entries
            .iter()
            .filter(|(name, _)| kid.is_none() || name.as_deref() == kid)
            .peekable();
        named.peek()?;
        let mut flaw = None;
        for (_, entry) in named {
            match entry {
                Ok(key) if key.fits(algorithm) => return Some(Ok(key.clone())),
                Ok(_) => flaw = flaw.or(Some("the key is not for the header's algorithm (kty, crv, alg)")),
                Err(why) => flaw = flaw.or(Some(why)),
            }
        }
        refused(flaw.unwrap_or("the key cannot be used"))
    }

    /// How many keys it holds that may be used.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.entries.iter().filter(|(_, entry)| entry.is_ok()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flaw(mut jwk: Value) -> String {
        jwk["kid"] = "k".into();
        let set = KeySet::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        match set.find(Some("k"), Algorithm::Rs256) {
            Some(Err(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    fn modulus(bits: usize) -> String {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] = 0xff >> ((8 - bits % 8) % 8);
        URL_SAFE_NO_PAD.encode(n)
    }

    #[test]
    fn weak_and_unfit_keys_are_named_as_such() {
        let good = json!({"kty": "RSA", "n": modulus(2048), "e": "AQAB"});
        let with = |name: &str, value: Value| {
            let mut jwk = good.clone();
            jwk[name] = value;
            jwk
        };
        assert!(flaw(with("n", modulus(1024).into())).contains("2048"));
        assert!(flaw(with("n", modulus(2047).into())).contains("2048"));
        assert!(flaw(with("n", modulus(16384).into())).contains("8192"));
        assert!(flaw(with("e", "AQ".into())).contains("exponent"));
        assert!(flaw(with("e", "Ag".into())).contains("exponent"));
        assert!(flaw(with("use", "enc".into())).contains("use"));
        assert!(flaw(with("use", 1.into())).contains("use"));
        assert!(flaw(with("key_ops", json!(["sign"]))).contains("key_ops"));
        assert!(flaw(with("alg", "RS512".into())).contains("algorithm"));
        assert!(flaw(json!({"kty": "oct", "k": "c2VjcmV0"})).contains("type"));
        assert!(flaw(json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})).contains("32 bytes"));
        assert!(flaw(json!({"kty": "RSA", "n": "!", "e": "AQAB"})).contains("base64url"));
    }

    #[test]
    fn a_modulus_with_a_leading_zero_byte_is_measured_without_it() {
        let mut n = vec![0];
        n.extend(vec![0xff; 256]);
        let jwk = json!({"kty": "RSA", "kid": "k", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB"});
        let set = KeySet::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        assert!(matches!(set.find(Some("k"), Algorithm::Rs256), Some(Ok(_))));
        assert_eq!(set.usable(), 1);
    }

    #[test]
    fn a_set_of_65_keys_and_a_set_of_none_are_refused() {
        let jwk = json!({"kty": "RSA", "n": modulus(2048), "e": "AQAB"});
        let of = |count: usize| json!({ "keys": vec![jwk.clone(); count] }).to_string();
        assert!(KeySet::read(of(64).as_bytes()).is_ok());
        assert!(KeySet::read(of(65).as_bytes()).unwrap_err().to_string().contains("64"));
        assert!(KeySet::read(of(0).as_bytes()).is_err());
        assert!(KeySet::read(b"<html>").is_err());
    }

    #[test]
    fn without_a_kid_only_a_single_key_is_found() {
        let jwk = json!({"kty": "RSA", "kid": "k", "n": modulus(2048), "e": "AQAB"});
        let one = KeySet::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let two = KeySet::read(json!({ "keys": [jwk, jwk] }).to_string().as_bytes()).unwrap();
        assert!(matches!(one.find(None, Algorithm::Rs256), Some(Ok(_))));
        assert!(matches!(two.find(None, Algorithm::Rs256), Some(Err(_))));
        assert!(one.find(Some("other"), Algorithm::Rs256).is_none());
    }
}
