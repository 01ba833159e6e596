//! Signs tokens and publishes the public half of the key: the other end of this module, for what we say ourselves, the demo and the tests.

use anyhow::Context as _;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::Algorithm;

/// A private key in memory, with the name it is published under.
pub struct Signer {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    /// Makes a key for `algorithm` (RSA: 2048 bits, which takes a noticeable moment) named `kid`.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn generate(kid: &str, algorithm: Algorithm) -> anyhow::Result<Self> {
        let rsa = |encoding: &'static dyn RsaEncoding| -> anyhow::Result<Pair> {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).context("making an RSA key")?;
            Ok(Pair::Rsa(Box::new(pair), encoding))
        };
        let pair = match algorithm {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256)?,
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384)?,
            Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512)?,
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256)?,
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).context("making a P-256 key")?;
                Pair::P256(Box::new(pair))
            }
            Algorithm::EdDsa => Pair::Ed25519(Box::new(Ed25519KeyPair::generate().context("making an Ed25519 key")?)),
        };
        Ok(Self {
            kid: kid.to_owned(),
            algorithm,
            pair,
        })
    }

    /// An RSA key for RS256 from its DER form, PKCS#8 or PKCS#1, named by its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// Where it is no RSA key of 2048 to 8192 bits.
    pub fn rsa(der: &[u8]) -> anyhow::Result<Self> {
        let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        let pair = pair.map_err(|_| anyhow::anyhow!("it is not an RSA key of 2048 to 8192 bits (PKCS#8)"))?;
        let mut signer = Self {
            kid: String::new(),
            algorithm: Algorithm::Rs256,
            pair: Pair::Rsa(Box::new(pair), &RSA_PKCS1_SHA256),
        };
        signer.kid = thumbprint(&signer.jwk()?);
        Ok(signer)
    }

    /// A private key from its PEM form for this algorithm: PKCS#8, PKCS#1 or SEC 1. It has no name.
    ///
    /// # Errors
    /// Where it is no key for the algorithm; the key is not quoted.
    pub fn from_pem(pem: &str, algorithm: Algorithm) -> anyhow::Result<Self> {
        let unfit = || anyhow::anyhow!("it is not a private key for {algorithm}");
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| anyhow::anyhow!("it is not a private key in PEM"))?;
        let der = key.secret_der();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
            pair.map(|pair| Pair::Rsa(Box::new(pair), encoding)).map_err(|_| unfit())
        };
        let pair = match algorithm {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256)?,
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384)?,
            Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512)?,
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256)?,
            Algorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(signing, der).or_else(|_| EcdsaKeyPair::from_private_key_der(signing, der));
                Pair::P256(Box::new(pair.map_err(|_| unfit())?))
            }
            Algorithm::EdDsa => Pair::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8(der).map_err(|_| unfit())?)),
        };
        Ok(Self {
            kid: String::new(),
            algorithm,
            pair,
        })
    }

    /// The private key of an RSA signer as PKCS#8 DER, to be kept.
    ///
    /// # Errors
    /// Where the key is of another type.
    pub fn to_pkcs8(&self) -> anyhow::Result<Vec<u8>> {
        let Pair::Rsa(pair, _) = &self.pair else {
            anyhow::bail!("only RSA keys are kept");
        };
        let der: Pkcs8V1Der<'_> = pair.as_der().context("writing an RSA key")?;
        Ok(der.as_ref().to_vec())
    }

    /// The name it is published under.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs `claims` as a security event token (`typ` `secevent+jwt`).
    ///
    /// # Errors
    /// Where the key refuses.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        self.sign_text(&claims.to_string())
    }

    /// As [`Signer::sign`], for claims that are text already and are signed as they stand.
    ///
    /// # Errors
    /// Where the key refuses.
    pub fn sign_text(&self, claims: &str) -> anyhow::Result<String> {
        let header = json!({"typ": "secevent+jwt", "alg": self.algorithm.word(), "kid": self.kid});
        self.sign_under(&header, claims.as_bytes())
    }

    /// Signs `payload` under a header of the caller's own, which may say anything; the key and its algorithm stay this signer's.
    ///
    /// # Errors
    /// Where the key refuses.
    pub fn sign_under(&self, header: &Value, payload: &[u8]) -> anyhow::Result<String> {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature)
                    .context("signing with an RSA key")?;
                signature
            }
            Pair::P256(pair) => {
                let signature = pair
                    .sign(&SystemRandom::new(), signed.as_bytes())
                    .context("signing with a P-256 key")?;
                signature.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as a JWK.
    ///
    /// # Errors
    /// Where the key's own encoding cannot be read back.
    pub fn jwk(&self) -> anyhow::Result<Value> {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let parts = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
                    .key_utils
                    .rsa_pub_components_from_public_key;
                let (n, e) = parts(pair.public_key().as_ref()).context("reading the public half of an RSA key")?;
                json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)})
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point
                    .get(1..)
                    .and_then(|point| point.split_at_checked(32))
                    .context("reading a P-256 point")?;
                json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key())})
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.word().into();
        Ok(jwk)
    }

    /// The JWK set that holds only this key: what an issuer serves.
    ///
    /// # Errors
    /// As [`Signer::jwk`].
    pub fn jwks(&self) -> anyhow::Result<Value> {
        Ok(json!({ "keys": [self.jwk()?] }))
    }
}

/// The thumbprint of an RSA key (RFC 7638 section 3): SHA-256 over its required members in the order of their names.
fn thumbprint(jwk: &Value) -> String {
    let text = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
    let members = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e"), text("n"));
    URL_SAFE_NO_PAD.encode(crate::digest::sha256(members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::{Compact, KeySet, TokenError};
    use super::*;

    #[test]
    fn what_is_signed_verifies_with_the_published_key_for_every_algorithm() {
        for algorithm in Algorithm::ALL {
            let signer = Signer::generate("k", algorithm).unwrap();
            let token = signer.sign(&json!({"jti": "1"})).unwrap();
            let set = KeySet::read(signer.jwks().unwrap().to_string().as_bytes()).unwrap();
            let key = set.find(Some("k"), algorithm).unwrap().unwrap();
            let compact = Compact::read(token.as_bytes()).unwrap();
            assert_eq!(key.verify(&compact, algorithm), Ok(()), "{algorithm}");
            let other = token.replacen("eyJ", "eyK", 1);
            if let Ok(compact) = Compact::read(other.as_bytes()) {
                assert_eq!(key.verify(&compact, algorithm), Err(TokenError::Signature), "{algorithm}");
            }
            let unsigned = Compact {
                signature: "",
                ..compact
            };
            assert_eq!(key.verify(&unsigned, algorithm), Err(TokenError::Signature), "{algorithm}");
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let jwk = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
        });
        assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_kept_key_signs_under_the_same_name_again() {
        let made = Signer::rsa(&Signer::generate("x", Algorithm::Rs256).unwrap().to_pkcs8().unwrap()).unwrap();
        let again = Signer::rsa(&made.to_pkcs8().unwrap()).unwrap();
        assert_eq!(
            (made.kid(), made.sign_text("{}").unwrap()),
            (again.kid(), again.sign_text("{}").unwrap())
        );
        assert!(Signer::rsa(b"no key").is_err());
        assert!(Signer::generate("x", Algorithm::Es256).unwrap().to_pkcs8().is_err());
    }
}
