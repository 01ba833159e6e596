//! The source kind `webhook`, through [`Push::receive`], with the vectors of the standards and vendors.

mod bodies;
mod cloud_proofs;
mod handshakes;
mod hmac_signatures;
mod mapping;
mod presets;
mod refused;
mod request_schema;
mod settings;
mod standard_webhooks;
mod static_bearer;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use revoked::clock::Clock;
use revoked::model::{Delivery, Receipt, Signal, SignalReceipt, Timestamp};
use revoked::settings::{ConfigError, Settings};
use revoked::sources::{KINDS, NoState, Push, Received, Rejection, Source};
use tempfile::TempDir;

/// The time at which everything arrives unless a test says otherwise.
const NOW: i64 = 1_769_884_920;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// A source that trusts a bearer, for what the proof does not matter to. The secret is `BEARER`.
const BY_BEARER: &str = "verify = 'bearer'\n";
const BEARER: &str = "a-static-bearer-of-some-length";

/// One endpoint and the folder with its secrets.
struct Endpoint {
    push: Arc<dyn Push>,
    _folder: TempDir,
}

impl Endpoint {
    /// A source with these secrets and these keys.
    fn new(secrets: &[&str], keys: &str) -> Self {
        Self::at(NOW, secrets, keys)
    }

    /// The same at another time.
    fn at(now: i64, secrets: &[&str], keys: &str) -> Self {
        let (folder, text) = written(secrets, keys);
        Self {
            push: build(&text, now).unwrap_or_else(|complaints| panic!("{complaints:?} in\n{text}")),
            _folder: folder,
        }
    }

    /// A source that trusts a bearer, with these further keys.
    fn trusting(keys: &str) -> Self {
        Self::new(&[BEARER], &format!("{BY_BEARER}{keys}"))
    }

    async fn receive(&self, request: &Request<Bytes>) -> Result<Received, Rejection> {
        self.push.receive(request, &NoState).await
    }

    async fn delivery(&self, request: &Request<Bytes>) -> Delivery {
        let received = self.receive(request).await.unwrap_or_else(|why| panic!("refused: {why}"));
        let delivery = received.delivery().expect("something to store");
        assert_eq!(delivery.source, "door");
        delivery
    }

    async fn signals(&self, request: &Request<Bytes>) -> Vec<Signal> {
        let delivery = self.delivery(request).await;
        assert_eq!(delivery.refused, []);
        delivery.signals
    }

    async fn signal(&self, request: &Request<Bytes>) -> Signal {
        let mut signals = self.signals(request).await;
        assert_eq!(signals.len(), 1);
        signals.remove(0)
    }

    /// The signal of a body whose sender is trusted.
    async fn mapped(&self, body: &str) -> Signal {
        self.signal(&trusted(body)).await
    }

    /// Status and code of the answer to a delivery that is refused.
    async fn refusal(&self, request: &Request<Bytes>) -> (u16, &'static str) {
        let rejection = self.receive(request).await.expect_err("it was taken");
        assert!(rejection.digest.is_some() || rejection.code == "too_large");
        let answer = self.push.rejected(&rejection);
        assert_eq!(answer.headers().contains_key("www-authenticate"), answer.status() == 401);
        let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            (&told["error"], told["error_description"].as_str().unwrap()),
            (&rejection.code.into(), rejection.description.as_str())
        );
        (answer.status().as_u16(), rejection.code)
    }
}

/// A folder with secrets, and the keys that name them.
fn written(secrets: &[&str], keys: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    for (n, secret) in secrets.iter().enumerate() {
        let path = folder.path().join(format!("secret-{n}"));
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        list.push(format!("{{ file = \"{}\" }}", path.display()));
    }
    let list = if list.is_empty() {
        String::new()
    } else {
        format!("secrets = [{}]\n", list.join(", "))
    };
    (folder, format!("{list}{keys}"))
}

fn build(text: &str, now: i64) -> Result<Arc<dyn Push>, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|kind| kind.name == "webhook").unwrap();
    let settings = Settings {
        name: "door",
        table: toml::de::DeTable::parse(text).unwrap_or_else(|error| panic!("{error} in\n{text}")),
    };
    match (kind.build)(&settings, &Clock::fixed(Timestamp::from_seconds(now)))? {
        Source::Push(push) => Ok(push),
        _ => panic!("a webhook is pushed"),
    }
}

/// A POST of JSON with these headers.
fn post(headers: &[(&str, &str)], body: &[u8]) -> Request<Bytes> {
    let mut request = Request::post("/signals/door").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body)).unwrap()
}

/// A POST of a sender whom [`Endpoint::trusting`] trusts.
fn trusted(body: &str) -> Request<Bytes> {
    post(&[("authorization", &format!("Bearer {BEARER}"))], body.as_bytes())
}

/// A body signed as Standard Webhooks asks.
fn signed(secret: &str, id: &str, at: i64, body: &[u8]) -> Request<Bytes> {
    let at = at.to_string();
    let signature = signature(secret, id, &at, body);
    post(
        &[
            ("webhook-id", id),
            ("webhook-timestamp", &at),
            ("webhook-signature", &signature),
        ],
        body,
    )
}

fn signature(secret: &str, id: &str, at: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

/// A signature over `signed` in hex, with a text as the secret.
fn hex_hmac(secret: &str, signed: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed);
    tag.as_ref()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A request in our own schema.
fn ours(data: &serde_json::Value) -> String {
    serde_json::json!({"type": "revoked.request.v1", "timestamp": "2026-01-31T18:40:00Z", "data": data}).to_string()
}

fn answer(endpoint: &Endpoint, signals: Vec<SignalReceipt>) -> Response<Bytes> {
    endpoint.push.accepted(&Receipt { signals, hold: None })
}
