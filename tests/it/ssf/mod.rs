//! The source kinds `ssf-push` and `ssf`: through [`Push::receive`] with keys made at run time, and against a transmitter over HTTP.

mod accepted;
mod connect;
mod jwks;
mod legacy;
mod nonconforming;
mod poll;
mod push_and_poll;
mod refused;
mod request_checks;
mod settings;
mod stream_fixture;
mod stream_health;
pub(crate) mod transmitter;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::Request;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Delivery, Signal, Timestamp};
use revoked::settings::{ConfigError, Settings};
use revoked::sources::{KINDS, Push, Rejection, Source};
use serde_json::{Value, json};

const ISSUER: &str = "https://idp.example.com/123456789/";
const AUDIENCE: &str = "https://sp.example.com/caep";
/// 2021-03-09T15:52:39Z, when CAEP's examples were issued.
const NOW: i64 = 1_615_305_159;
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// The transmitter's key: making an RSA key takes a moment, so it is made once.
static T1: LazyLock<Signer> = LazyLock::new(|| Signer::generate("t1", Algorithm::Rs256).unwrap());

/// One stream and what it needs to live.
struct Stream {
    push: Arc<dyn Push>,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Stream {
    /// A stream of [`ISSUER`] with the key `t1` from a file, and more settings.
    fn new(more: &str) -> Self {
        Self::of(ISSUER, AUDIENCE, more)
    }

    fn of(issuer: &str, audience: &str, more: &str) -> Self {
        Self::with_keys(&T1.jwks().unwrap(), issuer, audience, more)
    }

    fn with_keys(keys: &Value, issuer: &str, audience: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        std::fs::write(&file, keys.to_string()).unwrap();
        let text = format!(
            "issuer = {issuer:?}\naudience = {audience:?}\njwks_file = \"{}\"\n{more}",
            file.display()
        );
        let clock = Clock::fixed(Timestamp::from_seconds(NOW));
        Self {
            push: build(&text, &clock).unwrap(),
            clock,
            _folder: folder,
        }
    }

    async fn send(&self, token: &str) -> Result<Signal, Rejection> {
        let delivery = self.push.receive(&post(token), &revoked::sources::NoState).await?;
        Ok(only(delivery.delivery().expect("something to store")))
    }

    async fn send_claims(&self, claims: &Value) -> Result<Signal, Rejection> {
        self.send(&T1.sign(claims).unwrap()).await
    }

    /// The `err` that `token` is refused with, after a look at the whole answer.
    async fn refusal(&self, token: &str) -> String {
        let rejection = self.send(token).await.expect_err("the token was taken");
        error_of(&*self.push, &rejection)
    }

    async fn refusal_of(&self, claims: &Value) -> String {
        self.refusal(&T1.sign(claims).unwrap()).await
    }
}

fn build(text: &str, clock: &Clock) -> Result<Arc<dyn Push>, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|kind| kind.name == "ssf-push").unwrap();
    let settings = Settings {
        name: "idp",
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    match (kind.build)(&settings, clock)? {
        Source::Push(push) => Ok(push),
        _ => panic!("ssf-push is pushed"),
    }
}

fn post(token: &str) -> Request<Bytes> {
    Request::post("/signals/idp")
        .header("content-type", "application/secevent+jwt")
        .header("accept", "application/json")
        .body(Bytes::copy_from_slice(token.as_bytes()))
        .unwrap()
}

fn only(delivery: Delivery) -> Signal {
    assert_eq!((delivery.source.as_str(), delivery.signals.len()), ("idp", 1));
    delivery.signals.into_iter().next().unwrap()
}

/// Checks the form of RFC 8935 section 2.3 and gives the `err`.
fn error_of(push: &dyn Push, rejection: &Rejection) -> String {
    let response = push.rejected(rejection);
    assert_eq!(response.status(), 400, "{rejection}");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["content-language"], "en");
    assert!(
        rejection.digest.is_some(),
        "a refused token is named in the trail by its digest"
    );
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["description", "err"]);
    assert!(!body["description"].as_str().unwrap().is_empty());
    body["err"].as_str().unwrap().to_owned()
}

/// Claims that are taken: a session of an address was revoked. Each call has a `jti` of its own.
fn claims() -> Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let jti = format!("jti-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    json!({
        "iss": ISSUER,
        "jti": jti,
        "iat": NOW,
        "aud": AUDIENCE,
        "sub_id": {"format": "email", "email": "Alice@Example.org"},
        "events": {REVOKED: {"initiating_entity": "policy", "event_timestamp": NOW - 168}},
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Claims of one event about one subject.
#[expect(clippy::needless_pass_by_value, reason = "the callers write JSON literals")]
fn about(uri: &str, event: Value, sub_id: Value) -> Value {
    let mut claims = with("events", json!({ uri: event }));
    claims["sub_id"] = sub_id;
    claims
}
