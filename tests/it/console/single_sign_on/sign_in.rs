//! The way there and back, and what is not believed on it.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Role, Timestamp};
use revoked::store::{Role as OpenedAs, Store};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{Begun, Provider, now, session};
use crate::console::page::field;
use crate::console::{Answer, Site};

impl Site {
    /// Comes back with a code that gives a proof of these claims.
    async fn back_with(&self, provider: &Provider, begun: &Begun, claims: &Value) -> Answer {
        let code = provider.grant_proof(&begun.asked, claims);
        self.back_with_code(provider, begun, &code).await
    }

    async fn back_with_code(&self, provider: &Provider, begun: &Begun, code: &str) -> Answer {
        let issuer = provider.issuer();
        let query = [("state", begun.state()), ("code", code), ("iss", issuer.as_str())];
        self.come_back(&begun.cookie, &query).await
    }
}

/// Nobody is signed in, and the page says why.
fn refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{why}: {answer:?}");
    assert!(answer.text.contains(why) && session(answer).is_none(), "{why}: {answer:?}");
}

#[tokio::test]
async fn whoever_has_a_group_is_signed_in_once_and_led_to_the_page_that_they_asked_for() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let asked = site.by_network(&[], Method::GET, "/trail?kind=operator", None).await;
    assert_eq!(asked.headers["location"], "/sign-in?next=%2Ftrail%3Fkind%3Doperator");
    let page = site.page("/sign-in?next=%2Ftrail%3Fkind%3Doperator", "").await;
    assert!(
        page.contains("href=\"/sign-in/organisation?next=%2Ftrail%3Fkind%3Doperator\""),
        "{page}"
    );
    assert_eq!(field(&page, "next"), "/trail?kind=operator");

    let begun = site.begin("/trail?kind=operator").await;
    let asked = |name: &str| begun.asked[name].as_str();
    assert_eq!(asked("tenant"), "one", "what the provider's own address has in it stays");
    assert_eq!((asked("response_type"), asked("client_id")), ("code", "revoked"));
    assert_eq!(asked("redirect_uri"), format!("{}/sign-in/callback", site.origin()));
    assert_eq!((asked("scope"), asked("code_challenge_method")), ("openid profile", "S256"));
    let code = provider.grant_proof(&begun.asked, &provider.proof(begun.nonce()));
    let back = site.back_with_code(&provider, &begun, &code).await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    assert!(back.text.contains("content=\"0;url=/trail?kind=operator\""), "{back:?}");
    let cookie = session(&back).unwrap();
    let page = site.page("/trail?kind=operator", &cookie).await;
    let ann = format!("operator:ann oidc:{}#u-ann", provider.issuer());
    assert!(page.contains(&ann) && page.contains("approver"), "{page}");
    // Whoever has seen it come back comes too late, with the cookie and without.
    for cookie in [begun.cookie.as_str(), ""] {
        let issuer = provider.issuer();
        let query = [("state", begun.state()), ("code", code.as_str()), ("iss", issuer.as_str())];
        refused(
            &site.come_back(cookie, &query).await,
            "this sign-in was not begun in this browser",
        );
    }
    let trail = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/trail?kind=operator.signed_in", None)
        .await
        .json();
    assert_eq!(trail["items"].as_array().unwrap().len(), 1, "{trail}");
    let found = site.installation.says(&["trail", "show", "--operator", "ann"]).await;
    assert!(found.out.contains("u-ann"), "{found:?}");

    let out = site.form("/sign-out", &cookie, &[("form", &field(&page, "form"))]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER, "{out:?}");
    let after = site.by_network(&[("cookie", &cookie)], Method::GET, "/", None).await;
    assert_eq!(after.status, StatusCode::SEE_OTHER, "{after:?}");
    site.running.stop().await;
    let secrets = [
        cookie.split_once('=').unwrap().1,
        begun.state(),
        begun.cookie.split_once('=').unwrap().1,
    ];
    for name in ["revoked.db", "revoked.db-wal"] {
        let bytes = std::fs::read(site.installation.path(name)).unwrap_or_default();
        for secret in secrets {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{name} has {secret}");
        }
    }
}

/// Makes a proof of claims that the provider did not make.
type Forge = Box<dyn Fn(&Provider, &Value) -> String>;

/// A proof that is signed by the public key, as if that were a secret.
fn by_public_key(provider: &Provider, claims: &Value) -> String {
    let key = provider.key.jwk().unwrap().to_string();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": "k1" })), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn a_proof_that_is_wrong_in_anything_signs_nobody_in() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let now = now();
    let wrong: [(&str, Value, &str); 15] = [
        ("/iss", json!("https://other.example.org"), "(iss)"),
        ("/aud", json!("another"), "(aud)"),
        ("/aud", json!([]), "(aud)"),
        ("/aud", json!(["revoked", 1]), "(aud)"),
        ("/aud", json!(["revoked", "another"]), "(azp)"),
        ("/azp", json!("another"), "(azp)"),
        ("/exp", json!(now - 61), "(exp)"),
        ("/exp", Value::Null, "exp is not a time"),
        ("/iat", json!(now + 120), "of the future"),
        ("/nbf", json!(now + 120), "of the future"),
        ("/nonce", json!("another"), "(nonce)"),
        ("/nonce", Value::Null, "(nonce)"),
        ("/sub", json!(""), "(sub)"),
        ("/sub", json!(7), "(sub)"),
        ("/at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "(at_hash)"),
    ];
    for (place, value, why) in wrong {
        let begun = site.begin("/").await;
        let mut claims = provider.proof(begun.nonce());
        claims[&place[1..]] = value;
        refused(&site.back_with(&provider, &begun, &claims).await, why);
    }
    for groups in [
        Value::Null,
        json!("leads"),
        json!([]),
        json!(["strangers"]),
        json!(["leads", 7]),
        json!({ "leads": true }),
    ] {
        let begun = site.begin("/").await;
        let mut claims = provider.proof(begun.nonce());
        claims["groups"] = groups;
        refused(&site.back_with(&provider, &begun, &claims).await, "has a role here");
    }
    let stranger = Signer::generate("k9", Algorithm::Es256).unwrap();
    let under = |header: Value| -> Forge {
        Box::new(move |provider: &Provider, claims: &Value| {
            provider.key.sign_under(&header, claims.to_string().as_bytes()).unwrap()
        })
    };
    let forged: [(Forge, &str); 7] = [
        (
            Box::new(|_: &Provider, claims: &Value| {
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
            }),
            "algorithm is not accepted",
        ),
        (Box::new(by_public_key), "algorithm is not accepted"),
        (under(json!({ "alg": "RS256", "kid": "k1" })), "algorithm is not accepted"),
        (under(json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" })), "typ must be"),
        (
            Box::new(move |_: &Provider, claims: &Value| {
                let header = json!({ "alg": "ES256", "kid": "k1" });
                stranger.sign_under(&header, claims.to_string().as_bytes()).unwrap()
            }),
            "does not verify",
        ),
        (under(json!({ "alg": "ES256", "kid": "k9" })), "no key of this name"),
        (Box::new(|_: &Provider, _: &Value| "opaque".to_owned()), "three parts"),
    ];
    for (forge, why) in forged {
        let begun = site.begin("/").await;
        let token = forge(&provider, &provider.proof(begun.nonce()));
        let given = json!({ "token_type": "Bearer", "access_token": "opaque", "id_token": token });
        let code = provider.grant(&begun.asked, given);
        refused(&site.back_with_code(&provider, &begun, &code).await, why);
    }
    // The half of the digest that belongs to what came with it; and after all of that a good one is good.
    let begun = site.begin("/").await;
    let mut claims = provider.proof(begun.nonce());
    let half = &aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"opaque").as_ref()[..16].to_vec();
    claims["at_hash"] = json!(URL_SAFE_NO_PAD.encode(half));
    claims["aud"] = json!(["revoked", "another"]);
    claims["azp"] = json!("revoked");
    assert!(session(&site.back_with(&provider, &begun, &claims).await).is_some());
    site.running.stop().await;
}

#[tokio::test]
async fn what_comes_back_otherwise_than_it_went_signs_nobody_in() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let issuer = provider.issuer();
    let (mine, others) = (site.begin("/").await, site.begin("/").await);
    let code = provider.grant_proof(&others.asked, &provider.proof(others.nonce()));
    // Somebody else's sign-in is put into this browser.
    let query = [("state", others.state()), ("code", code.as_str()), ("iss", issuer.as_str())];
    refused(&site.come_back(&mine.cookie, &query).await, "not begun in this browser");
    // Theirs is not spent by that. Its code in mine is refused by the provider, which was asked with another challenge.
    let query = [("state", mine.state()), ("code", code.as_str()), ("iss", issuer.as_str())];
    refused(&site.come_back(&mine.cookie, &query).await, "invalid_request");
    for iss in [&[("iss", "https://other.example.org")][..], &[]] {
        let begun = site.begin("/").await;
        let code = provider.grant_proof(&begun.asked, &provider.proof(begun.nonce()));
        let mut query = vec![("state", begun.state()), ("code", code.as_str())];
        query.extend(iss);
        refused(&site.come_back(&begun.cookie, &query).await, "(iss)");
        assert!(
            provider.told.lock().unwrap().granted.contains_key(&code),
            "the code went nowhere"
        );
    }
    let begun = site.begin("/").await;
    let query = [
        ("state", begun.state()),
        ("iss", issuer.as_str()),
        ("error", "access_denied"),
        ("error_description", "<script>alert(1)</script>\u{202e}"),
    ];
    let said = site.come_back(&begun.cookie, &query).await;
    refused(&said, "access_denied");
    assert!(
        !said.text.contains("<script>alert") && !said.text.contains('\u{202e}'),
        "{said:?}"
    );
    for query in ["", "state=a&state=b", "code=x"] {
        let path = format!("/sign-in/callback?{query}");
        let unreadable = site.by_network(&[], Method::GET, &path, None).await;
        assert_eq!(unreadable.status, StatusCode::BAD_REQUEST, "{query}: {unreadable:?}");
    }
    for evil in ["//evil.example", "https://evil.example/", "/\\evil.example", "/api/v1/status"] {
        let begun = site.begin(evil).await;
        let back = site.back_with(&provider, &begun, &provider.proof(begun.nonce())).await;
        assert!(
            back.text.contains("content=\"0;url=/\"") && !back.text.contains("evil"),
            "{back:?}"
        );
    }
    site.running.stop().await;
}

#[tokio::test]
async fn a_provider_in_trouble_signs_nobody_in_and_the_page_says_what_it_is() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    provider.answer("/.well-known/openid-configuration", Some(ResponseTemplate::new(500)));
    let down = site.by_network(&[], Method::GET, "/sign-in/organisation", None).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE, "{down:?}");
    assert!(down.text.contains("500 Internal Server Error"), "{down:?}");
    provider.answer("/.well-known/openid-configuration", None);
    // It is asked again after a moment.
    let begun = crate::harness::until("the provider asked again", async || {
        let sent = site.by_network(&[], Method::GET, "/sign-in/organisation", None).await;
        (sent.status == StatusCode::SEE_OTHER).then_some(())
    });
    begun.await;
    let elsewhere = ResponseTemplate::new(302).insert_header("location", "https://evil.example/token");
    for (answer, status, why) in [
        (
            ResponseTemplate::new(503),
            StatusCode::SERVICE_UNAVAILABLE,
            "503 Service Unavailable",
        ),
        (elsewhere, StatusCode::FORBIDDEN, "302 Found"),
        (
            ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 << 20]),
            StatusCode::SERVICE_UNAVAILABLE,
            "larger than",
        ),
        (
            ResponseTemplate::new(200).set_body_string("[]"),
            StatusCode::FORBIDDEN,
            "cannot be read",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({ "token_type": "Bearer", "access_token": "x" })),
            StatusCode::FORBIDDEN,
            "no ID token",
        ),
        (
            ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
            StatusCode::SERVICE_UNAVAILABLE,
            "cannot be asked",
        ),
    ] {
        provider.answer("/token", Some(answer));
        let begun = site.begin("/").await;
        let back = site.back_with(&provider, &begun, &provider.proof(begun.nonce())).await;
        assert_eq!(back.status, status, "{why}: {back:?}");
        assert!(back.text.contains(why) && session(&back).is_none(), "{why}: {back:?}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn without_single_sign_on_there_is_no_such_way() {
    let site = Site::new().await;
    for path in ["/sign-in/organisation", "/sign-in/callback?state=x"] {
        let answer = site.by_network(&[], Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
    assert!(!site.page("/sign-in", "").await.contains("organisation"));
    site.running.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_its_groups_are_to_be_asked_for_again_and_a_sign_in_that_takes_too_long_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(Timestamp::from_ms(1_764_000_000_000));
    let store = Store::open(&folder.path().join("revoked.db"), OpenedAs::Daemon, clock.clone())
        .await
        .unwrap();
    let ann = || "operator:ann oidc:https://id.example.org#1".parse().unwrap();
    let session = store
        .begin_session(ann(), Role::Approver, Duration::from_mins(20))
        .await
        .unwrap();
    let found = store.bearer_of_session(&session, true).await.unwrap().unwrap();
    assert_eq!((found.operator, found.role), (ann(), Role::Approver));
    store.begin_sign_in("in time", "/".to_owned()).await.unwrap();
    store.begin_sign_in("too long", "/".to_owned()).await.unwrap();
    clock.advance(Duration::from_secs(599));
    assert_eq!(store.take_sign_in("in time").await.unwrap().as_deref(), Some("/"));
    assert_eq!(store.take_sign_in("in time").await.unwrap(), None);
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.take_sign_in("too long").await.unwrap(), None);
    clock.advance(Duration::from_secs(599));
    assert!(store.bearer_of_session(&session, true).await.unwrap().is_some());
    clock.advance(Duration::from_secs(1));
    assert!(store.bearer_of_session(&session, true).await.unwrap().is_none());
    store.close().await;
}
