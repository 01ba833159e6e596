//! The same tokens by both ways: what push refuses with 400, poll refuses with `setErrs` and the same code, and what one takes, both take.
//! The numbers are those of the list of negative vectors. What is of HTTP's own (n19, n20) has no counterpart in a poll.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

use super::stream_fixture::{StreamFixture, err, names};
use super::transmitter::{Manners, REVOKED, Transmitter};

/// A token, the name it is polled under, and the code it is refused with.
struct Vector {
    name: String,
    token: String,
    code: Option<&'static str>,
}

/// Every vector, in the transmitter's own words.
#[expect(clippy::too_many_lines, reason = "a table, which is read from top to bottom")]
fn vectors(transmitter: &Transmitter) -> Vec<Vector> {
    let mut all = Vec::new();
    let mut add = |name: &str, token: String, code| {
        all.push(Vector {
            name: name.to_owned(),
            token,
            code,
        });
    };
    let claims = |jti: &str| transmitter.claims(jti, "alice@example.org");
    let with = |jti: &str, name: &str, value: Value| {
        let mut claims = claims(jti);
        claims[name] = value;
        claims
    };
    let without = |jti: &str, name: &str| {
        let mut claims = claims(jti);
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let under = |jti: &str, header: Value| Transmitter::sign_under(&header, &claims(jti).to_string());
    let header = |alg: &str, typ: &str| json!({"alg": alg, "typ": typ, "kid": "fake-1"});
    let (bad, key, wrong) = (Some("invalid_request"), Some("invalid_key"), Some("authentication_failed"));

    let unsigned = under("n1", header("none", "secevent+jwt"));
    add("n1", format!("{}.", unsigned.rsplit_once('.').unwrap().0), key);
    let confused = under("n2", header("HS256", "secevent+jwt"));
    let signed = confused.rsplit_once('.').unwrap().0;
    let secret = hmac::Key::new(hmac::HMAC_SHA256, Transmitter::jwk().to_string().as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()));
    add("n2", format!("{signed}.{tag}"), key);
    add("n3", under("n3", header("HS256", "secevent+jwt")), key);
    add("n4 JWT", under("n4 JWT", header("RS256", "JWT")), bad);
    add("n4 none", under("n4 none", json!({"alg": "RS256", "kid": "fake-1"})), bad);
    add("n5 logout", under("n5 logout", header("RS256", "logout+jwt")), bad);
    for (jti, name) in [("n6 exp", "exp"), ("n6 sub", "sub")] {
        add(jti, Transmitter::sign(&with(jti, name, json!(4_000_000_000_u64))), bad);
    }
    let slash = format!("{}/", transmitter.issuer());
    for (jti, iss) in [("n7 other", "https://other.example"), ("n7 slash", slash.as_str())] {
        add(jti, Transmitter::sign(&with(jti, "iss", json!(iss))), Some("invalid_issuer"));
    }
    add(
        "n8 none",
        Transmitter::sign(&without("n8 none", "aud")),
        Some("invalid_audience"),
    );
    add(
        "n8 other",
        Transmitter::sign(&with("n8 other", "aud", json!("x"))),
        Some("invalid_audience"),
    );
    let aud = claims("")["aud"].clone();
    add(
        "n8 array",
        Transmitter::sign(&with("n8 array", "aud", json!(["x", aud]))),
        None,
    );
    for (jti, iat) in [
        ("n9 ahead", json!(claims("")["iat"].as_i64().unwrap() + 3600)),
        ("n9 text", json!("1615305159")),
        ("n9 none", Value::Null),
        ("n9 far", json!(15_203_800_012_i64)),
    ] {
        add(jti, Transmitter::sign(&with(jti, "iat", iat)), bad);
    }
    add("n10 none", Transmitter::sign(&without("n10 none", "jti")), bad);
    add("n10 empty", Transmitter::sign(&with("n10 empty", "jti", json!(""))), bad);
    add(
        "n10 long",
        Transmitter::sign(&with("n10 long", "jti", json!("j".repeat(100 << 10)))),
        bad,
    );
    for (jti, events) in [
        ("n11 empty", json!({})),
        ("n11 list", json!([])),
        ("n11 two", json!({"https://a.example/1": {}, "https://a.example/2": {}})),
        ("n11 text", json!({REVOKED: "x"})),
    ] {
        add(jti, Transmitter::sign(&with(jti, "events", events)), bad);
    }
    let stranger = Signer::generate("stranger", Algorithm::Rs256).unwrap();
    add("n12", stranger.sign(&claims("n12")).unwrap(), key);
    let flipped = Transmitter::sign(&claims("n15"));
    let (signed, signature) = flipped.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    add("n15 signature", format!("{signed}.{other}{}", &signature[1..]), wrong);
    let payload = URL_SAFE_NO_PAD.encode(claims("n15 payload").to_string());
    let head = signed.split_once('.').unwrap().0;
    add("n15 payload", format!("{head}.{payload}.{signature}"), wrong);
    let own = Signer::generate("fake-1", Algorithm::Rs256).unwrap();
    let jwk =
        json!({"alg": "RS256", "typ": "secevent+jwt", "kid": "fake-1", "jwk": own.jwk().unwrap(), "jku": "https://evil.example/"});
    add(
        "n17",
        own.sign_under(&jwk, claims("n17").to_string().as_bytes()).unwrap(),
        wrong,
    );
    let twice = claims("n23")
        .to_string()
        .replacen('{', "{\"iss\":\"https://other.example\",", 1);
    add("n23", Transmitter::sign_under(&header("RS256", "secevent+jwt"), &twice), bad);
    add("good", Transmitter::sign(&claims("good")), None);
    all
}

#[tokio::test]
async fn every_negative_vector_has_one_code_by_both_ways() {
    let quiet = || Manners {
        hold: std::time::Duration::ZERO,
        verifies: false,
        ..Manners::default()
    };
    let pushed = StreamFixture::pushed(quiet(), "").await;
    for vector in vectors(&pushed.transmitter) {
        let answer = pushed.push(&vector.token).await;
        let told = (answer.status().as_u16(), err(&answer));
        let expected = vector.code.map_or((202, ""), |code| (400, code));
        assert_eq!((told.0, told.1.as_str()), expected, "{} by push", vector.name);
    }

    let polled = StreamFixture::polled(quiet(), "").await;
    let vectors = vectors(&polled.transmitter);
    for vector in &vectors {
        polled.transmitter.queue(&vector.name, vector.token.as_str());
    }
    let stored = polled.settle().await;
    assert_eq!(names(&stored), ["good", "n8 array"]);
    let expected: BTreeMap<String, String> = vectors
        .iter()
        .filter_map(|vector| Some((vector.name.clone(), vector.code?.to_owned())))
        .collect();
    assert_eq!(polled.transmitter.errs(), expected);
    assert_eq!(polled.transmitter.waiting(), 0);
}

#[tokio::test]
async fn every_example_of_the_specifications_is_taken_by_poll() {
    for (n, line) in include_str!("../../fixtures/ssf/positive.jsonl").lines().enumerate() {
        let printed: Value = serde_json::from_str(line).unwrap();
        let bench = StreamFixture::polled(
            Manners {
                hold: std::time::Duration::ZERO,
                verifies: false,
                ..Manners::default()
            },
            "",
        )
        .await;
        let jti = format!("vector-{n}");
        // The issuer and the audience of this transmitter, all else as printed.
        let mut claims = printed;
        let here = bench.transmitter.claims(&jti, "");
        for name in ["iss", "aud", "jti"] {
            claims[name] = here[name].clone();
        }
        bench.transmitter.emit(&claims);
        assert_eq!(names(&bench.settle().await), std::slice::from_ref(&jti), "{line}");
        assert_eq!(bench.transmitter.acked(), [jti], "{line}");
    }
}
