//! Webhooks, end to end: a SOAR asks in our own schema, and the person's sessions are gone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::clock::Clock;
use serde_json::{Value, json};

use super::chat::Holdings;
use super::{Plan, Running, Site};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const SOURCE: &str = r#"
[[source]]
name = "soar"
kind = "webhook"
secrets = [{ file = "{folder}/soar-secret" }]
"#;

fn signed(id: &str, at: i64, body: &str) -> String {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let tag = aws_lc_rs::hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

async fn send(running: &Running, id: &str, body: &Value) -> reqwest::Response {
    let (at, body) = (Clock::system().now().ms() / 1000, body.to_string());
    let request = running
        .http
        .post(running.url("/signals/soar"))
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signed(id, at, &body));
    request.body(body).send().await.unwrap()
}

fn request(email: &str, reason: &str) -> Value {
    json!({
        "type": "revoked.request.v1",
        "timestamp": Clock::system().now(),
        "data": {"subject": {"format": "email", "email": email}, "reason": reason, "ticket": "INC-1", "requested_by": "soar"},
    })
}

#[tokio::test]
async fn one_request_ends_the_sessions_and_its_id_serves_nobody_else() {
    let site = Site::new(Plan {
        more: SOURCE,
        ..Plan::default()
    })
    .await;
    site.secret("soar-secret", SECRET.as_bytes());
    let running = site.start().await;

    let genuine = request("user01@example.test", "compromised");
    for _ in 0..2 {
        let answer = send(&running, "msg_1", &genuine).await;
        assert_eq!(answer.status(), 204);
        assert!(answer.bytes().await.unwrap().is_empty());
        let stored = "SELECT count(*) FROM signal WHERE source = 'soar' AND case_id IS NOT NULL";
        assert_eq!(site.count(stored).await, 1, "answered and not stored, or stored twice");
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert!(site.alerts().await.is_empty());

    let other = send(&running, "msg_1", &request("user02@example.test", "compromised")).await;
    assert_eq!(other.status(), 400);
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);

    let unknown = send(&running, "msg_2", &request("user02@example.test", "boredom")).await;
    assert_eq!(unknown.status(), 422);
    let told: Value = unknown.json().await.unwrap();
    assert_eq!(told["error"], "not_understood");
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert!(!Holdings::of(site.chat(), "user02").is_out());
    running.stop().await;
}
