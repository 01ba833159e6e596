//! One public key of an issuer, judged when it is read: a JWK (RFC 7517), or a key of P-256 in PEM.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::{Algorithm, Compact, KeyType, TokenError};

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
    pub(super) fn read_pem(text: &str) -> Result<Self, &'static str> {
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

    /// A key as a JWK.
    pub(super) fn read(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
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

    /// Whether it may verify signatures made with `algorithm`.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
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
