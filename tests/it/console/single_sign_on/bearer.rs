//! The provider's tokens at the API.

use http::{Method, StatusCode};
use revoked::console::access::ROUTES;
use revoked::model::Role;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{AUDIENCE, Provider, now};
use crate::console::access::{may, tried};
use crate::console::{Answer, Site};

const GROUPS: [(Role, &str); 4] = [
    (Role::Viewer, "viewers"),
    (Role::Requester, "analysts"),
    (Role::Approver, "leads"),
    (Role::Admin, "admins"),
];

impl Site {
    async fn status_with(&self, bearer: &str) -> Answer {
        self.by_network(&[("authorization", bearer)], Method::GET, "/api/v1/status", None)
            .await
    }
}

#[tokio::test]
async fn a_group_gives_its_role_at_every_route_and_no_more() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    for (role, group) in GROUPS {
        let bearer = provider.access(&provider.leave(group, &["staff", group]));
        for route in ROUTES {
            let (method, path, body) = tried(route);
            let answer = site.by_network(&[("authorization", &bearer)], method, &path, body).await;
            let refused = answer.status == StatusCode::UNAUTHORIZED
                || answer.status == StatusCode::FORBIDDEN && answer.text.contains("this needs the role");
            assert_eq!(!refused, may(role, route), "{} {path} as {role}: {answer:?}", route.method);
        }
    }
    site.running.stop().await;
}

#[tokio::test]
async fn a_token_that_is_wrong_in_anything_is_refused() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let good = provider.leave("siem", &["viewers"]);
    assert_eq!(site.status_with(&provider.access(&good)).await.status, StatusCode::OK);
    for groups in [Value::Null, json!("viewers"), json!(["strangers"])] {
        let mut claims = good.clone();
        claims["groups"] = groups;
        let answer = site.status_with(&provider.access(&claims)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    }
    let now = now();
    let wrong: [(&str, Value, &str); 9] = [
        ("iss", json!("https://other.example.org"), "(iss)"),
        ("aud", json!("https://other.example.org"), "(aud)"),
        ("aud", json!("revoked"), "(aud)"),
        ("aud", json!([AUDIENCE, "revoked"]), "(aud)"),
        ("exp", json!(now - 61), "(exp)"),
        ("iat", json!(now - 12 * 3600), "12 hours"),
        ("iat", Value::Null, "iat is not a time"),
        ("sub", Value::Null, "(sub)"),
        ("cnf", json!({ "jkt": "x" }), "(cnf)"),
    ];
    for (name, value, why) in wrong {
        let mut claims = good.clone();
        claims[name] = value;
        let answer = site.status_with(&provider.access(&claims)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {answer:?}");
        assert!(answer.text.contains(why), "{name}: {answer:?}");
    }
    // A proof of a sign-in is no leave to use the API, and past so many tries nobody is told why.
    let proof = format!("Bearer {}", provider.sign(&provider.proof("n")));
    let header = json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" });
    let other = provider.key.sign_under(&header, good.to_string().as_bytes()).unwrap();
    for bearer in [
        proof,
        format!("Bearer {other}"),
        "Bearer a.b.c".to_owned(),
        "Bearer x".to_owned(),
    ] {
        let answer = site.status_with(&bearer).await;
        assert!(
            matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS),
            "{answer:?}"
        );
    }
    // One that is good is taken all the same, and so is one of our own.
    assert_eq!(site.status_with(&provider.access(&good)).await.status, StatusCode::OK);
    let own = format!("Bearer {}", site.token(Role::Viewer).await);
    assert_eq!(site.status_with(&own).await.status, StatusCode::OK);
    site.running.stop().await;
}

#[tokio::test]
async fn whoever_guesses_tokens_of_the_provider_is_slowed_and_whoever_has_no_role_is_not() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let without_role = provider.access(&provider.leave("siem", &["strangers"]));
    for _ in 0..12 {
        assert_eq!(site.status_with(&without_role).await.status, StatusCode::FORBIDDEN);
    }
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(site.status_with("Bearer guessed").await.status);
    }
    assert_eq!(seen[0], StatusCode::UNAUTHORIZED);
    assert_eq!(seen.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{seen:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn while_the_provider_is_down_a_known_key_is_good_and_an_unknown_one_opens_nothing() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "").await;
    let good = provider.leave("siem", &["viewers"]);
    assert_eq!(site.status_with(&provider.access(&good)).await.status, StatusCode::OK);
    for place in ["/.well-known/openid-configuration", "/jwks"] {
        provider.answer(place, Some(ResponseTemplate::new(502)));
    }
    assert_eq!(site.status_with(&provider.access(&good)).await.status, StatusCode::OK);
    let header = json!({ "alg": "ES256", "kid": "new", "typ": "at+jwt" });
    let unknown = provider.key.sign_under(&header, good.to_string().as_bytes()).unwrap();
    let answer = site.status_with(&format!("Bearer {unknown}")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(
        answer.headers.contains_key("retry-after") && answer.text.contains("cannot be had"),
        "{answer:?}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn whoever_comes_by_a_login_and_by_the_organisation_is_one_of_two_persons() {
    let provider = Provider::start().await;
    let people = "people = { u-ann = \"ann\" }\n";
    let site = Site::with_provider(
        &provider,
        &format!("{people}\n[approvals]\ntwo_persons_for_protected = true\n"),
    )
    .await;
    let hold = site.held().await;
    let path = format!("/api/v1/holds/{hold}");
    let shown = site.by_socket(Role::Viewer, Method::GET, &path, None).await.json();
    let approve = async |bearer: &str| {
        let decision = json!({ "set": shown["set"], "note": "asked back by phone" });
        site.by_network(
            &[("authorization", bearer)],
            Method::POST,
            &format!("{path}/approval"),
            Some(decision),
        )
        .await
    };
    let ann = provider.access(&provider.leave("u-ann", &["leads"]));
    let unknown = provider.access(&provider.leave("u-zoe", &["leads"]));
    let first = approve(&site.token_of("operator:ben(4242)", Role::Approver).await).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    // Whoever the config does not name may be Ben.
    let refused = approve(&unknown).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.text.contains("[console.single_sign_on] people"), "{refused:?}");
    let second = approve(&ann).await;
    assert_eq!(second.status, StatusCode::OK, "{second:?}");
    let trail = site
        .by_socket(Role::Viewer, Method::GET, "/api/v1/trail?kind=hold.approved", None)
        .await
        .json();
    let line = trail["items"][0]["line"].as_str().unwrap();
    let actor = format!("operator:ann oidc-login:{}#u-ann", provider.issuer());
    assert!(line.contains(&actor), "{line}");
    site.running.stop().await;
}
