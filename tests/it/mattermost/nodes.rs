//! Nodes of a cluster, and connections that stay open.

use revoked::model::{Access, Action, Containment, Grant, GrantKind, Progress, Scope};
use revoked::targets::Remedy;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::apply::{SESSION, TOKEN, apply, bodies, end};
use super::test_server::{ADMIN, NOW, TestServer, USER01, accepted, account, refusal};

#[tokio::test]
async fn every_node_is_told_to_forget_the_sessions_but_not_twice() {
    let nodes = [TestServer::bare("").await, TestServer::bare("").await];
    let server = TestServer::bare(&format!(
        "nodes = [\"{}\", \"{}\"]\n",
        nodes[0].mock.uri(),
        nodes[1].mock.uri()
    ))
    .await;
    let all = format!("/api/v4/users/{USER01}/sessions/revoke/all");
    for one in nodes.iter().chain([&server]) {
        one.post(&all, 200, &accepted()).await;
        one.post("/api/v4/caches/invalidate", 200, &accepted()).await;
        one.post(&format!("/api/v4/users/{USER01}/sessions/revoke"), 200, &accepted())
            .await;
    }
    server.recorded("users-me-pat", 0).await;
    server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
    assert!(server.target.capabilities().after_sessions.contains(&Action::ClearCaches));
    apply(&server, &Action::EndAllSessions).await.unwrap();
    assert!(apply(&server, &Action::ClearCaches).await.unwrap().already);
    for node in &nodes {
        assert_eq!(node.sent("POST").await, [all.as_str()]);
    }
    apply(&server, &end(GrantKind::Session, SESSION)).await.unwrap();
    apply(&server, &Action::ClearCaches).await.unwrap();
    for node in &nodes {
        assert_eq!(
            node.sent("POST").await,
            [all.as_str(), "/api/v4/caches/invalidate"],
            "the other sessions stay"
        );
    }
}

#[tokio::test]
async fn a_node_that_fails_leaves_its_caches_to_be_cleared_and_does_not_pause_the_lane() {
    let node = TestServer::bare("").await;
    node.respond(
        "POST",
        "/api/v4/caches/invalidate",
        refusal(401, "api.context.session_expired.app_error"),
    )
    .await;
    for (url, remedy) in [
        ("http://127.0.0.1:1", Remedy::Retry),
        (node.mock.uri().as_str(), Remedy::GiveUp),
    ] {
        let server = TestServer::bare(&format!("nodes = [\"{url}\"]\n")).await;
        server.recorded("users-me-pat", 0).await;
        server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
        server
            .post(&format!("/api/v4/users/{USER01}/sessions/revoke/all"), 200, &accepted())
            .await;
        let applied = apply(&server, &Action::EndAllSessions).await.unwrap();
        assert!(!applied.already, "the server itself ended them");
        let error = apply(&server, &Action::ClearCaches).await.unwrap_err();
        assert_eq!(error.remedy, remedy, "{error}");
        assert!(error.to_string().contains("at the node 127.0.0.1:"), "{error}");
    }
}

#[tokio::test]
async fn a_token_ends_with_the_caches_of_the_sessions_that_it_made() {
    let server = TestServer::bare("nodes = [\"http://127.0.0.1:1\"]\n").await;
    let containment = Containment {
        scope: Scope::AccessToken(TOKEN.to_owned()),
        ..Containment::nothing()
    };
    let mut access = Access::empty(NOW);
    access.grants.push(Grant::new(GrantKind::AccessToken, TOKEN));
    let plan = containment.plan(&access, &server.target.capabilities(), &Progress::default());
    assert_eq!(plan, [end(GrantKind::AccessToken, TOKEN), Action::ClearCaches]);
}

#[tokio::test]
async fn old_servers_are_silenced_without_touching_roles() {
    let server = TestServer::new().await;
    let patched = account(USER01, "user01", "system_user", 0);
    let at = format!("/api/v4/users/{USER01}/patch");
    server
        .respond("PUT", &at, ResponseTemplate::new(200).set_body_json(patched))
        .await;
    assert!(
        !server.target.capabilities().after_sessions.contains(&Action::Silence),
        "the version is not known yet"
    );
    apply(&server, &Action::Silence).await.unwrap();
    assert_eq!(bodies(&server, "PUT", &at).await, [json!({})]);
    assert!(
        server.target.capabilities().after_sessions.contains(&Action::Silence),
        "users/me named version 6.7.0"
    );
}
