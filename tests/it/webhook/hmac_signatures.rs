//! Signatures of the vendors' own forms, with the vendors' vectors.

use super::*;

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

const BAMBOO: &str = r#"{"type":"employee.updated","timestamp":"2026-01-31T18:42:00+0000","data":{"companyId":"12345","employeeId":"67890","changedFields":["firstName"]}}"#;
const BAMBOO_SIGNATURE: &str = "8a9bbff957766dd991561e6fad13cafa4c3a479a39dc86c5ab8089351a2b117a";
const BOB: &str = r#"{"companyId":636192,"type":"employee.left","triggeredBy":"system","triggeredAt":"2026-01-31T00:00:00.000Z","version":"v2","data":{"employeeId":"3332883884017713938"}}"#;
const BOB_SIGNATURE: &str = "ZHr0Xm033+YkAf+DdYOgZA+UV2nGWZSAnfJWF4j7UJ23ib+daGjKvab32TM4dn+WeXB2uPP4uzy7Rg3xN4TJJA==";
const KEYCLOAK: &str = r#"{"uid":"d9ac5a5f-0000-4000-8000-000000000001","time":1769884920000,"realmId":"11111111-2222-4333-8444-555555555555","type":"admin.USER-UPDATE","operationType":"UPDATE","resourceType":"USER","resourcePath":"users/8a2b6e7e-1111-4222-8333-944444444444","representation":"{\"enabled\":false}"}"#;
const KEYCLOAK_SIGNATURE: &str = "94e0b8dcf5f573a850255bc7f258e8864d7f72816086d3c07a00a7620ecdcaa6";
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB_SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn bamboo(body: &str, at: &str, signature: &str) -> Request<Bytes> {
    post(
        &[("x-bamboohr-timestamp", at), ("x-bamboohr-signature", signature)],
        body.as_bytes(),
    )
}

#[tokio::test]
async fn the_vector_of_bamboohr_is_taken_and_nothing_beside_it() {
    let endpoint = Endpoint::new(&["test-private-key"], "preset = 'bamboohr'\n");
    let signal = endpoint.signal(&bamboo(BAMBOO, "1769884920", BAMBOO_SIGNATURE)).await;
    assert_eq!(signal.subject.to_string(), "employee_id:67890");
    let upper = BAMBOO_SIGNATURE.to_uppercase();
    endpoint.signal(&bamboo(BAMBOO, "1769884920", &upper)).await;
    for (body, at, signature) in [
        (BAMBOO.replace("67890", "67891"), "1769884920", BAMBOO_SIGNATURE),
        (BAMBOO.to_owned(), "1769884921", BAMBOO_SIGNATURE),
        (BAMBOO.to_owned(), "1769884920", &BAMBOO_SIGNATURE[1..]),
        (BAMBOO.to_owned(), "1769884920", ""),
        // Nothing stands between body and time, so these bytes are signed; but they are another body.
        (format!("{BAMBOO}1"), "769884920", BAMBOO_SIGNATURE),
    ] {
        assert_eq!(
            endpoint.refusal(&bamboo(&body, at, signature)).await,
            (401, "invalid_signature"),
            "{at} {body}"
        );
    }
}

#[tokio::test]
async fn digits_cannot_wander_between_a_body_and_the_time_that_follows_it() {
    // The moment at which the shorter number is fresh: the signature is good, and the body is not JSON.
    let endpoint = Endpoint::at(769_884_920, &["test-private-key"], "preset = 'bamboohr'\n");
    let wandered = bamboo(&format!("{BAMBOO}1"), "769884920", BAMBOO_SIGNATURE);
    assert_eq!(endpoint.refusal(&wandered).await, (400, "invalid_body"));
}

#[tokio::test]
async fn the_vector_of_hibob_is_taken() {
    let endpoint = Endpoint::new(&["test-bob-secret"], "preset = 'hibob'\n");
    let signal = endpoint
        .signal(&post(&[("bob-signature", BOB_SIGNATURE)], BOB.as_bytes()))
        .await;
    assert_eq!(signal.subject.to_string(), "employee_id:3332883884017713938");
    let other = BOB.replace("713938", "713939");
    assert_eq!(
        endpoint
            .refusal(&post(&[("bob-signature", BOB_SIGNATURE)], other.as_bytes()))
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn the_vector_of_keycloak_is_taken() {
    let endpoint = Endpoint::new(&["test-kc-secret"], "preset = 'p2-keycloak'\n");
    let signal = endpoint
        .signal(&post(&[("x-keycloak-signature", KEYCLOAK_SIGNATURE)], KEYCLOAK.as_bytes()))
        .await;
    assert_eq!(signal.key, "d9ac5a5f-0000-4000-8000-000000000001");
}

#[tokio::test]
async fn the_vector_of_github_is_proven_and_then_refused_as_no_json() {
    let endpoint = Endpoint::new(&[GITHUB_SECRET], "preset = 'github'\n");
    let vector = post(&[("x-hub-signature-256", GITHUB_SIGNATURE)], b"Hello, World!");
    assert_eq!(endpoint.refusal(&vector).await, (400, "invalid_body"));
    let bare = GITHUB_SIGNATURE.trim_start_matches("sha256=");
    for signature in [bare, &format!("sha1={bare}"), &format!("sha256={}", &bare[..62])] {
        let request = post(&[("x-hub-signature-256", signature)], b"Hello, World!");
        assert_eq!(endpoint.refusal(&request).await, (401, "invalid_signature"), "{signature}");
    }
}

#[tokio::test]
async fn a_signature_over_a_body_written_anew_is_refused() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'github'\n");
    let sent = "{\n  \"action\": \"member_removed\",\n  \"n\": 1.0\n}";
    let signature = format!("sha256={}", hex_hmac(secret, sent.as_bytes()));
    endpoint
        .signal(&post(&[("x-hub-signature-256", &signature)], sent.as_bytes()))
        .await;
    let value: serde_json::Value = serde_json::from_str(sent).unwrap();
    for anew in [value.to_string(), sent.trim_end().replace('\n', "\r\n"), format!("{sent}\n")] {
        assert_eq!(
            endpoint
                .refusal(&post(&[("x-hub-signature-256", &signature)], anew.as_bytes()))
                .await
                .0,
            401,
            "{anew}"
        );
    }
}

#[tokio::test]
async fn slacks_form_signs_version_time_and_body() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'slack'\n");
    let body = ours(&serde_json::json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": "logout"}));
    let request = |at: i64, version: &str| {
        let signature = format!("v0={}", hex_hmac(secret, format!("{version}:{at}:{body}").as_bytes()));
        post(
            &[
                ("x-slack-request-timestamp", &at.to_string()),
                ("x-slack-signature", &signature),
            ],
            body.as_bytes(),
        )
    };
    endpoint.signal(&request(NOW, "v0")).await;
    assert_eq!(endpoint.refusal(&request(NOW, "v1")).await.0, 401);
    assert_eq!(endpoint.refusal(&request(NOW - 301, "v0")).await.0, 401);
}

#[tokio::test]
async fn stripes_form_has_the_time_and_several_signatures_in_one_header() {
    let secret = "whsec_a-text-that-is-the-secret-itself";
    let endpoint = Endpoint::new(&[secret], "preset = 'stripe'\n");
    let body = ours(&serde_json::json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": "logout"}));
    let good = hex_hmac(secret, format!("{NOW}.{body}").as_bytes());
    let bad = "00".repeat(32);
    for header in [
        format!("t={NOW},v1={good}"),
        format!("t={NOW}, v1={bad}, v1={good}, v0={bad}"),
    ] {
        endpoint
            .signal(&post(&[("stripe-signature", &header)], body.as_bytes()))
            .await;
    }
    for header in [
        format!("v1={good}"),
        format!("t={NOW}"),
        format!("t={NOW},v0={good}"),
        format!("t={NOW},t={NOW},v1={good}"),
        format!("t={},v1={good}", NOW + 1),
        format!("t={NOW},v1={bad}"),
        good.clone(),
    ] {
        let refusal = endpoint
            .refusal(&post(&[("stripe-signature", &header)], body.as_bytes()))
            .await;
        assert_eq!(refusal, (401, "invalid_signature"), "{header}");
    }
}

#[tokio::test]
async fn a_form_of_ones_own_may_sign_an_id_and_a_time_in_milliseconds() {
    let keys = "verify = 'signature'\n[signature]\nheader = 'X-Sig'\nalgorithm = 'sha256'\nencoding = 'hex'\nprefix = 'hmac '\nsigned = '{id}.{timestamp}.{body}'\ntimestamp_header = 'X-Time'\ntimestamp_form = 'unix_ms'\nid_header = 'X-Id'\nsecret_encoding = 'hex'\n";
    let (secret, other) = (hex("the key that is signed with"), hex("another that is not used"));
    let endpoint = Endpoint::new(&[&secret, &other], keys);
    let body = ours(&serde_json::json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": "logout"}));
    let at = (NOW * 1000).to_string();
    let request = |id: &str, signed: String| {
        let signature = format!("hmac {}", hex_hmac("the key that is signed with", signed.as_bytes()));
        post(&[("x-id", id), ("x-time", &at), ("x-sig", &signature)], body.as_bytes())
    };
    assert_eq!(
        endpoint.signal(&request("call-1", format!("call-1.{at}.{body}"))).await.key,
        "call-1"
    );
    assert_eq!(
        endpoint.refusal(&request("call-2", format!("call-1.{at}.{body}"))).await.0,
        401
    );
    assert_eq!(
        endpoint.refusal(&request("call.1", format!("call.1.{at}.{body}"))).await.0,
        401
    );
}

#[tokio::test]
async fn a_secret_in_the_wrong_encoding_is_no_secret_of_a_few_bytes() {
    let keys = |encoding: &str| {
        format!(
            "verify = 'signature'\nsignature = {{ header = 'X-Sig', algorithm = 'sha256', encoding = 'hex', signed = '{{body}}', secret_encoding = '{encoding}' }}\n"
        )
    };
    for (secret, encoding) in [("6b6579", "hex"), ("c2hvcnQ=", "base64"), ("c2hvcnQ", "base64url")] {
        let (_folder, text) = written(&[secret], &keys(encoding));
        let Err(complaints) = build(&text, NOW) else {
            panic!("{secret} was taken")
        };
        assert!(complaints[0].message.contains("16 bytes"), "{complaints:?}");
    }
}

#[tokio::test]
async fn a_signature_in_the_url_safe_alphabet_is_taken_with_its_padding_and_without() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'merge'\n");
    let mut safe = 0;
    for n in 0..40 {
        let body = serde_json::json!({"hook": {"event": "Employee.changed"}, "n": n,
            "data": {"work_email": format!("p{n}@b.example"), "employment_status": "INACTIVE"}})
        .to_string();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let padded = base64::engine::general_purpose::URL_SAFE.encode(tag.as_ref());
        safe += u32::from(padded.contains(['-', '_']));
        for signature in [&padded, padded.trim_end_matches('=')] {
            let signal = endpoint
                .signal(&post(&[("x-merge-webhook-signature", signature)], body.as_bytes()))
                .await;
            assert_eq!(signal.subject.to_string(), format!("email:p{n}@b.example"));
        }
        let forged = padded.chars().rev().collect::<String>();
        assert_eq!(
            endpoint
                .refusal(&post(&[("x-merge-webhook-signature", &forged)], body.as_bytes()))
                .await
                .0,
            401
        );
    }
    assert!(safe > 0);
}

#[tokio::test]
async fn pagerduty_signs_once_for_each_secret_and_any_is_enough() {
    let endpoint = Endpoint::new(&["the-secret-that-is-in-use-now"], "preset = 'pagerduty'\n");
    let body = br#"{"event":{"id":"01CBFAKE","event_type":"incident.triggered","occurred_at":"2026-01-31T18:40:00Z","data":{}}}"#;
    let good = hex_hmac("the-secret-that-is-in-use-now", body);
    let old = hex_hmac("the-secret-before", body);
    for header in [
        format!("v1={good}"),
        format!("v1={old},v1={good}"),
        format!("v1={good}, v1={old}"),
    ] {
        let signal = endpoint
            .signal(&post(&[("x-pagerduty-signature", &header), ("x-webhook-id", "w1")], body))
            .await;
        assert_eq!(signal.key, "w1");
        assert!(matches!(signal.disposition, revoked::model::Disposition::Ignore(_)));
    }
    for header in [format!("v1={old}"), format!("v2={good}"), good.clone(), String::new()] {
        assert_eq!(
            endpoint.refusal(&post(&[("x-pagerduty-signature", &header)], body)).await.0,
            401,
            "{header}"
        );
    }
}

#[tokio::test]
async fn deel_signs_a_word_and_then_the_body() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'deel'\n");
    let body = br#"{"data":{"meta":{"event_type":"contract.terminated","organization_name":"x"},"resource":{"id":"mz1","completion_date":"2026-01-31"}},"timestamp":"2026-01-31T18:42:00.789Z"}"#;
    let signature = hex_hmac(secret, &[b"POST", &body[..]].concat());
    let signal = endpoint.signal(&post(&[("x-deel-signature", &signature)], body)).await;
    assert_eq!(
        (signal.reason, signal.note.as_deref()),
        (revoked::model::Reason::Departed, Some("mz1; 2026-01-31"))
    );
    assert!(matches!(signal.disposition, revoked::model::Disposition::Hold(_)));
    let bare = hex_hmac(secret, body);
    assert_eq!(endpoint.refusal(&post(&[("x-deel-signature", &bare)], body)).await.0, 401);
}

#[tokio::test]
async fn a_blank_behind_the_prefix_is_no_part_of_the_signature() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'github'\n");
    let body = br#"{"zen":"Keep it logically awesome.","hook_id":1}"#;
    let signature = hex_hmac(secret, body);
    for header in [format!("sha256={signature}"), format!("sha256= {signature}")] {
        endpoint.signal(&post(&[("x-hub-signature-256", &header)], body)).await;
    }
    assert_eq!(
        endpoint
            .refusal(&post(&[("x-hub-signature-256", &format!("sha256 ={signature}"))], body))
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn what_is_signed_is_every_byte_as_it_came() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let endpoint = Endpoint::new(&[secret], "preset = 'github'\n");
    for body in [
        "{\"zen\":\"\\u001b[0m\"}",
        "{\"zen\":\"\\u001B[0m\"}",
        "{\"zen\":\"\u{e9}\\u00e9\"}",
        "{\"zen\":\"<&>\"}\n",
        "payload=%7B%22zen%22%3A%22a+b%22%7D",
    ] {
        let signature = format!("sha256={}", hex_hmac(secret, body.as_bytes()));
        let mut request = post(&[("x-hub-signature-256", &signature)], body.as_bytes());
        if body.starts_with("payload") {
            let form = "application/x-www-form-urlencoded".parse().unwrap();
            request.headers_mut().insert("content-type", form);
        }
        endpoint.signal(&request).await;
    }
}
