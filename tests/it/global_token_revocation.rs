//! The source kind `global-token-revocation`, through [`Push::receive`], with keys made at run time.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{Method, Request, Response};
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Delivery, Disposition, Priority, Reason, Receipt, Scope, Signal, SignalReceipt, Timestamp, When};
use revoked::settings::{ConfigError, Settings};
use revoked::sources::global_token_revocation::BODY_CAP;
use revoked::sources::{KINDS, Push, Rejection, Source};
use serde_json::{Value, json};

const ISSUER: &str = "https://org.okta.example";
const CLIENT: &str = "0oa1b2c3";
const AUDIENCE: &str = "https://revoked.example.org/signals/okta";
const NOW: i64 = 1_769_884_920;
const BODY: &str = r#"{"sub_id":{"format":"email","email":"User@example.com"}}"#;

static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::generate("k1", Algorithm::Rs256).unwrap());

/// One endpoint and the folder with its keys.
struct Endpoint {
    push: Arc<dyn Push>,
    _folder: tempfile::TempDir,
}

impl Endpoint {
    fn new(more: &str) -> Self {
        Self::with_keys(&KEY.jwks().unwrap(), more)
    }

    fn with_keys(keys: &Value, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        std::fs::write(&file, keys.to_string()).unwrap();
        let text = format!("{}jwks_file = \"{}\"\n{more}", settings(), file.display());
        Self {
            push: build(&text).unwrap(),
            _folder: folder,
        }
    }

    async fn take(&self, request: &Request<Bytes>) -> Signal {
        let delivery = self
            .push
            .receive(request, &revoked::sources::NoState)
            .await
            .expect("the call was refused");
        only(delivery.delivery().expect("something to store"))
    }

    async fn refuse(&self, request: &Request<Bytes>) -> Rejection {
        let taken = self.push.receive(request, &revoked::sources::NoState).await;
        taken.expect_err("the call was taken")
    }

    /// The status and the error code that `request` is refused with, after a look at the answer.
    async fn refusal(&self, request: &Request<Bytes>) -> (u16, String) {
        let rejection = self.refuse(request).await;
        let response = self.push.rejected(&rejection);
        let challenged = response.headers().contains_key("www-authenticate");
        assert_eq!(challenged, response.status() == 401, "{rejection}");
        let told: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(told["error"], rejection.code);
        assert!(!rejection.description.is_empty());
        (response.status().as_u16(), rejection.code.to_owned())
    }
}

fn settings() -> String {
    format!("issuer = {ISSUER:?}\nclient_id = {CLIENT:?}\naudience = {AUDIENCE:?}\n")
}

fn build(text: &str) -> Result<Arc<dyn Push>, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|kind| kind.name == "global-token-revocation").unwrap();
    let settings = Settings {
        name: "okta",
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    match (kind.build)(&settings, &Clock::fixed(Timestamp::from_seconds(NOW)))? {
        Source::Push(push) => Ok(push),
        _ => panic!("global-token-revocation is pushed"),
    }
}

fn only(delivery: Delivery) -> Signal {
    assert_eq!((delivery.source.as_str(), delivery.signals.len()), ("okta", 1));
    delivery.signals.into_iter().next().unwrap()
}

/// The claims that Okta sends.
fn claims() -> Value {
    json!({
        "jti": "jti-1", "iss": ISSUER, "sub": CLIENT, "aud": AUDIENCE,
        "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300,
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn header() -> Value {
    json!({"typ": "global-token-revocation+jwt", "alg": "RS256", "kid": "k1"})
}

fn signed(claims: &Value) -> String {
    KEY.sign_under(&header(), claims.to_string().as_bytes()).unwrap()
}

fn post(token: &str, body: &str) -> Request<Bytes> {
    Request::post("/signals/okta")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn call(body: &str) -> Request<Bytes> {
    post(&signed(&claims()), body)
}

fn answer(push: &dyn Push, signal: SignalReceipt) -> Response<Bytes> {
    push.accepted(&Receipt {
        signals: vec![signal],
        hold: None,
    })
}

fn challenge(response: &Response<Bytes>) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_call_is_an_urgent_compromise_of_everything() {
    let signal = Endpoint::new("").take(&call(BODY)).await;
    assert_eq!(signal.key, format!("{ISSUER}|jti-1"));
    assert_eq!(signal.subject.to_string(), "email:user@example.com");
    assert_eq!((signal.reason, signal.priority), (Reason::Compromised, Priority::URGENT));
    assert_eq!(
        (signal.scope, signal.when, signal.disposition),
        (Scope::Everything, When::Now, Disposition::Act)
    );
    assert_eq!(signal.occurred_at, Some(Timestamp::from_seconds(NOW)));
}

#[tokio::test]
async fn every_way_to_write_the_same_call_is_taken() {
    let endpoint = Endpoint::new("");
    let sole = signed(&with("aud", json!([AUDIENCE])));
    let no_kid = json!({"typ": "application/Global-Token-Revocation+JWT", "alg": "RS256"});
    let no_kid = KEY.sign_under(&no_kid, claims().to_string().as_bytes()).unwrap();
    for token in [sole, no_kid] {
        endpoint.take(&post(&token, BODY)).await;
    }
    let mut request = call(BODY);
    let token = format!("bearer {}", signed(&claims()));
    request.headers_mut().insert("authorization", token.parse().unwrap());
    let media = "Application/JSON; charset=utf-8".parse().unwrap();
    request.headers_mut().insert("content-type", media);
    endpoint.take(&request).await;
    let more = r#"{"sub_id":{"format":"email","email":"a@b.example"},"later":{"x":1}}"#;
    endpoint.take(&call(more)).await;
    // A clock may be five minutes off.
    let mut ahead = with("iat", NOW + 300);
    ahead["nbf"] = (NOW + 300).into();
    ahead["exp"] = (NOW + 600).into();
    let mut behind = with("iat", NOW - 899);
    behind["exp"] = (NOW - 299).into();
    let fractions = json!({"iat": 0.25, "nbf": -299.75, "exp": 299.5});
    let mut fractional = claims();
    for (name, after) in fractions.as_object().unwrap() {
        fractional[name.as_str()] = (1_769_884_920.0 + after.as_f64().unwrap()).into();
    }
    for claims in [ahead, behind, fractional] {
        endpoint.take(&post(&signed(&claims), BODY)).await;
    }
}

#[tokio::test]
async fn subject_is_taken_for_sub_id_and_two_that_differ_are_refused() {
    let endpoint = Endpoint::new("");
    let email = |address: &str| json!({"format": "email", "email": address});
    let own = json!({"format": "iss_sub", "iss": ISSUER, "sub": "145234573"});
    for (body, subject) in [
        (
            json!({"subject": email("User@example.com")}),
            "email:user@example.com".to_owned(),
        ),
        (json!({"subject": own}), format!("iss_sub:{ISSUER}#145234573")),
        (
            json!({"sub_id": email("user@example.com"), "subject": email("USER@example.com")}),
            "email:user@example.com".to_owned(),
        ),
        (
            json!({"sub_id": null, "subject": email("user@example.com")}),
            "email:user@example.com".to_owned(),
        ),
    ] {
        assert_eq!(
            endpoint.take(&call(&body.to_string())).await.subject.to_string(),
            subject,
            "{body}"
        );
    }
    for (body, code) in [
        (
            json!({"sub_id": email("a@example.com"), "subject": email("b@example.com")}),
            "invalid_request",
        ),
        (json!({"sub_id": email("a@example.com"), "subject": own}), "invalid_request"),
        (
            json!({"sub_id": email("a@example.com"), "subject": "a@example.com"}),
            "invalid_request",
        ),
        (json!({"subject": {"email": "a@example.com"}}), "invalid_request"),
        (json!({"subject": {"format": "opaque", "id": "1"}}), "unsupported_format"),
    ] {
        assert_eq!(endpoint.refusal(&call(&body.to_string())).await, refused(400, code), "{body}");
    }
}

#[tokio::test]
async fn each_claim_that_is_wrong_or_missing_is_refused() {
    let endpoint = Endpoint::new("");
    for (name, value) in [
        ("iss", json!("https://org.okta.example/")),
        ("iss", json!([ISSUER])),
        ("sub", json!("another-client")),
        ("sub", json!("0OA1B2C3")),
        ("sub", json!([CLIENT])),
        ("aud", json!(format!("{AUDIENCE}/"))),
        ("aud", json!(format!("{AUDIENCE}?x=1"))),
        ("aud", json!([AUDIENCE, "https://other.example"])),
        ("aud", json!([])),
        ("aud", json!(7)),
        ("exp", json!(NOW - 300)),
        ("exp", json!(NOW + 3600)),
        ("exp", json!(NOW + 601)),
        ("exp", json!(NOW)),
        ("exp", json!((NOW + 300) * 1000)),
        ("exp", json!("1769885220")),
        ("iat", json!(NOW + 301)),
        ("iat", json!(-1)),
        ("iat", json!("now")),
        ("nbf", json!(NOW + 301)),
        ("nbf", json!("never")),
        ("nbf", Value::Null),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("jti", json!("a\nb")),
        ("jti", json!("x".repeat(257))),
    ] {
        let claims = with(name, value.clone());
        let told = endpoint.refusal(&post(&signed(&claims), BODY)).await;
        assert_eq!(told, refused(401, "invalid_token"), "{name} {value}");
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        let told = endpoint.refusal(&post(&signed(&claims), BODY)).await;
        assert_eq!(told, refused(401, "invalid_token"), "without {name}");
    }
    let twice = claims().to_string().replacen('{', r#"{"sub":"other","#, 1);
    let twice = KEY.sign_under(&header(), twice.as_bytes()).unwrap();
    assert_eq!(endpoint.refusal(&post(&twice, BODY)).await, refused(401, "invalid_token"));
}

#[tokio::test]
async fn no_other_algorithm_type_or_key_is_believed() {
    let endpoint = Endpoint::new("");
    let payload = claims().to_string();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("secevent+jwt")),
        ("typ", Value::Null),
        ("kid", json!("k2")),
        ("kid", json!("")),
        ("crit", json!(["exp"])),
    ] {
        let mut header = header();
        header[name] = value.clone();
        let token = KEY.sign_under(&header, payload.as_bytes()).unwrap();
        let rejection = endpoint.refuse(&post(&token, BODY)).await;
        let response = endpoint.push.rejected(&rejection);
        assert_eq!(response.status(), 401, "{name} {value}");
        assert_eq!(challenge(&response), "Bearer error=\"invalid_token\"");
    }
    // Key confusion: an HMAC whose secret is the public key's own text.
    let hs256 = json!({"typ": "global-token-revocation+jwt", "alg": "HS256", "kid": "k1"});
    let token = KEY.sign_under(&hs256, payload.as_bytes()).unwrap();
    let (content, _) = token.rsplit_once('.').unwrap();
    let secret = KEY.jwk().unwrap().to_string();
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&secret, content.as_bytes());
    let tag = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, tag);
    let good = signed(&claims());
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let forged = Signer::generate("k1", Algorithm::Rs256).unwrap();
    let forged = forged.sign_under(&header(), payload.as_bytes()).unwrap();
    for token in [
        format!("{content}.{tag}"),
        format!("{unsigned}."),
        forged,
        "not-a-token".to_owned(),
        "a.b.c.d.e".to_owned(),
    ] {
        let told = endpoint.refusal(&post(&token, BODY)).await;
        assert_eq!(told, refused(401, "invalid_token"), "{token}");
    }
}

#[tokio::test]
async fn a_call_without_exactly_one_bearer_token_is_asked_for_one() {
    let endpoint = Endpoint::new("");
    let token = signed(&claims());
    let (bearer, basic) = (format!("Bearer {token}"), format!("Basic {token}"));
    for values in [
        vec![],
        vec!["Bearer "],
        vec!["Bearer"],
        vec![token.as_str()],
        vec![&basic],
        vec![&bearer, &bearer],
    ] {
        let mut request = call(BODY);
        request.headers_mut().remove("authorization");
        for value in &values {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        let rejection = endpoint.refuse(&request).await;
        let response = endpoint.push.rejected(&rejection);
        assert_eq!(
            (response.status().as_u16(), challenge(&response)),
            (401, "Bearer"),
            "{values:?}"
        );
    }
}

#[tokio::test]
async fn a_body_of_another_form_is_refused() {
    let endpoint = Endpoint::new("");
    for body in [
        "",
        "[]",
        "{}",
        r#"{"sub_id":null}"#,
        r#"{"sub_id":"user@example.com"}"#,
        r#"{"sub_id":{"email":"user@example.com"}}"#,
        r#"{"sub_id":{"format":7}}"#,
        r#"{"sub_id":{"format":"email"}}"#,
        r#"{"sub_id":{"format":"email","email":"nobody"}}"#,
        r#"{"sub_id":{"format":"email","email":["a@b.example"]}}"#,
        r#"{"sub_id":{"format":"iss_sub","iss":"https://org.okta.example"}}"#,
        r#"{"sub_id":{"format":"opaque"}}"#,
        r#"{"sub_id":{"format":"email","email":"a@b.example","email":"c@d.example"}}"#,
        r#"{"sub_id":{"format":"email","email":"a@b.example"},"sub_id":{"format":"email","email":"c@d.example"}}"#,
        r#"{"sub_id":{"format":"email","email":"a@b.example"}} x"#,
    ] {
        assert_eq!(endpoint.refusal(&call(body)).await, refused(400, "invalid_request"), "{body}");
    }
    let deep = format!(r#"{{"sub_id":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(endpoint.refusal(&call(&deep)).await, refused(400, "invalid_request"));
    let mut bytes = call(BODY);
    *bytes.body_mut() = Bytes::from_static(b"{\"sub_id\":\"\xff\"}");
    assert_eq!(endpoint.refusal(&bytes).await, refused(400, "invalid_request"));
}

#[tokio::test]
async fn a_subject_format_that_is_not_taken_is_said_to_be_so() {
    let endpoint = Endpoint::new("");
    for sub_id in [
        json!({"format": "phone_number", "phone_number": "+4930123456"}),
        json!({"format": "aliases", "identifiers": [{"format": "email", "email": "a@b.example"}]}),
        json!({"format": "complex", "user": {"format": "email", "email": "a@b.example"}}),
        json!({"format": "EMAIL", "email": "a@b.example"}),
        json!({"format": "new", "x": 1}),
        json!({"format": "opaque", "id": "00u1"}),
    ] {
        let body = json!({"sub_id": sub_id}).to_string();
        assert_eq!(
            endpoint.refusal(&call(&body)).await,
            refused(400, "unsupported_format"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_issuer_speaks_about_its_own_subjects_and_those_it_may() {
    let body = |iss: &str| json!({"sub_id": {"format": "iss_sub", "iss": iss, "sub": "145234573"}}).to_string();
    let strict = Endpoint::new("");
    let own = strict.take(&call(&body(ISSUER))).await;
    assert_eq!(own.subject.to_string(), format!("iss_sub:{ISSUER}#145234573"));
    let told = strict.refusal(&call(&body("https://issuer.example.com/"))).await;
    assert_eq!(told, refused(403, "access_denied"));
    let open = Endpoint::new("subject_issuers = [\"https://issuer.example.com/\"]\n");
    open.take(&call(&body("https://issuer.example.com/"))).await;
}

#[tokio::test]
async fn the_operator_says_what_the_issuers_identifiers_are() {
    let endpoint = Endpoint::new("subjects = { iss_sub = \"username\", opaque = \"account_id\" }\n");
    let opaque = endpoint.take(&call(r#"{"sub_id":{"format":"opaque","id":"4711"}}"#)).await;
    assert_eq!(opaque.subject.to_string(), "opaque:4711");
    let body = json!({"sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "jane"}}).to_string();
    assert_eq!(endpoint.take(&call(&body)).await.subject.to_string(), "username:jane");
}

#[tokio::test]
async fn http_faults_have_the_answers_of_http() {
    let endpoint = Endpoint::new("");
    for media in ["text/plain", "application/jsonp", "application/secevent+jwt", ""] {
        let mut request = call(BODY);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        assert_eq!(endpoint.refusal(&request).await, refused(415, "media_type"), "{media}");
    }
    let mut request = call(BODY);
    request
        .headers_mut()
        .append("content-type", "application/json".parse().unwrap());
    assert_eq!(endpoint.refusal(&request).await, refused(415, "media_type"));
    let mut request = call(BODY);
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(endpoint.refusal(&request).await, refused(415, "content_encoding"));
    let mut request = call(BODY);
    *request.method_mut() = Method::PUT;
    let rejection = endpoint.refuse(&request).await;
    let response = endpoint.push.rejected(&rejection);
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );

    let padded = |size: usize| format!("{BODY}{}", " ".repeat(size - BODY.len()));
    assert_eq!(endpoint.push.body_cap(), BODY_CAP);
    endpoint.take(&call(&padded(BODY_CAP))).await;
    let large = endpoint.refuse(&call(&padded(BODY_CAP + 1))).await;
    assert_eq!(endpoint.push.rejected(&large).status(), 413);
    assert_eq!(large.digest, None);
}

#[tokio::test]
async fn a_repetition_is_the_same_and_another_token_or_body_is_not() {
    let endpoint = Endpoint::new("");
    let first = endpoint.take(&call(BODY)).await;
    assert_eq!(endpoint.take(&call(BODY)).await, first);
    let other_body = endpoint
        .take(&call(r#"{"sub_id":{"format":"email","email":"b@example.com"}}"#))
        .await;
    let other_token = endpoint.take(&post(&signed(&with("exp", NOW + 301)), BODY)).await;
    for other in [other_body, other_token] {
        assert_eq!(other.key, first.key);
        assert_ne!(other.digest, first.digest);
    }
    let push = &*endpoint.push;
    for signal in [
        SignalReceipt::Repeated { case: None },
        SignalReceipt::Ignored { why: String::new() },
    ] {
        let response = answer(push, signal);
        assert_eq!((response.status().as_u16(), response.body().len()), (204, 0));
    }
    assert_eq!(answer(push, SignalReceipt::Conflict).status(), 400);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_our_trouble() {
    let port = crate::ports::Port::default();
    let more = format!("jwks_url = \"http://{}/keys\"\njwks_host = \"127.0.0.1\"\n", port.address());
    let push = build(&(settings() + more.as_str())).unwrap();
    let rejection = push.receive(&call(BODY), &revoked::sources::NoState).await.unwrap_err();
    let response = push.rejected(&rejection);
    assert_eq!((response.status().as_u16(), response.body().len()), (503, 0));
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn every_fault_of_the_settings_is_named() {
    let told = |text: &str| -> Vec<String> {
        let complaints = build(text).map(|_| ()).expect_err("the settings were taken");
        complaints.into_iter().map(|complaint| complaint.message).collect()
    };
    assert!(build(&settings()).is_ok(), "the keys are looked up at the issuer");
    let all = told(
        "issuer = \"https://org.okta.example\"\nclient_id = \"\"\naudience = \"https://x.example/s?a=1\"\nalgorithms = []\n\
         jwks_file = \"/nonexistent/jwks.json\"\n",
    );
    for (part, message) in ["client_id", "audience", "algorithms", "jwks.json"].iter().zip(&all) {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(all.len(), 4, "{all:?}");
    let path = settings().replace(ISSUER, "https://org.okta.example/oauth2/default");
    assert!(told(&path)[0].contains("jwks_url"));
    let both = settings() + "jwks_file = \"a\"\njwks_url = \"https://org.okta.example/keys\"\n";
    assert!(told(&both)[0].contains("either"));
    assert!(told(&(settings() + "algorithms = [\"HS256\"]\n"))[0].contains("RS256"));
}
