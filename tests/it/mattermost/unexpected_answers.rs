//! Answers that are no success, and successes that are no answer.

use std::collections::BTreeSet;
use std::time::Duration;

use revoked::model::GrantKind;
use revoked::targets::{CallContext, ObservationRequest, Remedy};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::test_server::{TestServer, USER01, account, answer, build, principal, refusal, steps, token_file};
use crate::ports::Port;

fn sessions() -> BTreeSet<GrantKind> {
    [GrantKind::Session].into()
}

async fn with_sessions(answer: ResponseTemplate) -> TestServer {
    let server = TestServer::new().await;
    server.recorded("user-by-id", 0).await;
    server
        .respond("GET", &format!("/api/v4/users/{USER01}/sessions"), answer)
        .await;
    server
}

#[tokio::test]
async fn a_success_that_is_not_understood_is_never_an_empty_list() {
    for body in [
        "<html><body>maintenance</body></html>",
        "null",
        "",
        "{}",
        "{\"status\":\"OK\"}",
        "[null]",
        "[{\"id\":\"3pd477sndj8jdp4w8p73c1hhay\"}]",
        "[{\"id\":\"3pd477sndj8jdp4w8p73c1hhay\",\"user_id\":\"npryem6qbfdcxji356uo9tc33o\",\"create_at\":1,\"expires_at\":0,\"is_oa",
    ] {
        let server = with_sessions(ResponseTemplate::new(200).set_body_string(body)).await;
        let error = server
            .target
            .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
            .await
            .unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{body}: {error}");
        assert!(error.to_string().contains("not understood"), "{body}: {error}");
    }
}

#[tokio::test]
async fn an_error_does_not_quote_the_answer() {
    let body = "[{\"id\":5,\"props\":{\"csrf\":\"topsecret\"}}]";
    let server = with_sessions(ResponseTemplate::new(200).set_body_string(body)).await;
    let error = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
        .await
        .unwrap_err();
    assert!(!format!("{error:?}").contains("topsecret"));
}

#[tokio::test]
async fn another_accounts_sessions_are_not_taken() {
    let other = json!([{"id": "a", "user_id": "x", "create_at": 1, "expires_at": 0, "is_oauth": false}]);
    let server = with_sessions(ResponseTemplate::new(200).set_body_json(other)).await;
    let error = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
}

#[tokio::test]
async fn each_refusal_has_its_remedy() {
    let minute = Duration::from_mins(1);
    let redirect = ResponseTemplate::new(301).insert_header("Location", "https://elsewhere.example.org/");
    for (answer, remedy) in [
        (refusal(401, "api.context.session_expired.app_error"), Remedy::Pause),
        (refusal(403, "api.context.permissions.app_error"), Remedy::Pause),
        (refusal(403, "api.context.mfa_required.app_error"), Remedy::Pause),
        (refusal(500, "app.session.get_sessions.app_error"), Remedy::Retry),
        (refusal(500, ""), Remedy::Retry),
        (refusal(503, "api.context.server_busy.app_error"), Remedy::Retry),
        (
            refusal(503, "x").insert_header("Retry-After", "60"),
            Remedy::RetryAfter(minute),
        ),
        (
            ResponseTemplate::new(502).set_body_string("<html>bad gateway</html>"),
            Remedy::Retry,
        ),
        (
            ResponseTemplate::new(403).set_body_string("<html>blocked</html>"),
            Remedy::Pause,
        ),
        (
            ResponseTemplate::new(429).insert_header("Retry-After", "60"),
            Remedy::RetryAfter(minute),
        ),
        (redirect, Remedy::Pause),
    ] {
        let server = with_sessions(answer).await;
        let error = server
            .target
            .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
            .await
            .unwrap_err();
        assert_eq!(error.remedy, remedy, "{error}");
    }
}

#[tokio::test]
async fn a_valid_token_that_gets_401_while_the_database_is_down_pauses_the_lane() {
    let server = TestServer::bare("").await;
    server.recorded("database-down-valid-pat-401", 0).await;
    let error = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause);
    assert!(error.to_string().contains("database"), "{error}");
}

#[tokio::test]
async fn a_recorded_429_waits_as_told_and_is_heard() {
    let limited = steps("rate-limited-by-user")
        .into_iter()
        .find(|step| step["response"]["status"] == 429)
        .unwrap();
    let server = with_sessions(answer(&limited)).await;
    let error = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(sessions()))
        .await
        .unwrap_err();
    let Remedy::RetryAfter(wait) = error.remedy else {
        panic!("{error}")
    };
    let noted = server.permits.noted.lock().unwrap();
    assert!(noted.iter().any(|hints| hints.refused == Some(wait)), "{noted:?}");
}

#[tokio::test]
async fn doubled_limit_headers_are_heard_as_the_stricter() {
    let first = &steps("rate-limited-by-user")[0];
    assert_eq!(
        first["response"]["headers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|h| h[0] == "X-Ratelimit-Remaining")
            .count(),
        2
    );
    let server = TestServer::new().await;
    server.respond("GET", "/api/v4/users/username/user01", answer(first)).await;
    let _ = server
        .target
        .resolve(&server.context, &"username:user01".parse().unwrap())
        .await;
    let noted = server.permits.noted.lock().unwrap();
    assert!(
        noted
            .iter()
            .any(|hints| hints.remaining == Some(5) && hints.reset == Some(Duration::from_secs(1))),
        "{noted:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let held = Port::default();
    let port = held.number();
    let folder = tempfile::tempdir().unwrap();
    let token = token_file(folder.path());
    let target = build(&format!(
        "url = \"http://127.0.0.1:{port}\"\ntoken = {{ file = \"{token}\" }}\n"
    ))
    .unwrap();
    let error = target
        .resolve(&CallContext::unpaced(), &"username:a".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(
        error.to_string().contains(&format!("no answer from 127.0.0.1:{port}")),
        "{error}"
    );
}

#[tokio::test]
async fn every_request_asks_for_a_permit_and_carries_the_token() {
    let server = with_sessions(ResponseTemplate::new(200).set_body_json(json!([]))).await;
    server
        .get(
            "/api/v4/users/username/user01",
            200,
            &account(USER01, "user01", "system_user", 0),
        )
        .await;
    let principal = server.resolve("username:user01").await;
    server
        .target
        .observe(&server.context, &principal, &ObservationRequest::now(sessions()))
        .await
        .unwrap();
    let requests = server.mock.received_requests().await.unwrap();
    assert_eq!(requests.len(), *server.permits.permits.lock().unwrap());
    assert!(
        requests
            .iter()
            .all(|request| request.headers["authorization"] == "Bearer pat-of-the-operator")
    );
}
