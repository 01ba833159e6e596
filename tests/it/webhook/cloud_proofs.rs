//! Clouds that prove themselves in ways of their own: certificates, published keys, signed tokens, a secret in each item.

use std::path::Path;

use base64::engine::general_purpose::STANDARD as BASE64;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{AlarmKind, Disposition, Reason, Subject};
use revoked::sources::RejectionKind;
use serde_json::{Value, json};

use super::*;

const SNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/webhook/sns");
const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:MyTopic";

fn sns_of(topic: &str, more: &str) -> Endpoint {
    Endpoint::new(
        &[],
        &format!("preset = 'aws-sns'\n{more}\n[sns]\ntopics = ['{topic}']\ncertificates_file = '{SNS}/certificate.pem'\n"),
    )
}

fn message(name: &str) -> String {
    std::fs::read_to_string(Path::new(SNS).join(name)).unwrap()
}

/// A message as SNS posts it.
fn sns_post(body: &str) -> Request<Bytes> {
    let mut request = post(&[("x-amz-sns-message-type", "Notification")], body.as_bytes());
    let media = "text/plain; charset=UTF-8".parse().unwrap();
    request.headers_mut().insert("content-type", media);
    request
}

#[tokio::test]
async fn a_message_of_sns_is_proved_by_its_certificate_and_read_from_within() {
    let endpoint = sns_of(TOPIC, "");
    let signal = endpoint.signal(&sns_post(&message("notification.json"))).await;
    assert_eq!(
        (signal.key.as_str(), signal.subject.to_string().as_str(), signal.reason),
        (
            "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "email:zo\u{eb}@example.test",
            Reason::Compromised
        )
    );
    // A message that is no request of ours is kept, and somebody is told.
    let delivery = endpoint.delivery(&sns_post(&message("without-subject.json"))).await;
    assert!(matches!(delivery.signals[0].disposition, Disposition::Ignore(_)));
    assert_eq!(delivery.alarms[0].kind, AlarmKind::NotUnderstood);
}

#[tokio::test]
async fn what_is_changed_old_raw_or_of_another_topic_or_host_is_refused() {
    let endpoint = sns_of(TOPIC, "");
    let good = message("notification.json");
    let host = "https://sns.us-west-2.amazonaws.com/Simple";
    for (what, body) in [
        ("changed", good.replace("INC-1", "INC-2")),
        ("another id", good.replace("22b80b92", "22b80b93")),
        ("another time", good.replace("18:40:00.655Z", "18:41:00.655Z")),
        ("another subject", good.replace("My First", "My Second")),
        ("no subject", good.replace("  \"Subject\" : \"My First Message\",\n", "")),
        ("another kind", good.replace(": \"Notification\"", ": \"Other\"")),
        (
            "another topic",
            good.replace("MyTopic\",\n  \"Subject", "Other\",\n  \"Subject"),
        ),
        ("another host", good.replace(host, "https://evil.example/Simple")),
        (
            "a storage bucket",
            good.replace(host, "https://sns.s3.us-west-2.amazonaws.com/Simple"),
        ),
        ("by SHA-1", message("version-1.json")),
        (
            "by no version",
            good.replace("\"SignatureVersion\" : \"2\"", "\"SignatureVersion\" : \"3\""),
        ),
        ("no JSON", "hello".to_owned()),
        ("a member twice", good.replacen('{', "{\"Type\":\"Notification\",", 1)),
    ] {
        assert_eq!(endpoint.refusal(&sns_post(&body)).await, (401, "invalid_signature"), "{what}");
    }
    let mut raw = sns_post(&good);
    raw.headers_mut().insert("x-amz-sns-rawdelivery", "true".parse().unwrap());
    assert_eq!(endpoint.refusal(&raw).await.0, 401);
    let elsewhere = sns_of("arn:aws:sns:us-west-2:999999999999:MyTopic", "");
    assert_eq!(elsewhere.refusal(&sns_post(&good)).await.0, 401);
    // SNS tries again for an hour.
    let late = |seconds: i64| {
        let (folder, text) = written(
            &[],
            &format!("preset = 'aws-sns'\nsns = {{ topics = ['{TOPIC}'], certificates_file = '{SNS}/certificate.pem' }}\n"),
        );
        Endpoint {
            push: build(&text, NOW + seconds).unwrap(),
            _folder: folder,
        }
    };
    late(3000).signal(&sns_post(&good)).await;
    assert_eq!(late(3600).refusal(&sns_post(&good)).await.0, 401);
}

#[tokio::test]
async fn a_subscription_is_shown_to_a_person_and_its_address_never_opened() {
    let endpoint = sns_of(TOPIC, "");
    for (name, words) in [
        (
            "confirmation.json",
            "confirm it by opening https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription",
        ),
        ("unsubscribed.json", "nothing will come any more"),
    ] {
        let Ok(Received::Answered(delivery, answer)) = endpoint.receive(&sns_post(&message(name))).await else {
            panic!("{name}")
        };
        assert_eq!(
            (answer.status().as_u16(), delivery.signals.len(), delivery.alarms.len()),
            (200, 0, 1)
        );
        let summary = delivery.alarms[0].summary.as_deref().unwrap();
        assert!(summary.contains(words) && summary.contains(TOPIC), "{summary}");
        let forged = message(name).replace("Token=2336", "Token=2337");
        assert_eq!(endpoint.refusal(&sns_post(&forged)).await.0, 401);
    }
}

#[test]
fn sns_needs_its_topics_and_no_secret() {
    for (keys, words) in [
        ("preset = 'aws-sns'\n", "write the topics"),
        ("preset = 'aws-sns'\nsns = { topics = ['MyTopic'] }\n", "write the topics"),
        (
            "preset = 'aws-sns'\nsns = { topics = ['arn:aws:sns:x'], certificates_file = '/nowhere.pem' }\n",
            "/nowhere.pem",
        ),
        (
            "preset = 'aws-sns'\nsns = { topics = ['arn:aws:sns:x'], hosts = ['evil.example'] }\n",
            "unknown",
        ),
        ("sns = { topics = ['arn:aws:sns:x'] }\n", "only with verify = \"sns\""),
    ] {
        let Err(complaints) = build(keys, NOW) else { panic!("{keys}") };
        assert!(
            complaints.iter().any(|complaint| complaint.message.contains(words)),
            "{complaints:?}"
        );
    }
    let (_folder, text) = written(&["x"], &format!("preset = 'aws-sns'\nsns = {{ topics = ['{TOPIC}'] }}\n"));
    let Err(complaints) = build(&text, NOW) else {
        panic!("a secret was taken")
    };
    assert!(complaints[0].message.contains("there is no secret"), "{complaints:?}");
}

#[test]
fn certificates_that_others_may_write_are_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    for key in ["certificates_file", "authorities_file"] {
        let path = folder.path().join(key);
        std::fs::copy(Path::new(SNS).join("authority.pem"), &path).unwrap();
        let keys = format!(
            "preset = 'aws-sns'\nsns = {{ topics = ['{TOPIC}'], {key} = '{}' }}\n",
            path.display()
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let Err(complaints) = build(&keys, NOW) else {
            panic!("{key} was believed")
        };
        let mend = format!("run chmod go-w {}", path.display());
        assert!(complaints[0].message.contains(&mend), "{complaints:?}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(build(&keys, NOW).is_ok(), "{key}");
    }
}

const STATE: &str = "secretClientValue-of-some-length";

fn graph() -> Endpoint {
    Endpoint::new(&[STATE], "preset = 'microsoft-graph'\n")
}

/// Graph's own sample, for a user.
fn notification(id: &str, state: &str, change: &str) -> Value {
    json!({
        "id": format!("lsgTZMr9KwAAA{id}"), "subscriptionId": "s1", "subscriptionExpirationDateTime": "2026-03-19T22:11:09.952Z",
        "clientState": state, "changeType": change, "resource": format!("Users/{id}"), "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "@odata.id": format!("Users/{id}"), "id": id},
    })
}

#[tokio::test]
async fn each_notification_of_graph_proves_itself_and_those_that_do_not_are_put_aside() {
    let endpoint = graph();
    let sent = json!({"value": [
        notification("6f", STATE, "deleted"), notification("7a", "another", "deleted"), notification("8b", STATE, "updated"),
        {"changeType": "deleted"},
    ]});
    let delivery = endpoint.delivery(&post(&[], sent.to_string().as_bytes())).await;
    let read: Vec<_> = delivery
        .signals
        .iter()
        .map(|signal| (signal.subject.to_string(), signal.reason))
        .collect();
    let issuer = "iss_sub:https://sts.windows.net/84bd8158-6d4d-4958-8b9f-9d6445542f95/#";
    assert_eq!(
        read,
        [
            (format!("{issuer}6f"), Reason::Departed),
            (format!("{issuer}8b"), Reason::Noted)
        ]
    );
    assert!(
        matches!(delivery.signals[0].disposition, Disposition::Hold(_))
            && matches!(delivery.signals[1].disposition, Disposition::Ignore(_))
    );
    assert_ne!(delivery.signals[0].key, delivery.signals[1].key);
    let places: Vec<&str> = delivery.refused.iter().map(|part| part.place.as_str()).collect();
    assert_eq!(places, ["item 1", "item 3"]);
    for nobody in [
        json!({"value": [notification("6f", "another", "deleted")]}),
        json!({"value": [notification("6f", "", "deleted")]}),
        json!({"value": []}),
        json!({"clientState": "x"}),
        json!([]),
    ] {
        assert_eq!(
            endpoint.refusal(&post(&[], nobody.to_string().as_bytes())).await,
            (401, "invalid_signature"),
            "{nobody}"
        );
    }
}

#[tokio::test]
async fn what_graph_says_of_its_subscription_is_about_nobody_and_is_told() {
    let lifecycle = json!({"value": [{"subscriptionId": "s1", "subscriptionExpirationDateTime": "2026-03-20T11:00:00.0000000Z",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95", "clientState": STATE, "lifecycleEvent": "reauthorizationRequired"}]});
    let delivery = graph().delivery(&post(&[], lifecycle.to_string().as_bytes())).await;
    assert!(matches!(delivery.signals[0].disposition, Disposition::Ignore(_)));
    assert_eq!(delivery.signals[0].note.as_deref(), Some("reauthorizationRequired; s1"));
    assert_eq!(
        delivery.alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(),
        [AlarmKind::SenderNotice]
    );
}

/// A push endpoint, and a signer that stands for Google.
fn pubsub(preset: &str, more: &str) -> (Endpoint, Signer, tempfile::TempDir) {
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("jwks.json");
    std::fs::write(&keys, signer.jwks().unwrap().to_string()).unwrap();
    let token = format!(
        "[token]\naudience = 'https://revoked.example.org/signals/door'\nemail = 'push@p.iam.gserviceaccount.com'\nalgorithms = ['ES256']\njwks_file = '{}'\n{more}",
        keys.display()
    );
    (Endpoint::new(&[], &format!("preset = '{preset}'\n{token}")), signer, folder)
}

fn claims() -> Value {
    json!({"iss": "https://accounts.google.com", "aud": "https://revoked.example.org/signals/door", "azp": "113774264463038321964",
        "email": "push@p.iam.gserviceaccount.com", "email_verified": true, "sub": "113774264463038321964", "iat": NOW - 10, "exp": NOW + 3500})
}

fn pushed(token: &str, data: &Value, attributes: &Value) -> Request<Bytes> {
    let body = json!({
        "message": {"attributes": attributes, "data": BASE64.encode(data.to_string()), "messageId": "136969346945", "message_id": "136969346945",
            "publishTime": "2026-01-31T18:41:00.749Z"},
        "subscription": "projects/myproject/subscriptions/mysubscription",
    });
    post(&[("authorization", &format!("Bearer {token}"))], body.to_string().as_bytes())
}

fn token(signer: &Signer, claims: &Value) -> String {
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT"});
    signer.sign_under(&header, claims.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_push_of_googles_is_proved_by_the_token_of_its_account() {
    let (endpoint, signer, _folder) = pubsub("google-pubsub", "");
    let request: Value = serde_json::from_str(&ours(
        &json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": "compromised"}),
    ))
    .unwrap();
    let signal = endpoint
        .signal(&pushed(&token(&signer, &claims()), &request, &json!({})))
        .await;
    assert_eq!(
        (signal.key.as_str(), signal.subject.to_string().as_str()),
        ("136969346945", "email:a@b.example")
    );
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    for (name, value) in [
        ("iss", json!("https://accounts.example")),
        ("aud", json!("https://another.example.org/")),
        ("email", json!("other@q.iam.gserviceaccount.com")),
        ("email", Value::Null),
        ("email_verified", json!(false)),
        ("email_verified", Value::Null),
        ("exp", json!(NOW - 301)),
        ("exp", Value::Null),
        ("iat", json!(NOW + 301)),
        ("nbf", json!(NOW + 301)),
    ] {
        let bad = pushed(&token(&signer, &with(name, value.clone())), &request, &json!({}));
        assert_eq!(endpoint.refusal(&bad).await, (401, "invalid_signature"), "{name} {value}");
    }
    let other = Signer::generate("k1", Algorithm::Es256).unwrap();
    assert_eq!(
        endpoint
            .refusal(&pushed(&token(&other, &claims()), &request, &json!({})))
            .await
            .0,
        401
    );
    assert_eq!(endpoint.refusal(&pushed("x.y.z", &request, &json!({}))).await.0, 401);
    let mut bare = pushed(&token(&signer, &claims()), &request, &json!({}));
    bare.headers_mut().remove("authorization");
    assert_eq!(endpoint.refusal(&bare).await.0, 401);
    // What was published and is no request is acknowledged, or it would come for a week; and somebody is told.
    let delivery = endpoint
        .delivery(&pushed(
            &token(&signer, &claims()),
            &json!("Hello Cloud Pub/Sub!"),
            &json!({}),
        ))
        .await;
    assert_eq!(delivery.alarms[0].kind, AlarmKind::NotUnderstood);
}

#[test]
fn a_token_without_a_word_of_whom_it_was_made_for_proves_nothing() {
    let keys = "[token]\naudience = 'x'\n";
    for (more, words) in [
        ("", "who the token was made for"),
        ("claims = { email_verified = true }\n", "who the token was made for"),
    ] {
        let Err(complaints) = build(&format!("preset = 'google-pubsub'\n{keys}{more}"), NOW) else {
            panic!("{more}")
        };
        assert!(complaints[0].message.contains(words), "{complaints:?}");
    }
    let Err(complaints) = build("preset = 'google-pubsub'\ntoken = { email = 'x@y.example' }\n", NOW) else {
        panic!("no audience")
    };
    assert!(complaints[0].message.contains("audience"), "{complaints:?}");
    assert!(build(&format!("preset = 'google-pubsub'\n{keys}email = 'x@y.example'\n"), NOW).is_ok());
    let entra = "verify = 'token'\ntoken = { issuer = 'https://login.microsoftonline.com/t/v2.0', audience = 'api://revoked', claims = { azp = 'x' } }\n";
    assert!(build(entra, NOW).is_ok());
    // A preset whose own proof is another one keeps the rest.
    let endpoint = build(&format!("preset = 'azure-event-grid'\n{entra}"), NOW).unwrap();
    assert!(endpoint.methods().contains(&http::Method::OPTIONS) && !endpoint.has_path_below("x"));
}

#[tokio::test]
async fn a_new_alert_of_workspace_is_read_and_a_changed_one_is_not() {
    let (endpoint, signer, _folder) = pubsub("google-alert-center", "");
    let alert = |kind: &str| {
        json!({"customerId": "C1", "alertId": format!("alert-{}", kind.len()), "createTime": "2026-01-31T18:41:00.000Z", "type": kind,
            "source": "Google identity", "data": {"@type": "type.googleapis.com/google.apps.alertcenter.type.AccountWarning", "email": "foo@example.com"}})
    };
    let attributes = |status: &str| json!({"alertcenter_resource_type": "ALERT", "alertcenter_resource_status": status, "alertcenter_payload_format": "JSON"});
    for (kind, status, reason, acts) in [
        ("Leaked password", "CREATED", Reason::Compromised, true),
        ("User suspended (suspicious activity)", "CREATED", Reason::Suspended, true),
        ("Suspicious login", "CREATED", Reason::RiskElevated, true),
        ("Leaked password", "MODIFIED", Reason::Noted, false),
    ] {
        let signal = endpoint
            .signal(&pushed(&token(&signer, &claims()), &alert(kind), &attributes(status)))
            .await;
        assert_eq!(
            (signal.reason, signal.disposition == Disposition::Act),
            (reason, acts),
            "{kind} {status}"
        );
        if acts {
            assert_eq!(signal.subject.to_string(), "email:foo@example.com");
        }
    }
}

#[tokio::test]
async fn an_alert_that_pub_sub_tries_again_is_the_same_one_whatever_is_written_around_it() {
    let (endpoint, signer, _folder) = pubsub("google-alert-center", "");
    let read = async |status: &str, email: &str, around: [(&str, Value); 3]| {
        let alert = json!({"alertId": "a1", "createTime": "2026-01-31T18:41:00Z", "type": "Leaked password", "source": "Google identity", "data": {"email": email}});
        let request = pushed(
            &token(&signer, &claims()),
            &alert,
            &json!({"alertcenter_resource_status": status}),
        );
        let mut body: Value = serde_json::from_slice(request.body()).unwrap();
        for (place, value) in around {
            match body.pointer_mut(place) {
                Some(there) => *there = value,
                None => body[place.trim_start_matches('/')] = value,
            }
        }
        let signal = endpoint.signal(&request.map(|_| Bytes::from(body.to_string()))).await;
        (signal.key, signal.digest)
    };
    let around = |attempt: u32, id: &str, at: &str| {
        [
            ("/deliveryAttempt", json!(attempt)),
            ("/message/messageId", json!(id)),
            ("/message/publishTime", json!(at)),
        ]
    };
    let first = read("CREATED", "foo@example.com", around(1, "m1", "2026-01-31T18:41:00Z")).await;
    for again in [
        around(2, "m1", "2026-01-31T18:41:00Z"),
        around(1, "m2", "2026-01-31T18:42:00Z"),
    ] {
        assert_eq!(read("CREATED", "foo@example.com", again).await, first);
    }
    // Another alert under the same id is told as what it is.
    let other = read("CREATED", "bar@example.com", around(1, "m1", "2026-01-31T18:41:00Z")).await;
    assert!(other.0 == first.0 && other.1 != first.1);
}

#[tokio::test]
async fn a_message_of_pub_sub_without_data_is_the_same_one_when_it_is_tried_again() {
    let (endpoint, signer, _folder) = pubsub("google-pubsub", "");
    let tried = async |attempt: u32| {
        let body =
            json!({"message": {"attributes": {"k": "v"}, "messageId": "m1"}, "deliveryAttempt": attempt, "subscription": "s"});
        let request = pushed(&token(&signer, &claims()), &json!({}), &json!({}));
        let signal = endpoint.signal(&request.map(|_| Bytes::from(body.to_string()))).await;
        (signal.key, signal.digest)
    };
    assert_eq!(tried(1).await, tried(2).await);
}

const SCANNED: &str = r#"[{"token":"some_token","type":"some_type","url":"some_url"}]"#;
const KEY_ID: &str = "90a421169f0a406205f1563a953312f0be898d3c7b6c06b681aa86a874555f4a";
const SCAN_SIGNATURE: &str = "MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=";
const SCAN_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\nkCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==\n-----END PUBLIC KEY-----\n";

fn scanned(id: &str, signature: &str, body: &str) -> Request<Bytes> {
    post(
        &[
            ("github-public-key-identifier", id),
            ("github-public-key-signature", signature),
        ],
        body.as_bytes(),
    )
}

fn key_list() -> String {
    json!({"public_keys": [{"key_identifier": KEY_ID, "key": SCAN_KEY, "is_current": true}]}).to_string()
}

#[tokio::test]
async fn the_sample_of_githubs_secret_scanning_is_taken_and_its_value_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, key_list()).unwrap();
    let endpoint = Endpoint::new(
        &[],
        &format!(
            "preset = 'github-secret-scanning'\nkey_list = {{ file = '{}' }}\n",
            file.display()
        ),
    );
    let delivery = endpoint.delivery(&scanned(KEY_ID, SCAN_SIGNATURE, SCANNED)).await;
    let signal = &delivery.signals[0];
    assert!(matches!(&signal.subject, Subject::Credential(digest) if digest.starts_with("sha256:")));
    assert!(
        signal
            .note
            .as_deref()
            .unwrap()
            .starts_with("a leaked value of the sort some_type, sha256:"),
        "{:?}",
        signal.note
    );
    assert!(matches!(signal.disposition, Disposition::Ignore(_)));
    assert_eq!(delivery.alarms[0].kind, AlarmKind::LeakedValue);
    assert!(!format!("{delivery:?}").contains("some_token"), "{delivery:?}");
    for (id, signature, body) in [
        (KEY_ID, SCAN_SIGNATURE, SCANNED.replace("some_url", "other")),
        (KEY_ID, &SCAN_SIGNATURE[4..], SCANNED.to_owned()),
        (KEY_ID, "no base64", SCANNED.to_owned()),
        ("", SCAN_SIGNATURE, SCANNED.to_owned()),
    ] {
        assert_eq!(
            endpoint.refusal(&scanned(id, signature, &body)).await,
            (401, "invalid_signature"),
            "{id} {body}"
        );
    }
    // The list is read again for a key that is not in it, a few times a minute; beyond that it may still be on its way.
    for name in ["another", "a third", "a fourth"] {
        let rejection = endpoint.receive(&scanned(name, SCAN_SIGNATURE, SCANNED)).await.unwrap_err();
        let (kind, code) = (&rejection.kind, rejection.code);
        if name == "a fourth" {
            assert!(
                matches!(kind, RejectionKind::NotNow(_)) && code == "unknown_key",
                "{rejection}"
            );
        } else {
            assert_eq!((kind, code), (&RejectionKind::Unauthenticated, "invalid_signature"), "{name}");
        }
    }
}

#[tokio::test]
async fn githubs_list_is_fetched_once_for_all_and_a_list_that_is_down_is_our_trouble() {
    let server = wiremock::MockServer::start().await;
    let list = wiremock::ResponseTemplate::new(200).set_body_string(key_list());
    wiremock::Mock::given(wiremock::matchers::path("/keys"))
        .respond_with(list)
        .expect(1)
        .mount(&server)
        .await;
    let endpoint = |path: &str| {
        Endpoint::new(
            &[],
            &format!(
                "preset = 'github-secret-scanning'\nkey_list = {{ url = '{}{path}' }}\n",
                server.uri()
            ),
        )
    };
    let good = endpoint("/keys");
    for _ in 0..3 {
        good.delivery(&scanned(KEY_ID, SCAN_SIGNATURE, SCANNED)).await;
    }
    let rejection = endpoint("/nowhere")
        .receive(&scanned(KEY_ID, SCAN_SIGNATURE, SCANNED))
        .await
        .unwrap_err();
    assert!(matches!(rejection.kind, RejectionKind::NotNow(_)), "{rejection}");
}

#[test]
fn a_leaked_value_must_not_be_shown_by_its_own_rule() {
    let rule = "[[rule]]\nreason = 'compromised'\nleaked = { pointer = '/token' }\n";
    for more in [
        "note = ['/token']",
        "note = ['']",
        "key = '/token'",
        "requested_by = ['/token/x']",
        "subject = [{ pointer = '/token', is = 'username' }]",
        "scope = { session = '/token' }",
    ] {
        let (_folder, text) = written(&[BEARER], &format!("{BY_BEARER}{rule}{more}\n"));
        let Err(complaints) = build(&text, NOW) else {
            panic!("{more}")
        };
        assert!(complaints[0].message.contains("is a secret"), "{complaints:?}");
    }
    let (_folder, text) = written(
        &[BEARER],
        &format!("{BY_BEARER}{rule}key = ['/token', '/url']\nnote = ['/url']\n"),
    );
    assert!(build(&text, NOW).is_ok());
}
