//! Faults of single calls.

use std::time::Duration;

use revoked_sandbox::{Effect, Fault};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::stand::Stand;

const REVOKE_ALL: &str = "/api/v4/users/*/sessions/revoke/all";

fn on_revoke_all(effect: Effect) -> Fault {
    Fault::on("POST", REVOKE_ALL, effect)
}

#[tokio::test]
async fn a_call_that_does_nothing_answers_as_if_it_did() {
    let stand = Stand::town().await;
    let before = stand.list(&stand.sessions_path()).await.len();
    stand.sandbox.faults().add(on_revoke_all(Effect::Nothing).times(1));
    let answer = stand.send("POST", &stand.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"OK"}"#);
    assert_eq!(stand.list(&stand.sessions_path()).await.len(), before);
    assert!(stand.is_in(0, stand.stolen()).await);
    assert_eq!(stand.status("POST", &stand.revoke_all_path()).await, 200);
    assert!(stand.list(&stand.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn an_error_comes_in_the_form_of_the_server() {
    let stand = Stand::town().await;
    stand.sandbox.faults().add(on_revoke_all(Effect::Status(503)).times(1));
    let answer = stand.send("POST", &stand.revoke_all_path(), "").await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&body["status_code"], &body["request_id"]), (&json!(503), &json!(request_id)));
    assert!(!stand.list(&stand.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn a_limit_is_said_in_the_words_of_the_limiter() {
    let stand = Stand::town().await;
    stand.sandbox.faults().add(on_revoke_all(Effect::Limited(7)).times(1));
    let answer = stand.send("POST", &stand.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert!(!answer.headers().contains_key("x-request-id"));
    assert_eq!(answer.text().await.unwrap(), "limit exceeded\n");
}

#[tokio::test]
async fn a_reset_connection_gives_no_answer_and_may_have_taken_effect() {
    let stand = Stand::town().await;
    stand.sandbox.faults().add(on_revoke_all(Effect::Reset).times(1));
    assert!(stand.send("POST", &stand.revoke_all_path(), "").await.is_err());
    assert!(!stand.list(&stand.sessions_path()).await.is_empty());
    stand.sandbox.faults().add(on_revoke_all(Effect::Reset).applied().times(1));
    assert!(stand.send("POST", &stand.revoke_all_path(), "").await.is_err());
    assert!(stand.list(&stand.sessions_path()).await.is_empty());
    let resets = stand.sandbox.requests().iter().filter(|seen| seen.status == 0).count();
    assert_eq!(resets, 2);
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_its_body() {
    let stand = Stand::town().await;
    stand
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/users/*/sessions", Effect::Truncated).times(1));
    let answer = stand.send("GET", &stand.sessions_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_has_no_request_id() {
    let stand = Stand::town().await;
    stand.sandbox.faults().add(on_revoke_all(Effect::Html).times(1));
    let answer = stand.send("POST", &stand.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(!answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn latency_delays_a_right_answer() {
    let stand = Stand::town().await;
    stand.sandbox.faults().add(on_revoke_all(Effect::Latency(50)).times(1));
    let start = Instant::now();
    assert_eq!(stand.status("POST", &stand.revoke_all_path()).await, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn another_process_sets_faults_over_http() {
    let stand = Stand::town().await;
    let order = json!({"calls": [{"method": "POST", "path": REVOKE_ALL, "times": 1, "effect": {"status": 500}}]});
    let set = stand.send("POST", "/sandbox/faults", &order.to_string()).await.unwrap();
    assert_eq!(set.status(), 200);
    assert_eq!(stand.status("POST", &stand.revoke_all_path()).await, 500);
    assert_eq!(stand.status("POST", &stand.revoke_all_path()).await, 200);
    let (status, id) = stand.refusal("POST", "/sandbox/faults", r#"{"calls": [], "tims": 1}"#).await;
    assert_eq!((status, id.as_str()), (400, "sandbox.body.app_error"));
    assert_eq!(stand.sandbox.request_count(), 2, "the sandbox's own paths are not logged");
}

#[tokio::test]
async fn a_test_waits_for_a_request_instead_of_for_time() {
    let stand = Stand::town().await;
    let path = stand.revoke_all_path();
    let waiting = stand.sandbox.until(|world, requests| {
        requests.iter().any(|seen| seen.is("POST", "/sessions/revoke/all"))
            && world.person("user01").is_some_and(|person| person.sessions.is_empty())
    });
    let (waited, status) = tokio::join!(timeout(crate::daemon::BOUND, waiting), stand.status("POST", &path));
    assert!(waited.is_ok());
    assert_eq!(status, 200);
}
