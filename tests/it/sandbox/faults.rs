//! Faults of single calls.

use std::time::Duration;

use revoked_sandbox::{Effect, Fault};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::test_server::TestServer;

const REVOKE_ALL: &str = "/api/v4/users/*/sessions/revoke/all";

fn on_revoke_all(effect: Effect) -> Fault {
    Fault::on("POST", REVOKE_ALL, effect)
}

#[tokio::test]
async fn a_call_that_does_nothing_answers_as_if_it_did() {
    let server = TestServer::fixture().await;
    let before = server.list(&server.sessions_path()).await.len();
    server.sandbox.faults().add(on_revoke_all(Effect::Nothing).times(1));
    let answer = server.send("POST", &server.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), r#"{"status":"OK"}"#);
    assert_eq!(server.list(&server.sessions_path()).await.len(), before);
    assert!(server.is_in(0, server.stolen()).await);
    assert_eq!(server.status("POST", &server.revoke_all_path()).await, 200);
    assert!(server.list(&server.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn an_error_comes_in_the_form_of_the_server() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().add(on_revoke_all(Effect::Status(503)).times(1));
    let answer = server.send("POST", &server.revoke_all_path(), "").await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&body["status_code"], &body["request_id"]), (&json!(503), &json!(request_id)));
    assert!(!server.list(&server.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn a_limit_is_said_in_the_words_of_the_limiter() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().add(on_revoke_all(Effect::Limited(7)).times(1));
    let answer = server.send("POST", &server.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert!(!answer.headers().contains_key("x-request-id"));
    assert_eq!(answer.text().await.unwrap(), "limit exceeded\n");
}

#[tokio::test]
async fn a_reset_connection_gives_no_answer_and_may_have_taken_effect() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().add(on_revoke_all(Effect::Reset).times(1));
    assert!(server.send("POST", &server.revoke_all_path(), "").await.is_err());
    assert!(!server.list(&server.sessions_path()).await.is_empty());
    server.sandbox.faults().add(on_revoke_all(Effect::Reset).applied().times(1));
    assert!(server.send("POST", &server.revoke_all_path(), "").await.is_err());
    assert!(server.list(&server.sessions_path()).await.is_empty());
    let resets = server.sandbox.requests().iter().filter(|seen| seen.status == 0).count();
    assert_eq!(resets, 2);
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_its_body() {
    let server = TestServer::fixture().await;
    server
        .sandbox
        .faults()
        .add(Fault::on("GET", "/api/v4/users/*/sessions", Effect::Truncated).times(1));
    let answer = server.send("GET", &server.sessions_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_has_no_request_id() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().add(on_revoke_all(Effect::Html).times(1));
    let answer = server.send("POST", &server.revoke_all_path(), "").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(!answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn latency_delays_a_right_answer() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().add(on_revoke_all(Effect::Latency(50)).times(1));
    let start = Instant::now();
    assert_eq!(server.status("POST", &server.revoke_all_path()).await, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn another_process_sets_faults_over_http() {
    let server = TestServer::fixture().await;
    let order = json!({"calls": [{"method": "POST", "path": REVOKE_ALL, "times": 1, "effect": {"status": 500}}]});
    let set = server.send("POST", "/sandbox/faults", &order.to_string()).await.unwrap();
    assert_eq!(set.status(), 200);
    assert_eq!(server.status("POST", &server.revoke_all_path()).await, 500);
    assert_eq!(server.status("POST", &server.revoke_all_path()).await, 200);
    let (status, id) = server.refusal("POST", "/sandbox/faults", r#"{"calls": [], "tims": 1}"#).await;
    assert_eq!((status, id.as_str()), (400, "sandbox.body.app_error"));
    assert_eq!(server.sandbox.request_count(), 2, "the sandbox's own paths are not logged");
}

#[tokio::test]
async fn a_test_waits_for_a_request_instead_of_for_time() {
    let server = TestServer::fixture().await;
    let path = server.revoke_all_path();
    let waiting = server.sandbox.until(|world, requests| {
        requests.iter().any(|seen| seen.is("POST", "/sessions/revoke/all"))
            && world.person("user01").is_some_and(|person| person.sessions.is_empty())
    });
    let (waited, status) = tokio::join!(timeout(crate::wait::BOUND, waiting), server.status("POST", &path));
    assert!(waited.is_ok());
    assert_eq!(status, 200);
}
