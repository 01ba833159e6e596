//! Standard Webhooks: the vectors of the specification, rotation, both kinds of signature, time and names.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use revoked::model::{Disposition, Priority, Reason, Scope, SignalReceipt, Timestamp, When};
use serde_json::json;

use super::*;

/// A rule for bodies that are about nothing that we know.
const ANYTHING: &str = "[[rule]]\nreason = 'noted'\nignore = 'it is a vector'\n";

fn request() -> String {
    ours(&json!({
        "subject": {"format": "email", "email": "Alice@Example.org"}, "reason": "compromised", "effective_at": null,
        "ticket": "INC-1", "requested_by": "soar",
    }))
}

#[tokio::test]
async fn the_vectors_of_the_specification_are_taken() {
    for (secret, id, at, body, signature) in [
        (
            SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ] {
        let endpoint = Endpoint::at(at.parse().unwrap(), &[secret], ANYTHING);
        for family in ["webhook", "svix"] {
            let names = ["id", "timestamp", "signature"].map(|part| format!("{family}-{part}"));
            let headers = [(names[0].as_str(), id), (&names[1], at), (&names[2], signature)];
            assert_eq!(endpoint.signal(&post(&headers, body.as_bytes())).await.key, id);
        }
        // One byte of anything that is signed makes it another delivery.
        let later = (at.parse::<i64>().unwrap() + 1).to_string();
        for (id, at, body) in [
            ("msg_other", at, body.to_owned()),
            (id, later.as_str(), body.to_owned()),
            (id, at, body.replace("te", "tE")),
        ] {
            let headers = [
                ("webhook-id", id),
                ("webhook-timestamp", at),
                ("webhook-signature", signature),
            ];
            assert_eq!(
                endpoint.refusal(&post(&headers, body.as_bytes())).await,
                (401, "invalid_signature")
            );
        }
    }
}

#[tokio::test]
async fn our_own_schema_is_read_where_no_rule_is_written() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let signal = endpoint.signal(&signed(SECRET, "msg_1", NOW, request().as_bytes())).await;
    assert_eq!(signal.key, "msg_1");
    assert_eq!(signal.subject.to_string(), "email:alice@example.org");
    assert_eq!((signal.reason, signal.priority), (Reason::Compromised, Priority::URGENT));
    assert_eq!(
        (signal.scope, signal.when, signal.disposition),
        (Scope::Everything, When::Now, Disposition::Act)
    );
    assert_eq!(
        signal.occurred_at,
        Some("2026-01-31T18:40:00Z".parse::<jiff::Timestamp>().unwrap().into())
    );
    assert_eq!(
        (signal.note.as_deref(), signal.requested_by.as_deref()),
        (Some("INC-1"), Some("soar"))
    );
}

#[tokio::test]
async fn any_listed_signature_by_any_configured_secret_is_enough() {
    let new = format!("whsec_{}", STANDARD.encode([7_u8; 32]));
    let endpoint = Endpoint::new(&[SECRET, &new], "");
    let body = request();
    for secret in [SECRET, &new] {
        endpoint.signal(&signed(secret, "msg_1", NOW, body.as_bytes())).await;
    }
    let at = NOW.to_string();
    let stranger = format!("whsec_{}", STANDARD.encode([8_u8; 32]));
    let good = signature(&new, "msg_1", &at, body.as_bytes());
    let bad = signature(&stranger, "msg_1", &at, body.as_bytes());
    let headers = |list: &str| {
        post(
            &[
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &at),
                ("webhook-signature", list),
            ],
            body.as_bytes(),
        )
    };
    for list in [
        format!("{bad} {good}"),
        format!("v9,xyz nonsense  {good} "),
        format!("v1,!! {good}"),
    ] {
        endpoint.signal(&headers(&list)).await;
    }
    for list in [
        bad.clone(),
        good.replace("v1,", "v1a,"),
        good.replace("v1,", ""),
        "v1,".to_owned(),
        format!("{good}A"),
        vec![bad.as_str(); 100].join(" ") + " " + good.as_str(),
    ] {
        assert_eq!(endpoint.refusal(&headers(&list)).await, (401, "invalid_signature"), "{list}");
    }
}

#[tokio::test]
async fn an_asymmetric_signature_is_taken_under_its_public_key_alone() {
    let pair = || Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref()).unwrap();
    let (ours_now, stranger) = (pair(), pair());
    let public = STANDARD.encode(ours_now.public_key().as_ref());
    let endpoint = Endpoint::new(&[], &format!("public_keys = ['whpk_{public}']\n"));
    let (body, at) = (request(), NOW.to_string());
    let by = |pair: &Ed25519KeyPair| {
        let signature = STANDARD.encode(pair.sign(format!("msg_1.{at}.{body}").as_bytes()).as_ref());
        let list = format!("v1a,{signature}");
        post(
            &[
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", &at),
                ("webhook-signature", &list),
            ],
            body.as_bytes(),
        )
    };
    assert_eq!(endpoint.signal(&by(&ours_now)).await.key, "msg_1");
    assert_eq!(endpoint.refusal(&by(&stranger)).await.0, 401);
    // The public key is no HMAC secret: everybody knows it.
    let forged = signed(&public, "msg_1", NOW, body.as_bytes());
    assert_eq!(endpoint.refusal(&forged).await.0, 401);
}

#[tokio::test]
async fn five_minutes_either_way_are_taken_and_no_more() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let body = request();
    for off in [-300, 0, 300] {
        endpoint.signal(&signed(SECRET, "msg_1", NOW + off, body.as_bytes())).await;
    }
    for off in [-301, 301, -86_400 * 365, 86_400 * 365, -NOW] {
        let refusal = endpoint.refusal(&signed(SECRET, "msg_1", NOW + off, body.as_bytes())).await;
        assert_eq!(refusal, (401, "invalid_signature"), "{off}");
    }
    let narrow = Endpoint::new(&[SECRET], "tolerance = '10s'\n");
    assert_eq!(
        narrow.refusal(&signed(SECRET, "msg_1", NOW - 11, body.as_bytes())).await.0,
        401
    );
    for at in [
        "",
        "now",
        "+1769884920",
        "-1",
        "1769884920.",
        "1769885221.5",
        "1.769884920e9",
        "0x1",
        "99999999999999999999",
        " ",
    ] {
        let signature = signature(SECRET, "msg_1", at, body.as_bytes());
        let headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", at),
            ("webhook-signature", &signature),
        ];
        assert_eq!(endpoint.refusal(&post(&headers, body.as_bytes())).await.0, 401, "{at:?}");
    }
}

#[tokio::test]
async fn a_time_with_a_fraction_is_taken_and_its_text_is_what_is_signed() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let body = request();
    let sent = |at: &str, signed_at: &str| {
        let signature = signature(SECRET, "msg_1", signed_at, body.as_bytes());
        let headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", at),
            ("webhook-signature", &signature),
        ];
        post(&headers, body.as_bytes())
    };
    for at in ["1769884920.0", "1769884920.123456"] {
        endpoint.signal(&sent(at, at)).await;
        assert_eq!(
            endpoint.refusal(&sent(at, "1769884920")).await,
            (401, "invalid_signature"),
            "{at}"
        );
    }
}

#[tokio::test]
async fn an_id_that_could_be_read_in_two_ways_is_refused_though_it_is_signed() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let body = request();
    let longest = "i".repeat(256);
    endpoint.signal(&signed(SECRET, &longest, NOW, body.as_bytes())).await;
    for id in ["msg.1", "", "msg 1", &"i".repeat(257)] {
        assert_eq!(
            endpoint.refusal(&signed(SECRET, id, NOW, body.as_bytes())).await,
            (401, "invalid_signature"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_header_that_is_missing_or_stands_twice_is_refused() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let body = request();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut request = signed(SECRET, "msg_1", NOW, body.as_bytes());
        let value = request.headers_mut().remove(name).unwrap();
        assert_eq!(endpoint.refusal(&request).await.0, 401, "without {name}");
        request.headers_mut().append(name, value.clone());
        endpoint.signal(&request).await;
        request.headers_mut().append(name, value);
        assert_eq!(endpoint.refusal(&request).await.0, 401, "{name} twice");
    }
}

#[tokio::test]
async fn the_same_id_with_other_content_has_another_digest_and_a_new_signature_has_not() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let first = endpoint.signal(&signed(SECRET, "msg_1", NOW, request().as_bytes())).await;
    let again = endpoint
        .signal(&signed(SECRET, "msg_1", NOW + 60, request().as_bytes()))
        .await;
    assert_eq!((&first.key, first.digest), (&again.key, again.digest));
    let other = request().replace("Alice", "Bob");
    let other = endpoint.signal(&signed(SECRET, "msg_1", NOW, other.as_bytes())).await;
    assert_eq!(first.key, other.key);
    assert_ne!(first.digest, other.digest);
}

#[test]
fn a_repetition_is_a_yes_and_a_conflict_is_a_no() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let yes = answer(&endpoint, vec![SignalReceipt::Repeated { case: None }]);
    assert_eq!((yes.status().as_u16(), yes.body().len()), (204, 0));
    let no = answer(
        &endpoint,
        vec![SignalReceipt::Repeated { case: None }, SignalReceipt::Conflict],
    );
    assert_eq!(no.status(), 400);
    let told: serde_json::Value = serde_json::from_slice(no.body()).unwrap();
    assert_eq!(told["error"], "key_reused");
}

#[tokio::test]
async fn when_to_act_and_how_much_are_read() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let body = ours(&json!({
        "subject": {"format": "email", "email": "a@b.example"}, "reason": "departed", "scope": "all_sessions",
        "effective_at": "2026-02-28T18:00:00+01:00", "note": "as agreed", "ticket": "HR-7", "later": {"x": 1},
    }));
    let signal = endpoint.signal(&signed(SECRET, "msg_1", NOW, body.as_bytes())).await;
    assert_eq!(signal.when, When::At(Timestamp::from_seconds(1_772_298_000)));
    assert_eq!((signal.reason, signal.scope), (Reason::Departed, Scope::AllSessions));
    assert_eq!(signal.note.as_deref(), Some("HR-7; as agreed"));
}
