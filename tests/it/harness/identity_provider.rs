//! The identity provider of an installation: signs security events and pushes them.

use std::fs;

use reqwest::Response;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

use super::{DaemonProcess, Installation};

/// The source that a config names, to be put into its `more`.
pub(crate) const SOURCE: &str = r#"
[[source]]
name = "idp"
kind = "ssf-push"
issuer = "https://idp.example.test"
audience = "https://revoked.example.test/signals/idp"
algorithms = ["ES256"]
jwks_file = "{folder}/jwks.json"
"#;

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// The identity provider.
pub(crate) struct Idp(Signer);

impl Idp {
    /// Makes a key and publishes it where [`SOURCE`] looks.
    pub(crate) fn new(site: &Installation) -> Self {
        let idp = Self::of(Signer::generate("k1", Algorithm::Es256).unwrap());
        fs::write(site.path("jwks.json"), idp.0.jwks().unwrap().to_string()).unwrap();
        idp
    }

    /// One whose key nobody knows.
    pub(crate) fn impostor() -> Self {
        Self::of(Signer::generate("k1", Algorithm::Es256).unwrap())
    }

    /// One who signs under a name that nobody has published.
    pub(crate) fn stranger(kid: &str) -> Self {
        Self::of(Signer::generate(kid, Algorithm::Es256).unwrap())
    }

    fn of(signer: Signer) -> Self {
        Self(signer)
    }

    /// The claims that the sessions of a person are to end.
    pub(crate) fn claims(jti: &str, email: &str) -> Value {
        let now = Clock::system().now().ms() / 1000;
        json!({
            "iss": "https://idp.example.test",
            "aud": "https://revoked.example.test/signals/idp",
            "jti": jti,
            "iat": now,
            "sub_id": { "format": "email", "email": email },
            "events": { REVOKED: { "event_timestamp": now } },
        })
    }

    /// Signs claims of the test's own.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.0.sign(claims).unwrap()
    }

    pub(crate) fn token(&self, jti: &str, email: &str) -> String {
        self.0.sign(&Self::claims(jti, email)).unwrap()
    }
}

impl DaemonProcess {
    /// Pushes a token.
    pub(crate) async fn push(&self, token: &str) -> reqwest::Result<Response> {
        self.http
            .post(self.url("/signals/idp"))
            .header("content-type", "application/secevent+jwt")
            .header("accept", "application/json")
            .body(token.to_owned())
            .send()
            .await
    }
}
