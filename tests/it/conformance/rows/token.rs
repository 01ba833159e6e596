//! What the kinds that take signed tokens share: an issuer with a key, and tokens that are wrong in every way a token can be.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

/// An issuer of tokens of one `typ`.
pub(super) struct Issuer {
    typ: &'static str,
    signer: Signer,
    impostor: Signer,
}

impl Issuer {
    /// Makes a key and publishes it in `file`.
    pub(super) fn new(folder: &Path, file: &str, typ: &'static str) -> Self {
        let make = || Signer::generate("k1", Algorithm::Es256).unwrap();
        let issuer = Self {
            typ,
            signer: make(),
            impostor: make(),
        };
        fs::write(folder.join(file), issuer.signer.jwks().unwrap().to_string()).unwrap();
        issuer
    }

    fn header(&self) -> Value {
        json!({"typ": self.typ, "alg": "ES256", "kid": "k1"})
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_text(&claims.to_string())
    }

    fn sign_text(&self, claims: &str) -> String {
        self.signer.sign_under(&self.header(), claims.as_bytes()).unwrap()
    }

    /// Claims with one more member that nests `levels` deep.
    pub(super) fn deep(&self, claims: &Value, levels: usize) -> String {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        self.sign_text(&claims.to_string().replacen('{', &format!("{{\"x\":{nested},"), 1))
    }

    /// Tokens that are wrong, made of claims that are right. `instead` must replace what the token is about.
    pub(super) fn wrong(&self, claims: &Value, instead: &Value) -> Vec<(&'static str, String)> {
        let good = self.sign(claims);
        let parts: Vec<&str> = good.split('.').collect();
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            self.sign(&claims)
        };
        let without = |name: &str| {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().remove(name);
            self.sign(&claims)
        };
        let under = |header: Value| self.signer.sign_under(&header, claims.to_string().as_bytes()).unwrap();
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let twice = claims
            .to_string()
            .replacen('{', "{\"iss\":\"https://other.example.test\",", 1);
        let spaced = serde_json::to_string_pretty(claims).unwrap();
        let mut not_text = claims.to_string().into_bytes();
        not_text.splice(1..1, *b"\"y\":\"\xff\",");
        vec![
            (
                "the algorithm none",
                format!(
                    "{}.{}.",
                    encoded(&json!({"typ": self.typ, "alg": "none", "kid": "k1"})),
                    parts[1]
                ),
            ),
            (
                "an HMAC",
                format!(
                    "{}.{}.{}",
                    encoded(&json!({"typ": self.typ, "alg": "HS256", "kid": "k1"})),
                    parts[1],
                    parts[2]
                ),
            ),
            (
                "another type of token",
                under(json!({"typ": "at+jwt", "alg": "ES256", "kid": "k1"})),
            ),
            (
                "a critical extension",
                under(json!({"typ": self.typ, "alg": "ES256", "kid": "k1", "crit": ["x"]})),
            ),
            (
                "another's signature",
                self.impostor
                    .sign_under(&self.header(), claims.to_string().as_bytes())
                    .unwrap(),
            ),
            (
                "another's key in the header",
                self.impostor
                    .sign_under(
                        &json!({"typ": self.typ, "alg": "ES256", "kid": "k1", "jwk": self.impostor.jwk().unwrap()}),
                        claims.to_string().as_bytes(),
                    )
                    .unwrap(),
            ),
            (
                "other claims under the signature",
                format!("{}.{}.{}", parts[0], encoded(instead), parts[2]),
            ),
            (
                "the same claims written anew under the signature",
                format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(spaced), parts[2]),
            ),
            ("no signature", format!("{}.{}.", parts[0], parts[1])),
            ("a truncated token", good[..good.len() - 20].to_owned()),
            ("half a token", good[..good.len() / 2].to_owned()),
            ("five parts", format!("{good}.e30.e30")),
            ("a member twice", self.sign_text(&twice)),
            (
                "claims that are not UTF-8",
                self.signer.sign_under(&self.header(), &not_text).unwrap(),
            ),
            ("another issuer", with("iss", json!("https://other.example.test"))),
            (
                "an issuer with a slash more",
                with("iss", json!(format!("{}/", claims["iss"].as_str().unwrap()))),
            ),
            ("no issuer", without("iss")),
            ("another audience", with("aud", json!("somebody else"))),
            ("no audience", without("aud")),
            ("no time of issue", without("iat")),
            ("a time of issue in words", with("iat", json!("now"))),
            ("a time of issue in the year 2451", with("iat", json!(15_203_800_012_i64))),
            ("no jti", without("jti")),
            ("an empty jti", with("jti", json!(""))),
            ("a jti of 10 KB", with("jti", json!("j".repeat(10 << 10)))),
            ("a jti with a line break", with("jti", json!("a\nb"))),
            ("no token at all", "this is no token".to_owned()),
            ("nothing", String::new()),
        ]
    }
}

/// Now, in seconds.
pub(super) fn now() -> i64 {
    Clock::system().now().ms() / 1000
}

/// The parts of a token that must not be seen again: its claims and its signature.
pub(super) fn parts(token: &str) -> Vec<String> {
    token
        .split('.')
        .skip(1)
        .filter(|part| part.len() > 20)
        .map(str::to_owned)
        .collect()
}
