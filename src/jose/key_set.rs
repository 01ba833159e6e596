//! The keys of an issuer by `kid`: a JWK set (JWKS, RFC 7517 section 5), or a list of PEM keys by name as GitHub publishes it.

use serde_json::Value;

use super::{Algorithm, Key, TokenError, read_object};

/// How many keys a set may hold; a longer one is refused whole.
pub const MOST_KEYS: usize = 64;

/// The keys of one issuer, by `kid`. Keys that may not be used stay in it with the reason, so that a refusal can say it.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    entries: Vec<(Option<String>, Result<Key, &'static str>)>,
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
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

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
