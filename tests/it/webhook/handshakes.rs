//! The questions that senders ask before they send anything.

use http::Method;
use serde_json::{Value, json};

use super::*;

fn get(headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = post(headers, b"");
    *request.method_mut() = Method::GET;
    request
}

async fn replied(door: &Door, request: &Request<Bytes>) -> Value {
    match door.receive(request).await {
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
    let door = Door::new(&[BEARER], "preset = 'okta'\n");
    assert_eq!(door.push.methods(), [Method::GET, Method::POST]);
    let asked = get(&[("x-okta-verification-challenge", "L6KrF-8qI_x9")]);
    assert_eq!(replied(&door, &asked).await, json!({"verification": "L6KrF-8qI_x9"}));
    let long = "x".repeat(513);
    for headers in [
        &[][..],
        &[("x-okta-verification-challenge", "")],
        &[("x-okta-verification-challenge", "two words")],
        &[("x-okta-verification-challenge", long.as_str())],
        &[("x-okta-verification-challenge", "a"), ("x-okta-verification-challenge", "a")],
    ] {
        assert_eq!(door.refusal(&get(headers)).await, (400, "invalid_body"));
    }
}

#[tokio::test]
async fn slacks_challenge_is_repeated_once_it_is_proven() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let door = Door::new(&[secret], "preset = 'slack'\n");
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
        replied(&door, &asks(challenge.into())).await,
        json!({ "challenge": challenge })
    );
    for wrong in [
        Value::Null,
        json!(""),
        json!(["x"]),
        json!("<script> x"),
        json!("x".repeat(513)),
    ] {
        assert_eq!(door.refusal(&asks(wrong)).await, (400, "invalid_body"));
    }
    let mut forged = asks(challenge.into());
    forged.headers_mut().insert("x-slack-signature", "v0=00".parse().unwrap());
    assert_eq!(door.refusal(&forged).await.0, 401);
}

#[tokio::test]
async fn nothing_is_repeated_where_no_handshake_is_configured() {
    let door = Door::new(&[SECRET], "");
    assert_eq!(door.push.methods(), [Method::POST]);
    let asked = get(&[("x-okta-verification-challenge", "x")]);
    assert_eq!(door.refusal(&asked).await, (405, "method_not_allowed"));
    let body = json!({"challenge": "x", "type": "url_verification"}).to_string();
    let asked = signed(SECRET, "msg_1", NOW, body.as_bytes());
    assert_eq!(door.refusal(&asked).await, (422, "not_understood"));
}
