//! What is refused, and in which words. The numbers are those of the list of negative vectors that the tests follow.

use revoked::jose::{Algorithm, Signer};
use revoked::model::{Receipt, SignalReceipt};
use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, NOW, REVOKED, Stream, T1, claims, error_of, with, without};

/// Figure 1 of RFC 8935, its three lines joined: signed with HS256.
const RFC_8935_FIGURE_1: &str = concat!(
    "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJIUzI1NiJ9Cg.",
    "eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbS8iLCJqdGkiOiI3NTZFNjk3MTc1NjUyMDY5NjQ2NTZFNzQ2OTY2Njk2NTcyIiwiaWF0IjoxNTA4MTg0ODQ1",
    "LCJhdWQiOiI2MzZDNjk2NTZFNzQ1RjY5NjQiLCJldmVudHMiOnsiaHR0cHM6Ly9zY2hlbWFzLm9wZW5pZC5uZXQvc2VjZXZlbnQvcmlzYy9ldmVudC10eXBlL2Fj",
    "Y291bnQtZGlzYWJsZWQiOnsic3ViamVjdCI6eyJzdWJqZWN0X3R5cGUiOiJpc3Mtc3ViIiwiaXNzIjoiaHR0cHM6Ly9pZHAuZXhhbXBsZS5jb20vIiwic3ViIjoi",
    "NzM3NTYyNkE2NTYzNzQifSwicmVhc29uIjoiaGlqYWNraW5nIn19fQ.",
    "Y4rXxMD406P2edv00cr9Wf3_XwNtLjB9n-jTqN1_lLc",
);

/// The first token in figure 6 of RFC 8936: algorithm `none`, no signature.
const RFC_8936_FIGURE_6: &str = concat!(
    "eyJhbGciOiJub25lIn0.",
    "eyJqdGkiOiI0ZDM1NTllYzY3NTA0YWFiYTY1ZDQwYjAzNjNmYWFkOCIsImlhdCI6MTQ1ODQ5NjQwNCwiaXNzIjoiaHR0cHM6Ly9zY2ltLmV4YW1wbGUuY29tIiwi",
    "YXVkIjpbImh0dHBzOi8vc2NpbS5leGFtcGxlLmNvbS9GZWVkcy85OGQ1MjQ2MWZhNWJiYzg3OTU5M2I3NzU0IiwiaHR0cHM6Ly9zY2ltLmV4YW1wbGUuY29tL0Zl",
    "ZWRzLzVkNzYwNDUxNmIxZDA4NjQxZDc2NzZlZTciXSwiZXZlbnRzIjp7InVybjppZXRmOnBhcmFtczpzY2ltOmV2ZW50OmNyZWF0ZSI6eyJyZWYiOiJodHRwczov",
    "L3NjaW0uZXhhbXBsZS5jb20vVXNlcnMvNDRmNjE0MmRmOTZiZDZhYjYxZTc1MjFkOSIsImF0dHJpYnV0ZXMiOlsiaWQiLCJuYW1lIiwidXNlck5hbWUiLCJwYXNz",
    "d29yZCIsImVtYWlscyJdfX19.",
);

fn under(header: &Value) -> String {
    T1.sign_under(header, claims().to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn n1_n2_n3_other_algorithms_are_refused_before_any_key_is_looked_at() {
    let stream = Stream::new("");
    assert_eq!(stream.refusal(RFC_8936_FIGURE_6).await, "invalid_key");
    assert_eq!(stream.refusal(RFC_8935_FIGURE_1).await, "invalid_key");
    for alg in [
        json!("none"),
        json!("None"),
        json!("ES256"),
        json!("RS512"),
        json!("rs256"),
        json!(7),
        Value::Null,
    ] {
        let token = under(&json!({"typ": "secevent+jwt", "kid": "t1", "alg": alg}));
        assert_eq!(stream.refusal(&token).await, "invalid_key", "{alg}");
    }
    // Key confusion: an HMAC whose secret is the public key's own text.
    let secret = T1.jwk().unwrap().to_string();
    let header = json!({"typ": "secevent+jwt", "kid": "t1", "alg": "HS256"});
    let token = under(&header);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    let tag = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, tag);
    assert_eq!(stream.refusal(&format!("{signed}.{tag}")).await, "invalid_key");
}

#[tokio::test]
async fn n4_n5_a_token_of_another_type_is_refused() {
    let stream = Stream::new("");
    for typ in ["JWT", "logout+jwt", "at+jwt", ""] {
        let token = under(&json!({"typ": typ, "alg": "RS256", "kid": "t1"}));
        assert_eq!(stream.refusal(&token).await, "invalid_request", "{typ}");
    }
    assert_eq!(
        stream.refusal(&under(&json!({"alg": "RS256", "kid": "t1"}))).await,
        "invalid_request"
    );
    let id_token = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 300, "nonce": "n"});
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "t1"});
    let token = T1.sign_under(&header, id_token.to_string().as_bytes()).unwrap();
    assert_eq!(stream.refusal(&token).await, "invalid_request");
}

#[tokio::test]
async fn a_missing_type_is_forgiven_where_the_settings_say_so_and_check_says_it() {
    let lenient = Stream::new("allow_untyped = true");
    for (header, taken) in [
        (json!({"alg": "RS256", "kid": "t1"}), true),
        (json!({"alg": "RS256", "kid": "t1", "typ": "JWT"}), true),
        (json!({"alg": "RS256", "kid": "t1", "typ": "jwt"}), true),
        (json!({"alg": "RS256", "kid": "t1", "typ": "secevent+jwt"}), true),
        (json!({"alg": "RS256", "kid": "t1", "typ": "at+jwt"}), false),
        (json!({"alg": "RS256", "kid": "t1", "typ": "logout+jwt"}), false),
        (json!({"alg": "RS256", "kid": "t1", "typ": null}), false),
    ] {
        assert_eq!(lenient.send(&under(&header)).await.is_ok(), taken, "{header}");
    }
    // What tells it from the issuer's other tokens.
    let id_token = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "jti": "1", "iat": NOW, "exp": NOW + 300});
    let id_token = T1.sign_under(&json!({"alg": "RS256", "kid": "t1"}), id_token.to_string().as_bytes());
    assert_eq!(lenient.refusal(&id_token.unwrap()).await, "invalid_request");
    let cautions = lenient.push.cautions();
    assert!(
        cautions.len() == 1 && cautions[0].starts_with("allow_untyped"),
        "{cautions:?}"
    );
    assert!(Stream::new("").push.cautions().is_empty());
}

#[tokio::test]
async fn n6_exp_and_sub_are_refused() {
    let stream = Stream::new("");
    assert_eq!(stream.refusal_of(&with("exp", json!(NOW + 300))).await, "invalid_request");
    assert_eq!(stream.refusal_of(&with("sub", json!("alice"))).await, "invalid_request");
    // Figure 1 of RFC 8417, of which SSF's profile permits neither the sub nor the second event.
    let scim = json!({
        "iss": ISSUER, "iat": 1_458_496_025, "jti": "3d0c3cf797584bd193bd0fb1bd4e7d30", "aud": [AUDIENCE],
        "sub": "https://scim.example.com/44f6142df96bd6ab61e7521d9",
        "events": {
            "urn:ietf:params:scim:event:passwordReset": {"id": "44f6142df96bd6ab61e7521d9"},
            "https://example.com/scim/event/passwordResetExt": {"resetAttempts": 5},
        },
    });
    assert_eq!(stream.refusal_of(&scim).await, "invalid_request");
}

#[tokio::test]
async fn n7_another_issuer_is_refused_byte_for_byte() {
    let stream = Stream::new("");
    for iss in [
        "https://other.example.com/",
        "https://idp.example.com/123456789",
        "https://IDP.example.com/123456789/",
    ] {
        assert_eq!(stream.refusal_of(&with("iss", json!(iss))).await, "invalid_issuer", "{iss}");
    }
    assert_eq!(stream.refusal_of(&without("iss")).await, "invalid_request");
    assert_eq!(stream.refusal_of(&with("iss", json!([ISSUER]))).await, "invalid_request");
}

#[tokio::test]
async fn n8_a_missing_or_foreign_audience_is_refused() {
    let stream = Stream::new("");
    assert_eq!(stream.refusal_of(&without("aud")).await, "invalid_audience");
    for aud in [
        json!("other"),
        json!(5),
        json!([]),
        json!(["other"]),
        json!({"a": AUDIENCE}),
        json!([AUDIENCE, 5]),
        json!(null),
    ] {
        assert_eq!(
            stream.refusal_of(&with("aud", aud.clone())).await,
            "invalid_audience",
            "{aud}"
        );
    }
    assert!(stream.send_claims(&with("aud", json!(["other", AUDIENCE]))).await.is_ok());
}

#[tokio::test]
async fn n9_a_time_that_is_none_or_lies_ahead_is_refused() {
    let stream = Stream::new("");
    // The last is the year 2451, from an example of SSF 1.0.
    for iat in [
        json!(NOW + 3600),
        json!(NOW + 301),
        json!(NOW.to_string()),
        json!(-1),
        json!(-1.5),
        json!(NOW * 1000),
        json!(15_203_800_012_i64),
    ] {
        assert_eq!(stream.refusal_of(&with("iat", iat.clone())).await, "invalid_request", "{iat}");
    }
    assert_eq!(stream.refusal_of(&without("iat")).await, "invalid_request");
    assert!(stream.send_claims(&with("iat", json!(NOW + 300))).await.is_ok());
    assert!(stream.send_claims(&with("iat", json!(1_615_305_159.999))).await.is_ok());
    assert!(stream.send_claims(&with("nbf", json!(1_615_305_158.5))).await.is_ok());
    let moment = json!({REVOKED: {"event_timestamp": 1_615_304_991.25}});
    let signal = stream.send_claims(&with("events", moment)).await.unwrap();
    assert_eq!(signal.occurred_at.unwrap().ms(), 1_615_304_991_250);
    assert_eq!(stream.refusal_of(&with("nbf", json!(NOW + 301))).await, "invalid_request");
    assert_eq!(stream.refusal_of(&with("nbf", json!("soon"))).await, "invalid_request");
    assert!(stream.send_claims(&with("nbf", json!(NOW - 1))).await.is_ok());
}

#[tokio::test]
async fn a_token_older_than_the_stream_takes_is_refused() {
    let stream = Stream::new("max_age = \"30d\"");
    let month = 30 * 86_400;
    assert!(stream.send_claims(&with("iat", json!(NOW - month))).await.is_ok());
    assert_eq!(
        stream.refusal_of(&with("iat", json!(NOW - month - 1))).await,
        "invalid_request"
    );
}

#[tokio::test]
async fn n10_a_jti_that_names_nothing_or_too_much_is_refused() {
    let stream = Stream::new("");
    for jti in [json!(""), json!(7), json!("x".repeat(257)), json!("a\nb")] {
        assert_eq!(stream.refusal_of(&with("jti", jti.clone())).await, "invalid_request");
    }
    assert_eq!(stream.refusal_of(&without("jti")).await, "invalid_request");
    assert!(stream.send_claims(&with("jti", json!("ä".repeat(256)))).await.is_ok());
    let megabyte = T1.sign(&with("jti", json!("x".repeat(1 << 20)))).unwrap();
    let rejection = stream.send(&megabyte).await.unwrap_err();
    assert_eq!(stream.push.rejected(&rejection).status(), 413);
}

#[tokio::test]
async fn n11_anything_but_one_event_is_refused() {
    let stream = Stream::new("");
    for events in [
        json!({}),
        json!([]),
        json!({REVOKED: {}, "https://example.org/x": {}}),
        json!({REVOKED: "x"}),
        json!("x"),
    ] {
        assert_eq!(
            stream.refusal_of(&with("events", events.clone())).await,
            "invalid_request",
            "{events}"
        );
    }
    assert_eq!(stream.refusal_of(&without("events")).await, "invalid_request");
}

#[tokio::test]
async fn n15_a_flipped_bit_is_seen() {
    let stream = Stream::new("");
    let token = T1.sign(&claims()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let flipped = |text: &str, at: usize| {
        let with = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{with}{}", &text[..at], &text[at + 1..])
    };
    for at in [0, 100, signature.len() - 2] {
        let token = format!("{signed}.{}", flipped(signature, at));
        assert_eq!(stream.refusal(&token).await, "authentication_failed", "{at}");
    }
    let mut other = claims();
    other["sub_id"]["email"] = "mallory@example.org".into();
    let other = T1.sign(&other).unwrap();
    let parts: Vec<&str> = other.split('.').collect();
    let token = format!("{}.{}.{signature}", parts[0], parts[1]);
    assert_eq!(stream.refusal(&token).await, "authentication_failed");
    assert_eq!(stream.refusal(&format!("{signed}.")).await, "authentication_failed");
}

#[tokio::test]
async fn n17_keys_in_the_header_are_never_used() {
    let attacker = Signer::generate("t1", Algorithm::Rs256).unwrap();
    for (kid, err) in [("t1", "authentication_failed"), ("evil", "invalid_key")] {
        let stream = Stream::new("");
        let header = json!({
            "typ": "secevent+jwt", "alg": "RS256", "kid": kid, "jwk": attacker.jwk().unwrap(),
            "jku": "http://127.0.0.1:1/jwks", "x5u": "http://127.0.0.1:1/cert", "x5c": ["MIIB"],
        });
        let token = attacker.sign_under(&header, claims().to_string().as_bytes()).unwrap();
        assert_eq!(stream.refusal(&token).await, err);
    }
}

#[tokio::test]
async fn n18_a_repetition_has_the_same_key_and_digest_and_other_content_another_digest() {
    let stream = Stream::new("");
    let claims = claims();
    let token = T1.sign(&claims).unwrap();
    let (first, again) = (stream.send(&token).await.unwrap(), stream.send(&token).await.unwrap());
    assert_eq!((&first.key, first.digest), (&again.key, again.digest));
    let mut other = claims;
    other["sub_id"]["email"] = "mallory@example.org".into();
    let other = stream.send_claims(&other).await.unwrap();
    assert_eq!(first.key, other.key);
    assert_ne!(first.digest, other.digest);
    let conflict = Receipt {
        signals: vec![SignalReceipt::Conflict],
        hold: None,
    };
    let response = stream.push.accepted(&conflict);
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-language"]),
        (400, &"en".parse().unwrap())
    );
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["err"], "invalid_request");
}

#[tokio::test]
async fn n23_a_member_named_twice_is_refused() {
    let stream = Stream::new("");
    let header = json!({"typ": "secevent+jwt", "alg": "RS256", "kid": "t1"});
    let twice = claims().to_string().replacen('{', &format!("{{\"iss\":{ISSUER:?},"), 1);
    let token = T1.sign_under(&header, twice.as_bytes()).unwrap();
    assert_eq!(stream.refusal(&token).await, "invalid_request");
    // RISC 1.0 prints an account-disabled example with a trailing comma, which is no JSON.
    let comma = claims().to_string().replacen("\"}", "\",}", 1);
    let token = T1.sign_under(&header, comma.as_bytes()).unwrap();
    assert_eq!(stream.refusal(&token).await, "invalid_request");
    let deep = with(
        "deep",
        serde_json::from_str(&format!("{}{}", "[".repeat(40), "]".repeat(40))).unwrap(),
    );
    assert_eq!(stream.refusal_of(&deep).await, "invalid_request");
}

#[tokio::test]
async fn critical_extensions_are_refused_and_unknown_members_are_not() {
    let stream = Stream::new("");
    let token = under(&json!({"typ": "secevent+jwt", "alg": "RS256", "kid": "t1", "crit": ["b64"], "b64": false}));
    assert_eq!(stream.refusal(&token).await, "invalid_request");
    let token = under(&json!({"typ": "secevent+jwt", "alg": "RS256", "kid": "t1", "zip": "DEF", "new": 1}));
    assert!(stream.send(&token).await.is_ok());
    assert!(stream.send_claims(&with("new", json!({"x": [1]}))).await.is_ok());
    assert_eq!(
        stream.refusal(&under(&json!({"typ": "secevent+jwt", "alg": "RS256"}))).await,
        "invalid_key"
    );
}

#[tokio::test]
async fn no_refusal_quotes_the_token() {
    let stream = Stream::new("");
    let mut claims = with("iss", json!("https://canary.example/"));
    for name in ["jti", "iat", "aud", "sub_id"] {
        claims[name] = json!("canary");
        let rejection = stream.send_claims(&claims).await.unwrap_err();
        error_of(&*stream.push, &rejection);
        assert!(!format!("{rejection:?}").contains("canary"), "{rejection:?}");
        claims = super::claims();
    }
    let header = json!({"typ": "canary", "alg": "canary", "kid": "canary"});
    let token = T1.sign_under(&header, b"{\"canary\": canary}").unwrap();
    let rejection = stream.send(&token).await.unwrap_err();
    assert!(!format!("{rejection:?}").contains("canary"), "{rejection:?}");
}
