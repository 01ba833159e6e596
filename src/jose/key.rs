//! The keys of an issuer: a JWK set (RFC 7517 section 5), or a list of PEM keys by name as GitHub publishes it; each key judged when it is
//! read.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
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
    /// The point of a key of P-256, uncompressed (SEC 1 section 2.3.3).
    point: Option<Vec<u8>>,
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

    /// Checks a signature of this key of P-256 over `message`: ECDSA with SHA-256, in DER (RFC 3279 section 2.2.3).
    ///
    /// # Errors
    /// [`TokenError::Signature`] where it does not verify, or the key is another one.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let point = self.point.as_ref().ok_or(TokenError::Signature)?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        key.verify(message, signature).map_err(|_| TokenError::Signature)
    }

    /// A key of P-256 by its coordinates, 32 bytes each.
    fn of_point(x: &[u8], y: &[u8]) -> Result<Self, &'static str> {
        const NONE: &str = "the key is not a point of P-256";
        if x.len() != 32 || y.len() != 32 {
            return Err(NONE);
        }
        let point = [&[4], x, y].concat();
        // The arithmetic would find out only once something is signed.
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point)
            .parse()
            .map_err(|_| NONE)?;
        let text = |coordinate: &[u8]| URL_SAFE_NO_PAD.encode(coordinate);
        Ok(Self {
            made_for: KeyType::P256,
            alg: None,
            arithmetic: DecodingKey::from_ec_components(&text(x), &text(y)).map_err(|_| NONE)?,
            point: Some(point),
        })
    }

    /// A key of P-256 as PEM (RFC 7468 section 13).
    fn read_pem(text: &str) -> Result<Self, &'static str> {
        const NONE: &str = "the key is not a public key of P-256 in PEM";
        let body = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----");
        let body = body
            .and_then(|body| body.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(NONE)?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| NONE)?;
        let point = der.strip_prefix(SPKI_P256).filter(|point| point.len() == 64).ok_or(NONE)?;
        Self::of_point(&point[..32], &point[32..])
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
                return Ok(Self {
                    alg: text("alg").map(str::to_owned),
                    ..Self::of_point(&bytes("x")?, &bytes("y")?)?
                });
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
            point: None,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.made_for == algorithm.key_type() && self.alg.as_deref().is_none_or(|alg| alg == algorithm.word())
    }
}

/// What stands before the coordinates of an uncompressed point in the `SubjectPublicKeyInfo` of a key of P-256 (RFC 5480 section 2): the
/// algorithm `id-ecPublicKey`, the curve `prime256v1`, and the 04 of the point.
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

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
    /// Reads a JWK set, or a list `public_keys` of objects with a `key_identifier` and a `key` in PEM (GitHub's
    /// `meta/public_keys/secret_scanning`). A key that cannot be used is kept with its flaw; a set that is none, or too long, is refused.
    ///
    /// # Errors
    /// What is wrong with the set as a whole.
    pub fn read(json: &[u8]) -> anyhow::Result<Self> {
        let document = read_object(json).map_err(|why| anyhow::anyhow!("the key set cannot be read: {why}"))?;
        let (list, name) = match (document.get("keys"), document.get("public_keys")) {
            (None, Some(list)) => (list.as_array(), "key_identifier"),
            (list, _) => (list.and_then(Value::as_array), "kid"),
        };
        let list = list.ok_or_else(|| anyhow::anyhow!("the key set has no list \"keys\""))?;
        anyhow::ensure!(!list.is_empty(), "the key set is empty");
        anyhow::ensure!(list.len() <= MOST_KEYS, "the key set holds more than {MOST_KEYS} keys");
        let entries = list.iter().map(|entry| {
            let Some(members) = entry.as_object() else {
                return (None, Err("the key is not an object"));
            };
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            let key = match name {
                "kid" => Key::read(members),
                _ => Key::read_pem(text("key").unwrap_or_default()),
            };
            (text(name).map(str::to_owned), key)
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

    /// The list, key, message and signature that GitHub prints in "Secret scanning partner program".
    #[test]
    fn a_key_of_githubs_list_verifies_what_github_prints() {
        let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\n\
            kCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==\n-----END PUBLIC KEY-----\n";
        let list = json!({"public_keys": [
            {"key_identifier": "90a4", "key": pem, "is_current": true},
            {"key_identifier": "bad", "key": pem.replace("MFkw", "MFkx"), "is_current": false},
        ]});
        let set = KeySet::read(list.to_string().as_bytes()).unwrap();
        assert_eq!(set.usable(), 1);
        let key = set.find(Some("90a4"), Algorithm::Es256).unwrap().unwrap();
        let signature = "MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=";
        let signature = STANDARD.decode(signature).unwrap();
        let message = br#"[{"token":"some_token","type":"some_type","url":"some_url"}]"#;
        assert_eq!(key.verify_der(message, &signature), Ok(()));
        assert_eq!(key.verify_der(&message[1..], &signature), Err(TokenError::Signature));
        assert_eq!(key.verify_der(message, &signature[1..]), Err(TokenError::Signature));
        assert!(matches!(
            set.find(Some("bad"), Algorithm::Es256),
            Some(Err(TokenError::Key(_)))
        ));
        assert!(set.find(Some("other"), Algorithm::Es256).is_none());
    }
}
