//! The keys of those who sign: every kind that takes signed tokens is held to the same rules about where keys come from.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::sources::{NoState, Push, RejectionKind};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::raw_http::Call;
use super::row::Row;
use super::rows::PUSHED;
use crate::wait::BOUND;

/// A source whose issuer publishes its keys over HTTP.
struct Endpoint {
    row: &'static Row,
    server: MockServer,
    push: Arc<dyn Push>,
    call: Call,
    keys: Value,
    _folder: tempfile::TempDir,
}

impl Endpoint {
    async fn new(row: &'static Row) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = MockServer::start().await;
        let sender = (row.sender)(folder.path());
        let file = format!("jwks_file = \"{{folder}}/{}.jwks\"", row.kind);
        let url = format!("jwks_url = \"{}/jwks\"\njwks_host = \"127.0.0.1\"", server.uri());
        let keys = std::fs::read(folder.path().join(format!("{}.jwks", row.kind))).unwrap();
        Self {
            row,
            push: row.build(folder.path(), &Clock::system(), &file, &url),
            call: sender.sound("keys-1", "user01"),
            server,
            keys: serde_json::from_slice(&keys).unwrap(),
            _folder: folder,
        }
    }

    /// One for each kind that takes signed tokens.
    async fn all() -> Vec<Self> {
        let mut endpoints = Vec::new();
        for row in PUSHED.iter().filter(|row| row.keys.contains("jwks_file")) {
            endpoints.push(Self::new(row).await);
        }
        assert!(endpoints.len() >= 3, "the kinds with signed tokens are gone");
        endpoints
    }

    async fn serve(&self, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(path("/jwks")).respond_with(answer).mount(&self.server).await;
    }

    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    /// `taken`, `later` or `refused`.
    async fn send(&self) -> &'static str {
        let mut request = Request::post(&self.call.path);
        for (name, value) in &self.call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(self.call.body.clone())).unwrap();
        match self.push.receive(&request, &NoState).await {
            Ok(_) => "taken",
            Err(rejection) => {
                let answer = self.push.rejected(&rejection);
                if let RejectionKind::NotNow(_) = rejection.kind {
                    assert_eq!(answer.status(), 503, "{}", self.row.kind);
                    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1..=60).contains(&wait), "{}: {wait}", self.row.kind);
                    "later"
                } else {
                    assert!(answer.status().is_client_error(), "{}", self.row.kind);
                    "refused"
                }
            }
        }
    }
}

fn set(keys: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(keys)
}

fn other_keys(kid: &str) -> Value {
    Signer::generate(kid, Algorithm::Es256).unwrap().jwks().unwrap()
}

/// Lets the pacing clock pass by `by`, and runs again in real time, since sockets do not wait for a paused clock.
async fn pass(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn keys_are_rotated_without_a_restart_and_one_that_is_gone_is_refused() {
    for endpoint in Endpoint::all().await {
        endpoint.serve(set(&other_keys("k0"))).await;
        assert_eq!(endpoint.send().await, "refused", "{}", endpoint.row.kind);
        endpoint.serve(set(&endpoint.keys)).await;
        assert_eq!(endpoint.send().await, "taken", "{}", endpoint.row.kind);
        endpoint.serve(set(&other_keys("k2"))).await;
        pass(Duration::from_hours(1)).await;
        assert_eq!(endpoint.send().await, "refused", "{}", endpoint.row.kind);
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_or_answers_rubbish_is_our_trouble_and_harms_nothing_known() {
    let elsewhere = MockServer::start().await;
    for endpoint in Endpoint::all().await {
        Mock::given(path("/jwks"))
            .respond_with(set(&endpoint.keys))
            .mount(&elsewhere)
            .await;
        let huge = format!("{{\"keys\":[],\"x\":{:?}}}", "x".repeat(300 << 10));
        let deep = format!("{{\"keys\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let rubbish = || {
            [
                ResponseTemplate::new(500),
                ResponseTemplate::new(404),
                ResponseTemplate::new(200).set_body_string(huge.clone()),
                ResponseTemplate::new(200).set_body_string(deep.clone()),
                ResponseTemplate::new(200).set_body_string("<html>"),
                ResponseTemplate::new(200).set_body_bytes(b"{\"keys\":[{\"kid\":\"\xff\"}]}".to_vec()),
                ResponseTemplate::new(200).set_body_string(r#"{"keys":[],"keys":[]}"#),
                ResponseTemplate::new(302).insert_header("location", format!("{}/jwks", elsewhere.uri())),
                ResponseTemplate::new(200).set_body_json(json!({"keys": {}})),
            ]
        };
        for answer in rubbish() {
            endpoint.serve(answer).await;
            assert_eq!(endpoint.send().await, "later", "{}", endpoint.row.kind);
            pass(MINUTE).await;
        }
        endpoint.serve(set(&endpoint.keys)).await;
        assert_eq!(endpoint.send().await, "taken", "{}", endpoint.row.kind);
        for answer in rubbish() {
            endpoint.serve(answer).await;
            pass(Duration::from_hours(1)).await;
            assert_eq!(
                endpoint.send().await,
                "taken",
                "{}: known keys stay good for a day",
                endpoint.row.kind
            );
            assert_eq!(endpoint.asked().await, 1, "{}", endpoint.row.kind);
        }
    }
    assert!(
        elsewhere.received_requests().await.unwrap().is_empty(),
        "a redirect is not followed"
    );
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_not_waited_for_long() {
    for endpoint in Endpoint::all().await {
        endpoint.serve(set(&endpoint.keys).set_delay(BOUND)).await;
        let began = tokio::time::Instant::now();
        assert_eq!(endpoint.send().await, "later", "{}", endpoint.row.kind);
        assert!(began.elapsed() < BOUND / 2, "{}: {:?}", endpoint.row.kind, began.elapsed());
    }
}

#[tokio::test]
async fn a_key_is_used_for_what_it_is_for_alone() {
    for endpoint in Endpoint::all().await {
        let with = |name: &str, value: Value| {
            let mut keys = endpoint.keys.clone();
            keys["keys"][0][name] = value;
            keys
        };
        let mut rsa = other_keys("k1");
        rsa["keys"][0] = json!({"kty": "RSA", "kid": "k1", "n": "xQ", "e": "AQAB"});
        for keys in [
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("alg", json!("RS256")),
            with("kty", json!("oct")),
            with("crv", json!("P-384")),
            rsa,
        ] {
            endpoint.serve(set(&keys)).await;
            assert_eq!(endpoint.send().await, "refused", "{}: {keys}", endpoint.row.kind);
            pass(Duration::from_hours(2)).await;
        }
        // Of two keys with one name, the one that fits is meant; two that both fit are told apart by nobody, and the first is taken.
        let mut twice = endpoint.keys.clone();
        let ours = twice["keys"][0].clone();
        let rsa = json!({"kty": "RSA", "kid": "k1", "use": "enc", "n": "xQ", "e": "AQAB"});
        twice["keys"] = json!([rsa, ours]);
        endpoint.serve(set(&twice)).await;
        assert_eq!(endpoint.send().await, "taken", "{}", endpoint.row.kind);
    }
}

#[tokio::test]
async fn how_long_keys_are_kept_follows_the_issuers_word_within_bounds() {
    for endpoint in Endpoint::all().await {
        for (said, kept, asked_again) in [
            ("max-age=600", 570, 31),
            ("public, MAX-AGE=\"7200\", must-revalidate", 7170, 31),
            // Never more often than once a minute, nor more seldom than twice a day.
            ("no-store, max-age=0", 30, 31),
            ("max-age=99999999999999999999", 12 * 3600 - 30, 31),
            ("max-age=soon", 3570, 31),
        ] {
            endpoint.serve(set(&endpoint.keys).insert_header("cache-control", said)).await;
            assert_eq!(endpoint.send().await, "taken");
            assert_eq!(endpoint.asked().await, 1, "{}: {said}", endpoint.row.kind);
            pass(Duration::from_secs(kept)).await;
            assert_eq!(endpoint.send().await, "taken");
            assert_eq!(endpoint.asked().await, 1, "{}: {said}: asked too early", endpoint.row.kind);
            pass(Duration::from_secs(asked_again)).await;
            assert_eq!(endpoint.send().await, "taken");
            assert_eq!(endpoint.asked().await, 2, "{}: {said}: not asked again", endpoint.row.kind);
            pass(Duration::from_hours(13)).await;
        }
    }
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_when_a_key_is_missing() {
    for row in PUSHED.iter().filter(|row| row.keys.contains("jwks_file")) {
        let folder = tempfile::tempdir().unwrap();
        let sender = (row.sender)(folder.path());
        let file = folder.path().join(format!("{}.jwks", row.kind));
        let ours = std::fs::read(&file).unwrap();
        std::fs::write(&file, other_keys("k0").to_string()).unwrap();
        let push = row.build(folder.path(), &Clock::system(), "", "");
        let receive = async || {
            let call = sender.sound("file-1", "user01");
            let mut request = Request::post(&call.path);
            for (name, value) in &call.headers {
                request = request.header(*name, value);
            }
            push.receive(&request.body(Bytes::from(call.body)).unwrap(), &NoState)
                .await
                .is_ok()
        };
        assert!(!receive().await, "{}", row.kind);
        std::fs::write(&file, &ours).unwrap();
        pass(MINUTE).await;
        assert!(receive().await, "{}", row.kind);
    }
}
