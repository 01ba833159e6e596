//! Receivers are told what was proved: a stranger's receiver, over HTTP, that knows no more of us than our issuer.

mod crash_recovery;
mod other_receivers;
mod poll;
mod push;
mod stream_management;

use std::fs;
use std::net::TcpListener;

use http::StatusCode;
use revoked::jose::{Algorithm, Compact, HeaderRules, JwksCache, JwksOrigin};
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{DaemonProcess, Installation, InstallationPlan, until};
use crate::ports::Port;

const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

const PUSH: &str = r#"
[transmitter]
issuer = "http://{us}"

[[receiver]]
name = "idp"
audience = "https://idp.example.test/ssf"
delivery = "push"
endpoint = "http://{ear}/ssf"
authorization = { file = "{folder}/idp-authorization" }
token = { file = "{folder}/idp-token" }
"#;

const POLL: &str = r#"
[transmitter]
issuer = "http://{us}/tenant"

[[receiver]]
name = "siem"
audience = "https://siem.example.test"
delivery = "poll"
token = [{ file = "{folder}/idp-token" }, { file = "{folder}/next-token" }]
"#;

const AUTHORIZATION: &str = "Bearer canary-authorization-0123456789";
const TOKEN: &str = "canary-token-0123456789abcdef";

/// An installation that tells a receiver.
struct TransmitterUnderTest {
    site: Installation,
    us: String,
    ear: String,
    _ports: [Port; 2],
}

impl TransmitterUnderTest {
    /// What is told of a compromise is that sessions ended: what a reset password adds is the business of [`push`].
    async fn new(more: &'static str) -> Self {
        Self::with(more, "reset_password = false").await
    }

    async fn with(more: &'static str, compromised: &'static str) -> Self {
        let plan = InstallationPlan {
            more,
            compromised,
            level: "trace",
            ..InstallationPlan::default()
        };
        let ports = [Port::default(), Port::default()];
        let transmitter = Self {
            site: Installation::new(plan).await,
            us: ports[0].address().to_string(),
            ear: ports[1].address().to_string(),
            _ports: ports,
        };
        transmitter.site.secret("idp-authorization", AUTHORIZATION.as_bytes());
        transmitter.site.secret("idp-token", TOKEN.as_bytes());
        transmitter.site.secret("next-token", b"canary-next-token-0123456789abcdef");
        let text = fs::read_to_string(transmitter.site.config()).unwrap();
        let text = text
            .replace("127.0.0.1:0", &transmitter.us)
            .replace("{us}", &transmitter.us)
            .replace("{ear}", &transmitter.ear);
        fs::write(transmitter.site.config(), text).unwrap();
        transmitter
    }

    /// The receiver, which answers everything alike.
    async fn listen(&self, answer: ResponseTemplate) -> MockServer {
        let listener = until("the receiver's address", async || TcpListener::bind(&self.ear).ok()).await;
        let server = MockServer::builder().listener(listener).start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }

    async fn ask(&self, running: &DaemonProcess, path: &str) -> (StatusCode, Value) {
        let answer = running.http.get(running.url(path)).bearer_auth(TOKEN).send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn poll(&self, running: &DaemonProcess, body: Value) -> Value {
        let asked = running
            .http
            .post(running.url("/tenant/ssf/poll/siem"))
            .bearer_auth(TOKEN)
            .json(&body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// Checks a token as a receiver does that only knows our issuer, and gives its claims.
    async fn believed(&self, issuer: &str, token: &str) -> Value {
        let keyring = JwksCache::new(JwksOrigin::metadata(issuer, "ssf-configuration", "127.0.0.1").unwrap());
        let compact = Compact::read(token.as_bytes()).unwrap();
        let rules = HeaderRules {
            algorithms: &[Algorithm::Rs256],
            typ: "secevent+jwt",
            untyped: false,
            kid_optional: false,
        };
        let (algorithm, kid) = compact.check_header(&rules).unwrap();
        let key = keyring.find(kid, algorithm).await.unwrap();
        key.verify(&compact, algorithm).unwrap();
        let claims = Value::Object(compact.claims.clone());
        assert_eq!(claims["iss"], issuer);
        assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
        assert_eq!(claims["events"].as_object().unwrap().len(), 1);
        claims
    }
}

async fn heard(server: &MockServer, count: usize) -> Vec<Request> {
    until("the receiver to be told", async || {
        let requests = server.received_requests().await.unwrap();
        (requests.len() >= count).then_some(requests)
    })
    .await
}

fn token(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

/// The claims of a token, unchecked.
fn claims(token: &str) -> Value {
    Value::Object(Compact::read(token.as_bytes()).unwrap().claims)
}
