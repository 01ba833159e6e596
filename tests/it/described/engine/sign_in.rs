//! Signing in: a token that is exchanged for a credential or for a signed assertion, and a proof by a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use revoked::jose::{Algorithm, Compact, HeaderRules, KeySet, Signer};
use revoked::model::GrantKind;
use revoked::targets::Remedy;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, Request, ResponseTemplate};

use super::server::{NOW, Wiki, remedy};

/// A description that signs in, with `auth` in its place.
fn signing_in(auth: &str) -> String {
    format!(
        r#"name = "idp"
about = "an identity provider"
needs = ["token"]
keys = ["client"]
{auth}
send = {{ X-Auth = "{{token}}" }}
[self]
call = "GET /me"
headers = {{ X-Subject = "{{token}}" }}
id = "/id"
[[resolve]]
by = "username"
call = "GET /people/{{name}}"
nobody = [{{ status = 404, pointer = "/error", equals = "nobody" }}]
[principal]
call = "GET /people/{{id}}"
id = "/id"
names = [{{ pointer = "/id", is = "username" }}]
suspended = [[{{ pointer = "/active", equals = false }}]]
[[suspend]]
call = "PATCH /people/{{id}}"
json = {{ active = false }}
[[grant]]
kind = "session"
ended_by = ["suspend"]
proof = {{ call = "GET /events", items = "/events", paging = "none", where = [{{ pointer = "/user", equals = "{{id}}" }}], moment = {{ pointer = "/before" }} }}
[not_covered]
"#
    )
}

const BY_PASSWORD: &str = r#"[auth.exchange]
call = "POST /tokens"
form = { client_id = "{key.client}", client_secret = "{secret.token}" }
token = { header = "x-token" }
life = { pointer = "/life" }"#;

/// A server that hands out `t0`, `t1` and so on, and of these takes only those from `from` on.
async fn server(life: u64, from: usize) -> (Wiki, Arc<AtomicUsize>) {
    let wiki = Wiki::of(&signing_in(BY_PASSWORD), "client = \"revoked & co\"").await;
    let handed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handed);
    let exchange = move |request: &Request| {
        assert_eq!(
            std::str::from_utf8(&request.body).unwrap(),
            "client_id=revoked%20%26%20co&client_secret=s3cret"
        );
        assert!(request.headers.get("x-auth").is_none());
        let n = count.fetch_add(1, Ordering::SeqCst);
        ResponseTemplate::new(201)
            .insert_header("x-token", format!("t{n}").as_str())
            .set_body_json(json!({"life": life}))
    };
    Mock::given(method("POST"))
        .and(path("/tokens"))
        .respond_with(exchange)
        .mount(&wiki.mock)
        .await;
    for n in from..from + 9 {
        let answers = |at: &str, body: Value| {
            Mock::given(method("GET"))
                .and(path(at))
                .and(header("x-auth", format!("t{n}").as_str()))
                .respond_with(ResponseTemplate::new(200).set_body_json(body))
        };
        answers("/me", json!({"id": "operator"})).mount(&wiki.mock).await;
        answers("/people/alice", json!({"id": "alice", "active": true}))
            .mount(&wiki.mock)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&wiki.mock)
        .await;
    (wiki, handed)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_until_it_is_nearly_over() {
    let (wiki, handed) = server(3600, 0).await;
    for _ in 0..3 {
        assert_eq!(wiki.one("username:alice").await.id, "alice");
    }
    assert_eq!(handed.load(Ordering::SeqCst), 1);
    assert_eq!(wiki.last("GET /me").await.headers["x-subject"], "t0");
    let (wiki, handed) = server(20, 0).await;
    wiki.one("username:alice").await;
    assert!(
        handed.load(Ordering::SeqCst) > 1,
        "it is over before another request is answered"
    );
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let (wiki, handed) = server(3600, 1).await;
    assert_eq!(wiki.one("username:alice").await.id, "alice");
    assert_eq!(handed.load(Ordering::SeqCst), 2);
    let (wiki, handed) = server(3600, 99).await;
    assert_eq!(remedy(wiki.resolve("username:alice").await).0, Remedy::Pause);
    assert_eq!(handed.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_401_that_the_description_explains_otherwise_costs_no_token() {
    let limited = "[[answer]]\nstatus = 401\npointer = \"/error\"\nequals = \"slow down\"\nmeans = \"limited\"\n";
    let wiki = Wiki::of(&signing_in(&format!("{limited}{BY_PASSWORD}")), "client = \"c\"").await;
    let handed = ResponseTemplate::new(201)
        .insert_header("x-token", "t0")
        .set_body_json(json!({"life": 3600}));
    wiki.answer("POST", "/tokens", handed).await;
    wiki.get("/me", 200, &json!({"id": "operator"})).await;
    wiki.get("/people/alice", 401, &json!({"error": "slow down"})).await;
    let (what, why) = remedy(wiki.resolve("username:alice").await);
    assert!(matches!(what, Remedy::RetryAfter(_)), "{why}");
    let requests = wiki.requests().await;
    assert_eq!(
        requests.iter().filter(|request| *request == "POST /tokens").count(),
        1,
        "{requests:?}"
    );
    assert_eq!(
        requests.iter().filter(|request| *request == "GET /people/alice").count(),
        1,
        "{requests:?}"
    );
}

#[tokio::test]
async fn whatever_the_target_refuses_at_signing_in_is_about_our_credential() {
    for status in [400, 401, 404] {
        let wiki = Wiki::of(&signing_in(BY_PASSWORD), "client = \"c\"").await;
        wiki.answer(
            "POST",
            "/tokens",
            ResponseTemplate::new(status).set_body_json(json!({"error": "invalid_client"})),
        )
        .await;
        assert_eq!(remedy(wiki.resolve("username:alice").await).0, Remedy::Pause, "{status}");
    }
    let wiki = Wiki::of(&signing_in(BY_PASSWORD), "client = \"c\"").await;
    wiki.answer("POST", "/tokens", ResponseTemplate::new(503)).await;
    assert_eq!(remedy(wiki.resolve("username:alice").await).0, Remedy::Retry);
}

#[tokio::test]
async fn an_assertion_is_signed_with_our_key_and_exchanged() {
    use base64::Engine as _;
    let signer = Signer::generate("k7", Algorithm::Rs256).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(signer.to_pkcs8().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let auth = r#"[auth.assertion]
alg = "RS256"
key = "{secret.token}"
kid = "k7"
claims = { iss = "{key.client}", aud = "{url}/token", jti = "{random}", admin = true }
life = "5m"
[auth.exchange]
call = "POST /tokens"
form = { assertion = "{assertion}" }
token = { pointer = "/access_token" }
life = { pointer = "/expires_in" }"#;
    let wiki = Wiki::of(&signing_in(auth), "client = \"c\"").await;
    super::server::secret(wiki.folder.path(), "token", &pem);
    wiki.answer(
        "POST",
        "/tokens",
        ResponseTemplate::new(200).set_body_json(json!({"access_token": "t", "expires_in": 3600})),
    )
    .await;
    wiki.get("/me", 200, &json!({"id": "operator"})).await;
    // The key is read again by the probe.
    wiki.target.probe(&wiki.context).await.unwrap();
    let exchanged = wiki.last("POST /tokens").await;
    let assertion = std::str::from_utf8(&exchanged.body)
        .unwrap()
        .strip_prefix("assertion=")
        .unwrap()
        .to_owned();
    let compact = Compact::read(assertion.as_bytes()).unwrap();
    let rules = HeaderRules {
        algorithms: &[Algorithm::Rs256],
        typ: "JWT",
        untyped: false,
        kid_optional: false,
    };
    assert_eq!(compact.check_header(&rules).unwrap(), (Algorithm::Rs256, Some("k7")));
    let set = KeySet::read(signer.jwks().unwrap().to_string().as_bytes()).unwrap();
    let key = set.find(Some("k7"), Algorithm::Rs256).unwrap().unwrap();
    assert_eq!(key.verify(&compact, Algorithm::Rs256), Ok(()));
    let now = NOW.ms() / 1000;
    assert_eq!(compact.claims["iat"], now - 30);
    assert_eq!(compact.claims["exp"], now + 270);
    assert_eq!(compact.claims["aud"], format!("{}/token", wiki.mock.uri()));
    assert_eq!(
        (&compact.claims["iss"], &compact.claims["admin"]),
        (&json!("c"), &json!(true))
    );
    assert!(compact.claims["jti"].as_str().unwrap().len() > 30);
}

#[tokio::test]
async fn a_moment_of_the_account_alone_is_what_the_target_says_of_it() {
    let (wiki, _) = server(3600, 0).await;
    let events = json!({"events": [
        {"user": "alice", "before": "2026-11-23T23:00:00.000000Z"},
        {"user": "alice", "before": "2026-11-23T23:55:21.000000Z"},
        {"user": "bob", "before": "2026-11-24T00:00:00.000000Z"}]});
    wiki.get("/events", 200, &events).await;
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    assert_eq!(access.valid_from[&GrantKind::Session], NOW);
    assert!(access.listed.is_empty() && access.unseen.contains_key(&GrantKind::Session));
    assert!(wiki.target.capabilities().unlisted[&GrantKind::Session].contains("a suspension ends them"));
}
