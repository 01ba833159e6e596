//! The questions that senders ask before they send anything.

use http::Method;
use serde_json::{Value, json};

use super::*;

fn get(headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = post(headers, b"");
    *request.method_mut() = Method::GET;
    request
}

async fn replied(endpoint: &Endpoint, request: &Request<Bytes>) -> Value {
    match endpoint.receive(request).await {
        Ok(Received::Reply(answer)) => {
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["content-type"]),
                (200, &"application/json".parse().unwrap())
            );
            serde_json::from_slice(answer.body()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn oktas_challenge_is_repeated_to_a_get() {
    let endpoint = Endpoint::new(&[BEARER], "preset = 'okta'\n");
    assert_eq!(endpoint.push.methods(), [Method::GET, Method::POST]);
    let asked = get(&[("x-okta-verification-challenge", "L6KrF-8qI_x9")]);
    assert_eq!(replied(&endpoint, &asked).await, json!({"verification": "L6KrF-8qI_x9"}));
    let long = "x".repeat(513);
    for headers in [
        &[][..],
        &[("x-okta-verification-challenge", "")],
        &[("x-okta-verification-challenge", "two words")],
        &[("x-okta-verification-challenge", long.as_str())],
        &[("x-okta-verification-challenge", "a"), ("x-okta-verification-challenge", "a")],
    ] {
        assert_eq!(endpoint.refusal(&get(headers)).await, (400, "invalid_body"));
    }
}

#[tokio::test]
async fn slacks_challenge_is_repeated_once_it_is_proven() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'slack'\n");
    let asks = |challenge: Value| {
        let body = json!({"token": "x", "challenge": challenge, "type": "url_verification"}).to_string();
        let signature = format!("v0={}", hex_hmac(secret, format!("v0:{NOW}:{body}").as_bytes()));
        post(
            &[
                ("x-slack-request-timestamp", &NOW.to_string()),
                ("x-slack-signature", &signature),
            ],
            body.as_bytes(),
        )
    };
    let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
    assert_eq!(
        replied(&endpoint, &asks(challenge.into())).await,
        json!({ "challenge": challenge })
    );
    for wrong in [
        Value::Null,
        json!(""),
        json!(["x"]),
        json!("<script> x"),
        json!("x".repeat(513)),
    ] {
        assert_eq!(endpoint.refusal(&asks(wrong)).await, (400, "invalid_body"));
    }
    let mut forged = asks(challenge.into());
    forged.headers_mut().insert("x-slack-signature", "v0=00".parse().unwrap());
    assert_eq!(endpoint.refusal(&forged).await.0, 401);
}

/// A question to an endpoint whose secret is the end of the URL.
fn asked(method: Method, query: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = post(headers, body.as_bytes());
    *request.method_mut() = method;
    *request.uri_mut() = format!("/signals/door/{BEARER}{query}").parse().unwrap();
    request
}

fn by_path(more: &str) -> Endpoint {
    Endpoint::trusting(&format!("bearer = {{ path = true }}\n{more}"))
}

async fn text(endpoint: &Endpoint, request: &Request<Bytes>) -> Response<Bytes> {
    match endpoint.receive(request).await {
        Ok(Received::Reply(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn graphs_token_is_repeated_as_text_and_never_as_markup() {
    let graph = Endpoint::new(&["a-client-state-of-some-length"], "preset = 'microsoft-graph'\n");
    let open = |query: &str| {
        let mut request = post(&[], b"");
        request
            .headers_mut()
            .insert("content-type", "text/plain; charset=utf-8".parse().unwrap());
        *request.uri_mut() = format!("/signals/door{query}").parse().unwrap();
        request
    };
    let sample = "?validationToken=Validation%3A+Testing+client+application+reachability+for+subscription+Request-Id%3A+522a8e7e";
    for (query, token) in [
        (
            sample,
            "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e",
        ),
        (
            "?x=1&validationToken=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            "<script>alert(1)</script>",
        ),
    ] {
        for answer in [
            text(&graph, &open(query)).await,
            text(&by_path(""), &asked(Method::POST, query, &[], "")).await,
        ] {
            assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, token.as_bytes()));
            assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        }
    }
    let long = format!("?validationToken={}", "x".repeat(2049));
    for query in [
        "?validationToken=",
        "?validationToken=a%0d%0ab",
        "?validationToken=%ff",
        &long,
    ] {
        assert_eq!(graph.refusal(&open(query)).await, (400, "invalid_body"), "{query}");
    }
    // Not the question: no token, two of them, or without the secret where there is one.
    assert_eq!(graph.refusal(&open("?token=x")).await.0, 401);
    assert_eq!(graph.refusal(&open("?validationToken=a&validationToken=b")).await.0, 401);
    let mut unproven = asked(Method::POST, sample, &[], "");
    *unproven.uri_mut() = format!("/signals/door/other{sample}").parse().unwrap();
    assert_eq!(by_path("").refusal(&unproven).await.0, 401);
}

#[tokio::test]
async fn event_grid_hears_its_code_and_its_consent_from_whoever_holds_the_secret() {
    let event = json!([{"id": "2d1781af", "topic": "/subscriptions/x", "subject": "", "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
        "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/validate?id=512d38b6"}, "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-01-25T22:12:19.4556811Z", "metadataVersion": "1", "dataVersion": "1"}]);
    for endpoint in [by_path(""), Endpoint::new(&[BEARER], "preset = 'azure-event-grid'\n")] {
        assert_eq!(endpoint.push.methods(), [Method::OPTIONS, Method::POST]);
        let heard = replied(
            &endpoint,
            &asked(
                Method::POST,
                "",
                &[("aeg-event-type", "SubscriptionValidation")],
                &event.to_string(),
            ),
        )
        .await;
        assert_eq!(heard, json!({"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}));
        // Some proxies and functions take the one event out of its list.
        let alone = replied(&endpoint, &asked(Method::POST, "", &[], &event[0].to_string())).await;
        assert_eq!(alone, heard);
        let mut markup = event.clone();
        markup[0]["data"]["validationCode"] = json!("a b");
        assert_eq!(
            endpoint.refusal(&asked(Method::POST, "", &[], &markup.to_string())).await,
            (400, "invalid_body")
        );

        for origin in ["eventgrid.azure.net", "eventgrid.azure.us"] {
            let consent = text(
                &endpoint,
                &asked(
                    Method::OPTIONS,
                    "",
                    &[("webhook-request-origin", origin), ("webhook-request-rate", "120")],
                    "",
                ),
            )
            .await;
            let headers = consent.headers();
            assert_eq!(
                (consent.status().as_u16(), &headers["webhook-allowed-origin"]),
                (200, &origin.parse().unwrap())
            );
            assert_eq!(
                (&headers["allow"], &headers["webhook-allowed-rate"]),
                (&"POST".parse().unwrap(), &"*".parse().unwrap())
            );
        }
        for origin in ["", "a b", "<x>"] {
            let bad = asked(Method::OPTIONS, "", &[("webhook-request-origin", origin)], "");
            assert_eq!(endpoint.refusal(&bad).await, (400, "invalid_body"), "{origin}");
        }
        assert_eq!(
            endpoint.refusal(&asked(Method::OPTIONS, "", &[], "")).await,
            (400, "invalid_body")
        );
        let mut unproven = asked(Method::OPTIONS, "", &[("webhook-request-origin", "eventgrid.azure.net")], "");
        *unproven.uri_mut() = "/signals/door/other".parse().unwrap();
        assert_eq!(endpoint.refusal(&unproven).await.0, 401);
    }
}

#[tokio::test]
async fn a_subscription_of_sns_at_an_endpoint_with_a_secret_shows_no_address_but_one_of_sns() {
    for (url, words) in [
        (
            "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
            "opening https://sns.eu-central-1",
        ),
        ("https://evil.example/?Token=1", "is not one of SNS"),
    ] {
        let body = json!({"Type": "SubscriptionConfirmation", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-central-1:1:t", "Token": "1", "SubscribeURL": url});
        let mut request = asked(Method::POST, "", &[], &body.to_string());
        request
            .headers_mut()
            .insert("content-type", "text/plain; charset=UTF-8".parse().unwrap());
        let Ok(Received::Answered(delivery, answer)) = by_path("").receive(&request).await else {
            panic!("{url}")
        };
        let summary = delivery.alarms[0].summary.clone().unwrap();
        assert!(
            answer.status() == 200 && summary.contains(words) && !summary.contains("evil"),
            "{summary}"
        );
    }
}

#[tokio::test]
async fn each_topic_has_an_alert_of_its_own_and_its_end_leaves_the_question_open() {
    let endpoint = by_path("");
    let about = async |kind: &str, topic: &str| {
        let body = json!({"Type": kind, "MessageId": "1", "TopicArn": topic, "Token": "1", "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Token=1"});
        let Ok(Received::Answered(delivery, _)) = endpoint.receive(&asked(Method::POST, "", &[], &body.to_string())).await else {
            panic!("{topic}")
        };
        delivery.alarms[0].about.clone().unwrap()
    };
    let (one, other) = ("arn:aws:sns:eu-central-1:1:one", "arn:aws:sns:eu-central-1:1:other");
    let first = about("SubscriptionConfirmation", one).await;
    assert_eq!(about("SubscriptionConfirmation", one).await, first);
    for different in [
        about("SubscriptionConfirmation", other).await,
        about("UnsubscribeConfirmation", one).await,
    ] {
        assert_ne!(different, first);
    }
    assert!(!first.contains("one"), "a sender's word stands in the trail: {first}");
}

#[tokio::test]
async fn hibobs_pings_are_answered_with_200_once_they_are_proven() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'hibob'\n");
    for body in ["\"Ping test\"", "{\"text\":\"Ping test\"}"] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes()), body.as_bytes());
        let answer = text(
            &endpoint,
            &post(&[("bob-signature", &STANDARD.encode(tag.as_ref()))], body.as_bytes()),
        )
        .await;
        assert_eq!(answer.status(), 200);
        assert_eq!(
            endpoint.refusal(&post(&[("bob-signature", "AAAA")], body.as_bytes())).await.0,
            401
        );
    }
}

#[tokio::test]
async fn the_first_message_of_a_google_channel_has_no_body_and_is_none() {
    let endpoint = Endpoint::trusting("bearer = { header = 'X-Goog-Channel-Token' }\n");
    let mut sync = post(&[("x-goog-channel-token", BEARER), ("x-goog-resource-state", "sync")], b"");
    sync.headers_mut().remove("content-type");
    assert_eq!(text(&endpoint, &sync).await.status(), 204);
    sync.headers_mut().insert("x-goog-channel-token", "another".parse().unwrap());
    assert_eq!(endpoint.refusal(&sync).await.0, 401);
}

#[tokio::test]
async fn no_question_is_answered_where_the_config_says_so() {
    let endpoint = by_path("handshake = []\n");
    assert_eq!(endpoint.push.methods(), [Method::POST]);
    let query = asked(Method::POST, "?validationToken=x", &[], "{}");
    assert_eq!(endpoint.refusal(&query).await, (422, "not_understood"));
}

#[tokio::test]
async fn nothing_is_repeated_where_no_handshake_is_configured() {
    let endpoint = Endpoint::new(&[SECRET], "");
    assert_eq!(endpoint.push.methods(), [Method::POST]);
    let asked = get(&[("x-okta-verification-challenge", "x")]);
    assert_eq!(endpoint.refusal(&asked).await, (405, "method_not_allowed"));
    let body = json!({"challenge": "x", "type": "url_verification"}).to_string();
    let asked = signed(SECRET, "msg_1", NOW, body.as_bytes());
    assert_eq!(endpoint.refusal(&asked).await, (422, "not_understood"));
}
