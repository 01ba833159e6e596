//! What a probe finds, and what it says to do about it.

use revoked::targets::{CallContext, Level, Probe, Remedy};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::test_server::{ADMIN, TestServer, account, answer, refusal, steps};

async fn recorded() -> TestServer {
    let server = TestServer::new().await;
    server.recorded("system-config-client", 0).await;
    server.recorded("database-down", 0).await;
    server
}

fn says(probe: &Probe, level: Level, words: &str) -> bool {
    let found = probe
        .findings
        .iter()
        .any(|finding| finding.level == level && finding.what.contains(words));
    assert!(found, "no {level:?} about {words:?} in {probe:#?}");
    found
}

#[tokio::test]
async fn a_server_in_order_has_no_error() {
    let server = recorded().await;
    let config = json!({
        "ServiceSettings": {"DisableBotsWhenOwnerIsDeactivated": false},
        "RateLimitSettings": {"Enable": true, "PerSec": 10, "MaxBurst": 100},
    });
    server.get("/api/v4/config", 200, &config).await;
    let probe = server.target.probe(&server.context).await.unwrap();
    assert_eq!(probe.version.as_deref(), Some("6.7.0"));
    assert_eq!(probe.acting_as.as_deref(), Some("admin"));
    assert!(
        probe
            .findings
            .iter()
            .all(|finding| finding.level < Level::Error && !finding.advice.is_empty())
    );
    says(&probe, Level::Note, "a person's");
    says(&probe, Level::Note, "OAuth provider");
    says(&probe, Level::Note, "10 calls a second");
    says(&probe, Level::Note, "bots go on");
}

#[tokio::test]
async fn each_missing_permission_is_named() {
    let server = TestServer::bare("").await;
    server
        .get("/api/v4/users/me", 200, &account(ADMIN, "operator", "system_user", 0))
        .await;
    server
        .respond(
            "GET",
            &format!("/api/v4/users/{ADMIN}/tokens"),
            refusal(403, "api.context.permissions.app_error"),
        )
        .await;
    server
        .post("/api/v4/roles/names", 200, &json!([{"permissions": ["edit_other_users"]}]))
        .await;
    server.recorded("system-config-client", 0).await;
    server.recorded("config-read", 0).await;
    server.recorded("database-down", 0).await;
    let probe = server.target.probe(&server.context).await.unwrap();
    says(&probe, Level::Error, "revoke_user_access_token");
    says(&probe, Level::Warning, "manage_others_incoming_webhooks");
    says(&probe, Level::Note, "may not read the server's settings");
    assert!(
        !probe
            .findings
            .iter()
            .any(|finding| finding.what.contains("lacks edit_other_users"))
    );
    assert_eq!(probe.findings[0].level, Level::Error, "the worst comes first");
}

#[tokio::test]
async fn a_refused_credential_is_told_from_a_database_that_is_down() {
    let server = TestServer::bare("").await;
    server.recorded("database-down-valid-pat-401", 0).await;
    let ping = answer(&steps("database-down")[1]);
    server.respond("GET", "/api/v4/system/ping", ping).await;
    let error = server.target.probe(&server.context).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause);
    assert!(error.to_string().contains("its database is down"), "{error}");

    let server = TestServer::bare("").await;
    server.recorded("database-down-valid-pat-401", 0).await;
    server.recorded("database-down", 0).await;
    let error = server.target.probe(&server.context).await.unwrap_err();
    assert!(error.to_string().contains("put a valid token"), "{error}");
}

#[tokio::test]
async fn a_token_that_was_replaced_is_taken_up() {
    let server = recorded().await;
    server.get("/api/v4/config", 200, &json!({})).await;
    server.replace_token("pat-number-two");
    server.target.probe(&server.context).await.unwrap();
    let last = server.mock.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(last.headers["authorization"], "Bearer pat-number-two");
}

#[tokio::test]
async fn a_listed_node_should_answer_and_belong_to_the_server() {
    let other = TestServer::bare("").await;
    other.recorded("users-me-pat", 0).await;
    other
        .get(
            "/api/v4/config/client",
            200,
            &json!({"TelemetryId": "another", "DiagnosticId": "another"}),
        )
        .await;
    let same = TestServer::bare("").await;
    same.recorded("users-me-pat", 0).await;
    same.recorded("system-config-client", 0).await;
    let nodes = format!(
        "nodes = [\"{}\", \"http://127.0.0.1:1\", \"{}\"]\n",
        other.mock.uri(),
        same.mock.uri()
    );
    let server = TestServer::bare(&nodes).await;
    server.recorded("users-me-pat", 0).await;
    server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
    server.recorded("system-config-client", 0).await;
    server.get("/api/v4/config", 200, &json!({})).await;
    server.recorded("database-down", 0).await;
    let probe = server.target.probe(&CallContext::unpaced()).await.unwrap();
    says(&probe, Level::Warning, "belongs to another server");
    says(&probe, Level::Warning, "127.0.0.1:1 does not answer");
    let worst = probe.findings.iter().map(|finding| finding.level).max();
    assert_eq!(
        worst,
        Some(Level::Warning),
        "an error would stop the lane of a server that works"
    );
    assert_eq!(
        probe
            .findings
            .iter()
            .filter(|finding| finding.what.contains("the node"))
            .count(),
        2
    );
}

#[tokio::test]
async fn an_account_from_a_cache_does_not_make_a_sick_server_well() {
    let server = recorded().await;
    server.get("/api/v4/config", 200, &json!({})).await;
    server.mock.reset().await;
    server.recorded("users-me-pat", 0).await;
    server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
    server.recorded("system-config-client", 0).await;
    server.get("/api/v4/config", 200, &json!({})).await;
    server.recorded("database-down", 1).await;
    assert_eq!(server.target.probe(&server.context).await.unwrap_err().remedy, Remedy::Retry);
}

#[tokio::test]
async fn something_that_is_no_mattermost_is_not_probed_as_one() {
    let server = TestServer::bare("").await;
    server
        .respond(
            "GET",
            "/api/v4/users/me",
            ResponseTemplate::new(404).set_body_string("<html>nginx</html>"),
        )
        .await;
    let error = server.target.probe(&server.context).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause);
    assert!(error.to_string().contains("no Mattermost answers there"), "{error}");
}

#[tokio::test]
async fn a_dated_answer_shows_the_servers_clock_unless_a_cache_has_kept_it() {
    // The clock of the tests stands at Mon, 23 Nov 2026 23:55:21 GMT.
    for (date, age, ahead) in [
        ("Mon, 23 Nov 2026 23:55:21 GMT", None, Some(0)),
        ("Mon, 23 Nov 2026 23:56:00 GMT", None, Some(0)),
        ("Tue, 24 Nov 2026 01:55:21 GMT", None, Some(7_200_000)),
        ("Sun, 22 Nov 2026 23:55:21 GMT", None, Some(-86_399_000)),
        ("Sun, 22 Nov 2026 23:55:21 GMT", Some("86400"), None),
        ("yesterday", None, None),
    ] {
        let server = TestServer::bare("").await;
        let mut answer =
            ResponseTemplate::new(200)
                .insert_header("date", date)
                .set_body_json(account(ADMIN, "operator", "system_admin", 0));
        if let Some(age) = age {
            answer = answer.insert_header("age", age);
        }
        server.respond("GET", "/api/v4/users/me", answer).await;
        drop(server.target.probe(&server.context).await);
        assert!(!server.sent("GET").await.is_empty(), "nothing was asked");
        let shown = server.target.clock().unwrap().ahead();
        assert_eq!(shown, ahead, "{date} {age:?}");
    }
}
