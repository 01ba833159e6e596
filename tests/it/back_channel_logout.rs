//! The source kind `back-channel-logout`, through [`Push::receive`], with keys made at run time.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{Method, Request};
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{CaseId, Disposition, Priority, Reason, Receipt, Scope, Signal, SignalReceipt, Subject, Timestamp};
use revoked::settings::{ConfigError, Settings};
use revoked::sources::back_channel_logout::{BODY_CAP, LONGEST_LIFE};
use revoked::sources::{KINDS, NoState, Push, Rejection, RejectionKind, Source};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ISSUER: &str = "https://id.example.com/realms/staff";
const CLIENT: &str = "revoked";
const NOW: i64 = 1_790_000_000;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The provider's key.
static K1: LazyLock<Signer> = LazyLock::new(|| Signer::generate("k1", Algorithm::Es256).unwrap());

/// One receiver and what it needs to live.
struct Endpoint {
    push: Arc<dyn Push>,
    _folder: tempfile::TempDir,
}

impl Endpoint {
    /// A receiver for [`ISSUER`] with the key `k1` from a file, and more settings.
    fn new(more: &str) -> Self {
        Self::with_keys(&K1.jwks().unwrap(), more)
    }

    fn with_keys(keys: &Value, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        std::fs::write(&file, keys.to_string()).unwrap();
        let algorithms = if more.contains("algorithms") {
            ""
        } else {
            "algorithms = [\"ES256\"]"
        };
        let text = format!(
            "issuer = {ISSUER:?}\naudience = {CLIENT:?}\njwks_file = \"{}\"\n{algorithms}\n{more}",
            file.display()
        );
        Self {
            push: build(&text).unwrap(),
            _folder: folder,
        }
    }

    async fn send(&self, token: &str) -> Result<Signal, Rejection> {
        let delivery = self.push.receive(&post(&format!("logout_token={token}")), &NoState).await?;
        let delivery = delivery.delivery().expect("something to store");
        assert_eq!((delivery.source.as_str(), delivery.signals.len()), ("idp", 1));
        Ok(delivery.signals.into_iter().next().unwrap())
    }

    async fn send_claims(&self, claims: &Value) -> Result<Signal, Rejection> {
        self.send(&signed(claims)).await
    }

    /// The code that `token` is refused under and the description that the sender reads, after a look at the whole answer.
    async fn refusal(&self, token: &str) -> (&'static str, String) {
        let rejection = self.send(token).await.expect_err("the token was taken");
        (rejection.code, told(&*self.push, &rejection))
    }
}

fn build(text: &str) -> Result<Arc<dyn Push>, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|kind| kind.name == "back-channel-logout").unwrap();
    let settings = Settings {
        name: "idp",
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    match (kind.build)(&settings, &Clock::fixed(Timestamp::from_seconds(NOW)))? {
        Source::Push(push) => Ok(push),
        _ => panic!("logout tokens are pushed"),
    }
}

fn post(form: &str) -> Request<Bytes> {
    Request::post("/signals/idp")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::copy_from_slice(form.as_bytes()))
        .unwrap()
}

fn signed(claims: &Value) -> String {
    under(&json!({"typ": "logout+jwt", "alg": "ES256", "kid": "k1"}), claims)
}

fn under(header: &Value, claims: &Value) -> String {
    K1.sign_under(header, claims.to_string().as_bytes()).unwrap()
}

/// Checks the form of section 2.8 and gives the description.
fn told(push: &dyn Push, rejection: &Rejection) -> String {
    let response = push.rejected(rejection);
    assert_eq!(response.status(), 400, "{rejection}");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        rejection.digest.is_some(),
        "a refused form is named in the trail by its digest"
    );
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["error", "error_description"]);
    assert_eq!(body["error"], "invalid_request");
    body["error_description"].as_str().unwrap().to_owned()
}

/// Claims that are taken.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT,
        "iat": NOW - 1,
        "exp": NOW + 119,
        "jti": "bWJq",
        "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
        "events": {EVENT: {}},
    })
}

/// Claims with `name` changed, or without it where the value is null.
fn with(name: &str, value: &Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value.clone(),
    }
    claims
}

#[tokio::test]
async fn a_logout_ends_the_sessions_of_its_subject() {
    let endpoint = Endpoint::new("");
    let signal = endpoint.send_claims(&claims()).await.unwrap();
    assert_eq!((signal.reason, signal.scope), (Reason::Logout, Scope::AllSessions));
    assert_eq!(signal.disposition, Disposition::Act);
    assert_eq!(signal.priority, Reason::Logout.priority());
    assert!(signal.priority > Priority::URGENT);
    assert_eq!(signal.key, format!("{ISSUER}|bWJq"));
    assert_eq!(signal.occurred_at, Some(Timestamp::from_seconds(NOW - 1)));
    let sub = "248289761001".to_owned();
    assert_eq!(
        signal.subject,
        Subject::IssSub {
            iss: ISSUER.to_owned(),
            sub
        }
    );
    assert!(!signal.note.unwrap().contains("08a5019c"), "a session's name was quoted");
}

#[tokio::test]
async fn the_subject_is_what_the_settings_say() {
    let claims = with("sub", &json!("Alice@example.org"));
    for (means, subject) in [
        ("email", "email:alice@example.org"),
        ("username", "username:Alice@example.org"),
        ("account_id", "opaque:Alice@example.org"),
        ("employee_id", "employee_id:Alice@example.org"),
    ] {
        let endpoint = Endpoint::new(&format!("subject = {means:?}"));
        let signal = endpoint.send_claims(&claims).await.unwrap();
        assert_eq!(signal.subject.to_string(), subject);
        assert_eq!(signal.disposition, Disposition::Act);
    }
    let endpoint = Endpoint::new("subject = \"email\"");
    assert_eq!(
        endpoint.refusal(&signed(&with("sub", &json!("no address")))).await.0,
        "invalid_request"
    );
}

#[tokio::test]
async fn a_session_without_its_person_is_held_where_the_settings_say_so() {
    let strict = Endpoint::new("");
    let (code, why) = strict.refusal(&signed(&with("sub", &Value::Null))).await;
    assert!(code == "invalid_request" && why.contains("allow_sid_only"), "{why}");
    let endpoint = Endpoint::new("allow_sid_only = true");
    let signal = endpoint.send_claims(&with("sub", &Value::Null)).await.unwrap();
    assert!(
        matches!(&signal.disposition, Disposition::Hold(why) if why.starts_with("session_only")),
        "{:?}",
        signal.disposition
    );
    assert!(matches!(&signal.subject, Subject::Unknown { format, .. } if format == "sid"));
    assert!(!format!("{signal:?}").contains("08a5019c"), "a session's name was quoted");
}

#[tokio::test]
async fn a_claim_that_is_null_is_none() {
    let null = |name: &str| {
        let mut claims = claims();
        claims[name] = Value::Null;
        claims
    };
    let endpoint = Endpoint::new("allow_sid_only = true");
    let signal = endpoint.send_claims(&null("sub")).await.unwrap();
    assert!(matches!(&signal.subject, Subject::Unknown { format, .. } if format == "sid"));
    assert!(
        matches!(&signal.disposition, Disposition::Hold(why) if why.starts_with("session_only")),
        "{:?}",
        signal.disposition
    );
    let (code, why) = Endpoint::new("").refusal(&signed(&null("sub"))).await;
    assert!(code == "invalid_request" && why.contains("allow_sid_only"), "{why}");
    let (code, why) = endpoint.refusal(&signed(&with("sub", &json!("")))).await;
    assert!(code == "invalid_request" && why.contains("sub"), "{why}");
    assert_eq!(
        Endpoint::new("").send_claims(&null("sid")).await.unwrap().disposition,
        Disposition::Act
    );
    let mut nobody = null("sub");
    nobody["sid"] = Value::Null;
    assert!(endpoint.refusal(&signed(&nobody)).await.1.contains("sub or sid"));
    assert!(endpoint.refusal(&signed(&null("jti"))).await.1.contains("jti is missing"));
}

#[tokio::test]
async fn a_token_without_an_end_is_taken_for_two_minutes_where_the_settings_say_so() {
    let endless = |iat: i64| {
        let mut claims = with("exp", &Value::Null);
        claims["iat"] = iat.into();
        signed(&claims)
    };
    let (code, why) = Endpoint::new("").refusal(&endless(NOW)).await;
    assert!(code == "invalid_request" && why.contains("allow_missing_exp"), "{why}");
    let endpoint = Endpoint::new("allow_missing_exp = true");
    // Two minutes, and five for the clocks.
    assert!(endpoint.send(&endless(NOW - 419)).await.is_ok());
    assert!(endpoint.refusal(&endless(NOW - 420)).await.1.contains("expired"));
    // What is there and wrong is refused all the same.
    assert_eq!(
        endpoint.refusal(&signed(&with("exp", &json!("soon")))).await.0,
        "invalid_request"
    );
}

#[tokio::test]
async fn the_untyped_tokens_of_older_providers_are_taken_whole_and_check_says_each_thing_that_is_forgiven() {
    let hydra = |who: Value| {
        let mut claims = with("exp", &Value::Null);
        claims.as_object_mut().unwrap().remove("sub");
        claims["aud"] = json!([CLIENT]);
        for (name, value) in who.as_object().unwrap() {
            claims[name.as_str()] = value.clone();
        }
        under(&json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}), &claims)
    };
    let endpoint = Endpoint::new("allow_untyped = true");
    let person = endpoint.send(&hydra(json!({"sub": "248289761001"}))).await.unwrap();
    assert_eq!((person.reason, person.disposition), (Reason::Logout, Disposition::Act));
    let session = endpoint.send(&hydra(json!({}))).await.unwrap();
    assert!(
        matches!(session.disposition, Disposition::Hold(_)),
        "{:?}",
        session.disposition
    );
    let cautions = endpoint.push.cautions();
    assert_eq!(cautions.len(), 3, "{cautions:?}");
    for (caution, part) in cautions.iter().zip(["typ", "without exp", "a session and nobody"]) {
        assert!(caution.contains(part) && caution.contains("allow_untyped"), "{caution}");
    }
    let less = Endpoint::new("allow_untyped = true\nallow_missing_exp = false\nallow_sid_only = false");
    assert!(less.refusal(&hydra(json!({"sub": "248289761001"}))).await.1.contains("exp"));
    assert_eq!(less.push.cautions().len(), 1);
    let other = Endpoint::new("allow_missing_exp = true").push.cautions();
    assert!(
        other.len() == 1 && other[0].starts_with("allow_missing_exp takes"),
        "{other:?}"
    );
    assert!(Endpoint::new("").push.cautions().is_empty());
}

#[tokio::test]
async fn a_time_with_a_fraction_is_a_time_and_one_in_milliseconds_is_named_as_such() {
    let endpoint = Endpoint::new("");
    let mut fractions = claims();
    for (name, seconds) in [
        ("iat", 1_790_000_000.75),
        ("exp", 1_790_000_120.25),
        ("nbf", 1_789_999_999.5),
        ("auth_time", 1_789_999_000.125),
    ] {
        fractions[name] = seconds.into();
    }
    let signal = endpoint.send_claims(&fractions).await.unwrap();
    assert_eq!(signal.occurred_at, Some(Timestamp::from_ms(1_790_000_000_750)));
    let (_, why) = endpoint.refusal(&signed(&with("iat", &json!(NOW * 1000)))).await;
    assert!(why.contains("iat is a time in milliseconds"), "{why}");
}

#[tokio::test]
async fn what_the_specification_leaves_open_is_taken() {
    let endpoint = Endpoint::new("");
    for (name, value) in [
        ("sid", Value::Null),
        ("aud", json!(["another", CLIENT])),
        ("events", json!({EVENT: {"more": 1}, "https://example.org/other": {}})),
        ("iat", json!(NOW + 299)),
        ("exp", json!(NOW - 299)),
        ("nbf", json!(NOW)),
        ("new", json!({"x": [1]})),
    ] {
        let mut claims = with(name, &value);
        if name == "exp" {
            claims["iat"] = json!(NOW - 400);
        } else if name == "iat" {
            claims["exp"] = json!(NOW + 400);
        }
        let sent = endpoint.send_claims(&claims).await;
        assert!(sent.is_ok(), "{name} {value}: {sent:?}");
    }
    let token = under(&json!({"typ": "application/Logout+JWT", "alg": "ES256"}), &claims());
    assert!(endpoint.send(&token).await.is_ok(), "an issuer with one key needs no kid");
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_refused_by_name() {
    let endpoint = Endpoint::new("");
    for (name, value, code) in [
        ("iss", Value::Null, "invalid_request"),
        ("iss", json!(7), "invalid_request"),
        ("iss", json!(format!("{ISSUER}/")), "invalid_issuer"),
        ("aud", Value::Null, "invalid_audience"),
        ("aud", json!("another"), "invalid_audience"),
        ("aud", json!([CLIENT, 7]), "invalid_audience"),
        ("aud", json!({CLIENT: 1}), "invalid_audience"),
        ("iat", Value::Null, "invalid_request"),
        ("iat", json!("1790000000"), "invalid_request"),
        ("iat", json!(-1), "invalid_request"),
        ("iat", json!(NOW + 301), "invalid_request"),
        ("exp", Value::Null, "invalid_request"),
        ("exp", json!("soon"), "invalid_request"),
        ("exp", json!(i64::MAX), "invalid_request"),
        ("exp", json!(NOW - 2), "invalid_request"),
        (
            "exp",
            json!(NOW + i64::try_from(LONGEST_LIFE.as_secs()).unwrap()),
            "invalid_request",
        ),
        ("nbf", json!(NOW + 301), "invalid_request"),
        ("nbf", json!("x"), "invalid_request"),
        ("jti", Value::Null, "invalid_request"),
        ("jti", json!(""), "invalid_request"),
        ("jti", json!(7), "invalid_request"),
        ("jti", json!("x".repeat(257)), "invalid_request"),
        ("jti", json!("a\nb"), "invalid_request"),
        ("events", Value::Null, "invalid_request"),
        ("events", json!([EVENT]), "invalid_request"),
        ("events", json!({}), "invalid_request"),
        ("events", json!({EVENT: true}), "invalid_request"),
        ("events", json!({EVENT: null}), "invalid_request"),
        (
            "events",
            json!({"https://schemas.openid.net/event/backchannel-logout": {}}),
            "invalid_request",
        ),
        ("nonce", json!("n-0S6_WzA2Mj"), "invalid_request"),
        ("sub", json!(""), "invalid_request"),
        ("sub", json!(248), "invalid_request"),
        ("sid", json!(""), "invalid_request"),
        ("sid", json!(["x"]), "invalid_request"),
    ] {
        let (refused, why) = endpoint.refusal(&signed(&with(name, &value))).await;
        assert_eq!(refused, code, "{name} {value}: {why}");
        let named = why.contains(name) || code == "invalid_issuer";
        assert!(named, "{name} {value}: {why}");
    }
    let mut expired = with("exp", &json!(NOW - 300));
    expired["iat"] = json!(NOW - 400);
    assert!(endpoint.refusal(&signed(&expired)).await.1.contains("expired"));
    // `null` is there, and a token with a nonce of any value may be an ID token.
    let mut nonce = claims();
    nonce["nonce"] = Value::Null;
    assert!(endpoint.refusal(&signed(&nonce)).await.1.contains("nonce"));
    let mut nobody = with("sub", &Value::Null);
    nobody.as_object_mut().unwrap().remove("sid");
    assert!(endpoint.refusal(&signed(&nobody)).await.1.contains("sub or sid"));
}

#[tokio::test]
async fn the_type_is_demanded_unless_the_settings_forgive_it() {
    let (strict, lenient) = (Endpoint::new(""), Endpoint::new("allow_untyped = true"));
    for (typ, forgiven) in [
        (None, true),
        (Some(json!("JWT")), true),
        (Some(json!("jwt")), true),
        (Some(json!("at+jwt")), false),
        (Some(json!("secevent+jwt")), false),
        (Some(json!("")), false),
        (Some(json!(7)), false),
        (Some(Value::Null), false),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "k1"});
        if let Some(typ) = &typ {
            header["typ"] = typ.clone();
        }
        let token = under(&header, &claims());
        assert!(strict.refusal(&token).await.1.contains("logout+jwt"), "{typ:?}");
        assert_eq!(lenient.send(&token).await.is_ok(), forgiven, "{typ:?}");
    }
    assert!(lenient.send_claims(&claims()).await.is_ok());
    // What makes it safe to forgive: an ID token has no such event.
    let id_token = under(&json!({"alg": "ES256", "kid": "k1"}), &with("events", &Value::Null));
    assert_eq!(lenient.refusal(&id_token).await.0, "invalid_request");
}

#[tokio::test]
async fn only_the_issuers_key_and_the_algorithms_on_the_list_are_believed() {
    let endpoint = Endpoint::new("");
    for alg in ["none", "None", "HS256", "RS256", "EdDSA", ""] {
        let token = under(&json!({"typ": "logout+jwt", "alg": alg, "kid": "k1"}), &claims());
        assert_eq!(endpoint.refusal(&token).await.0, "invalid_key", "{alg}");
    }
    let genuine = signed(&claims());
    let (unsigned, _) = genuine.rsplit_once('.').unwrap();
    assert_eq!(endpoint.refusal(&format!("{unsigned}.")).await.0, "authentication_failed");
    let intruder = Signer::generate("k1", Algorithm::Es256).unwrap();
    let header = json!({"typ": "logout+jwt", "alg": "ES256", "kid": "k1", "jwk": intruder.jwk().unwrap()});
    let forged = intruder.sign_under(&header, claims().to_string().as_bytes()).unwrap();
    assert_eq!(endpoint.refusal(&forged).await.0, "authentication_failed");
    let header = json!({"typ": "logout+jwt", "alg": "ES256", "crit": ["exp"]});
    assert_eq!(endpoint.refusal(&under(&header, &claims())).await.0, "invalid_request");
    assert_eq!(endpoint.refusal("e30.e30.e30.e30.e30").await.0, "invalid_key");
    let twice = claims().to_string().replacen('{', "{\"sub\":\"root\",", 1);
    let header = json!({"typ": "logout+jwt", "alg": "ES256"});
    let twice = K1.sign_under(&header, twice.as_bytes()).unwrap();
    assert_eq!(endpoint.refusal(&twice).await.0, "invalid_request");
    // A key with an algorithm that is not on the list.
    let endpoint = Endpoint::new("algorithms = [\"PS256\"]");
    assert_eq!(endpoint.refusal(&genuine).await.0, "invalid_key");
}

#[tokio::test]
async fn http_faults_have_the_answers_of_http_and_nothing_is_cached() {
    let endpoint = Endpoint::new("");
    let form = format!("logout_token={}", signed(&claims()));
    let status = async |request: &Request<Bytes>| {
        let rejection = endpoint.push.receive(request, &NoState).await.unwrap_err();
        let response = endpoint.push.rejected(&rejection);
        assert!(response.body().is_empty());
        assert_eq!(response.headers()["cache-control"], "no-store");
        response
    };
    for media in ["application/json", "application/jwt", "multipart/form-data; boundary=x", ""] {
        let mut request = post(&form);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        assert_eq!(status(&request).await.status(), 415, "{media}");
    }
    let mut request = post(&form);
    let form_type = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().append("content-type", form_type);
    assert_eq!(status(&request).await.status(), 415);
    let mut request = post(&form);
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(status(&request).await.status(), 415);
    let mut request = post(&form);
    *request.method_mut() = Method::GET;
    let response = status(&request).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(endpoint.push.body_cap(), BODY_CAP);
    assert_eq!(status(&post(&"x".repeat(BODY_CAP + 1))).await.status(), 413);
    let mut request = post(&form);
    let media = "Application/X-WWW-Form-URLencoded; charset=utf-8".parse().unwrap();
    request.headers_mut().insert("content-type", media);
    assert!(endpoint.push.receive(&request, &NoState).await.is_ok());
}

#[tokio::test]
async fn the_form_holds_the_token_once_and_no_refusal_quotes_it() {
    let endpoint = Endpoint::new("");
    let token = signed(&claims());
    for form in [
        String::new(),
        token.clone(),
        format!("token={token}"),
        "logout_token=".to_owned(),
        "logout_token=canary".to_owned(),
        format!("logout_token={token}&logout_token={token}"),
        format!("logout_token={token}&logout%5Ftoken=canary"),
        format!("logout_token={token}\n"),
    ] {
        let rejection = endpoint.push.receive(&post(&form), &NoState).await.expect_err(&form);
        assert_eq!(rejection.code, "invalid_request", "{form}");
        assert!(!told(&*endpoint.push, &rejection).contains("canary"));
    }
    let other_fields = post(&format!("state=x&logout_token={token}"));
    assert!(endpoint.push.receive(&other_fields, &NoState).await.is_ok());
    for name in ["iss", "aud", "iat", "exp", "jti", "events", "nonce"] {
        let rejection = endpoint.send_claims(&with(name, &json!("canary\u{1}"))).await.unwrap_err();
        assert!(!format!("{rejection:?}").contains("canary"), "{rejection:?}");
    }
}

#[tokio::test]
async fn a_replay_is_told_by_issuer_and_jti() {
    let endpoint = Endpoint::new("");
    let token = signed(&claims());
    let (first, again) = (endpoint.send(&token).await.unwrap(), endpoint.send(&token).await.unwrap());
    assert_eq!((&first.key, first.digest), (&again.key, again.digest));
    let other = endpoint.send_claims(&with("sub", &json!("mallory"))).await.unwrap();
    assert_eq!(first.key, other.key);
    assert_ne!(first.digest, other.digest);
    let answer = |receipt: SignalReceipt| {
        endpoint.push.accepted(&Receipt {
            signals: vec![receipt],
            hold: None,
        })
    };
    let case = CaseId(7);
    for receipt in [
        SignalReceipt::Accepted { case, held: false },
        SignalReceipt::Accepted { case, held: true },
        SignalReceipt::Repeated { case: Some(case) },
    ] {
        let response = answer(receipt);
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    let response = answer(SignalReceipt::Conflict);
    assert_eq!(response.status(), 400);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["error"], "invalid_request");
}

#[tokio::test]
async fn keys_are_found_by_the_providers_own_metadata() {
    let server = MockServer::start().await;
    let issuer = format!("{}/realms/staff", server.uri());
    let text = format!("issuer = {issuer:?}\naudience = {CLIENT:?}\nalgorithms = [\"ES256\"]");
    let token = signed(&with("iss", &json!(issuer)));
    let form = post(&format!("logout_token={token}"));
    // Before the provider answers, it is our trouble and the token is not lost.
    let push = build(&text).unwrap();
    let rejection = push.receive(&form, &NoState).await.unwrap_err();
    assert!(matches!(rejection.kind, RejectionKind::NotNow(_)), "{rejection}");
    let response = push.rejected(&rejection);
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (503, &"no-store".parse().unwrap())
    );
    assert!(response.headers().contains_key("retry-after"));

    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/certs")});
    for (at, body) in [
        ("/realms/staff/.well-known/openid-configuration", metadata),
        ("/realms/staff/certs", K1.jwks().unwrap()),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    let push = build(&text).unwrap();
    let sent = push.receive(&form, &NoState).await;
    assert!(sent.is_ok(), "{sent:?}");
}

#[test]
fn the_settings_say_everything_that_is_wrong() {
    let told = |text: &str| -> Vec<String> {
        let complaints = build(text).map(|_| ()).expect_err("the settings were taken");
        complaints.into_iter().map(|complaint| complaint.message).collect()
    };
    let all = told("issuer = \"https://id.example.org\"\naudience = []\nalgorithms = []\njwks_url = \"http://id.example.org/k\"\n");
    for (part, message) in ["audience", "algorithms", "https"].iter().zip(&all) {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(all.len(), 3, "{all:?}");
    let base = format!("issuer = {ISSUER:?}\naudience = {CLIENT:?}\n");
    assert!(build(&base).is_ok());
    for (more, part) in [
        ("algorithms = [\"HS256\"]", "RS256"),
        ("algorithms = [\"none\"]", "RS256"),
        ("allow_untypd = true", "allow_untyped"),
        ("subject = \"mail\"", "email"),
        ("jwks_url = \"https://keys.example.net/k\"", "jwks_host"),
        ("jwks_file = \"/nonexistent/jwks.json\"", "jwks.json"),
    ] {
        let told = told(&format!("{base}{more}\n"));
        assert!(told.len() == 1 && told[0].contains(part), "{told:?}");
    }
}
