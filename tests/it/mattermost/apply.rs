//! Changes: what is sent, what counts as done already, and what does not.

use revoked::model::{Action, GrantKind, GrantRef, PrincipalTrait};
use revoked::targets::{Applied, ObservationRequest, Remedy, TargetError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::test_server::{TestServer, USER01, accepted, account, answer, principal, refusal, steps, with_trait};

pub(super) const SESSION: &str = "b4yb8ru1affbpp8terkjno3rhr";
pub(super) const TOKEN: &str = "j788jzpipi8x9fodzmm1zx9heo";

fn grant(kind: GrantKind, id: &str) -> GrantRef {
    GrantRef::new(kind, id)
}

pub(super) fn end(kind: GrantKind, id: &str) -> Action {
    Action::End { grant: grant(kind, id) }
}

pub(super) async fn apply(server: &TestServer, action: &Action) -> Result<Applied, TargetError> {
    server.target.apply(&server.context, action, &[principal(USER01)]).await
}

/// The bodies of the requests that came with `verb` to `at`.
pub(super) async fn bodies(server: &TestServer, verb: &str, at: &str) -> Vec<Value> {
    let requests = server.mock.received_requests().await.unwrap();
    let named = requests
        .iter()
        .filter(|request| request.method.as_str() == verb && request.url.path() == at);
    named.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

#[tokio::test]
async fn the_three_operations_send_what_the_server_documents() {
    let server = TestServer::new().await;
    let revoke = format!("/api/v4/users/{USER01}/sessions/revoke");
    server.post(&revoke, 200, &accepted()).await;
    server.post(&format!("{revoke}/all"), 200, &accepted()).await;
    server.post("/api/v4/users/tokens/revoke", 200, &accepted()).await;
    apply(&server, &end(GrantKind::Session, SESSION)).await.unwrap();
    apply(&server, &Action::EndAllSessions).await.unwrap();
    apply(&server, &end(GrantKind::AccessToken, TOKEN)).await.unwrap();
    assert_eq!(bodies(&server, "POST", &revoke).await, [json!({ "session_id": SESSION })]);
    assert_eq!(
        bodies(&server, "POST", "/api/v4/users/tokens/revoke").await,
        [json!({ "token_id": TOKEN })]
    );
    assert_eq!(server.sent("POST").await.len(), 3);
}

#[tokio::test]
async fn what_is_gone_already_counts_as_done() {
    let server = TestServer::new().await;
    let session = &steps("session-revoke-already-revoked")[0];
    server
        .respond("POST", &format!("/api/v4/users/{USER01}/sessions/revoke"), answer(session))
        .await;
    server.recorded("token-revoke-already-revoked", 0).await;
    let gone = [
        ("/api/v4/hooks/outgoing/h", "app.webhooks.get_outgoing.app_error"),
        ("/api/v4/commands/c", "store.sql_command.save.get.app_error"),
        ("/api/v4/oauth/apps/a", "app.oauth.get_app.find.app_error"),
    ];
    for (at, id) in gone {
        server.respond("DELETE", at, refusal(404, id)).await;
    }
    for action in [
        end(GrantKind::Session, SESSION),
        end(GrantKind::OauthGrant, SESSION),
        end(GrantKind::AccessToken, TOKEN),
        end(GrantKind::BotToken, TOKEN),
        end(GrantKind::OutgoingWebhook, "h"),
        end(GrantKind::SlashCommand, "c"),
        end(GrantKind::OauthApp, "a"),
    ] {
        let applied = apply(&server, &action).await.unwrap();
        assert!(applied.already, "{action}");
        assert_eq!(applied.requests.len(), 1, "{action}");
    }
}

#[tokio::test]
async fn the_same_error_id_of_a_server_whose_database_is_down_is_not_gone() {
    let server = TestServer::new().await;
    let down = steps("database-down")
        .into_iter()
        .find(|step| step["label"] == "token revoke")
        .unwrap();
    server.respond("POST", "/api/v4/users/tokens/revoke", answer(&down)).await;
    let error = apply(&server, &end(GrantKind::AccessToken, TOKEN)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
}

#[tokio::test]
async fn a_page_of_a_proxy_is_no_acceptance() {
    for body in ["<html>ok</html>", "null", "{}", "{\"status\":\"FAIL\"}", ""] {
        let server = TestServer::new().await;
        let page = ResponseTemplate::new(200).set_body_string(body);
        server.respond("DELETE", &format!("/api/v4/users/{USER01}"), page).await;
        let error = apply(&server, &Action::Suspend).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{body}");
    }
}

#[tokio::test]
async fn an_ldap_account_is_suspended_by_delete() {
    let server = TestServer::new().await;
    server
        .respond(
            "DELETE",
            &format!("/api/v4/users/{USER01}"),
            answer(&steps("target-is-ldap-user")[4]),
        )
        .await;
    let ldap = with_trait(USER01, PrincipalTrait::ManagedBy("ldap".into()));
    let applied = server
        .target
        .apply(&server.context, &Action::Suspend, std::slice::from_ref(&ldap))
        .await
        .unwrap();
    assert!(!applied.already && applied.requests.len() == 1);
    assert!(server.sent("PUT").await.is_empty());
    let applied = server
        .target
        .apply(&server.context, &Action::ResetPassword, &[ldap])
        .await
        .unwrap();
    assert!(applied.already, "its password is not ours to set");
}

#[tokio::test]
async fn a_suspension_that_an_orphan_stopped_is_left_to_the_observation() {
    let server = TestServer::new().await;
    server
        .respond(
            "DELETE",
            &format!("/api/v4/users/{USER01}"),
            refusal(500, "app.session.remove.app_error"),
        )
        .await;
    assert_eq!(apply(&server, &Action::Suspend).await.unwrap().requests.len(), 1);
}

#[tokio::test]
async fn an_orphan_oauth_session_does_not_save_the_others() {
    let server = TestServer::new().await;
    let all = format!("/api/v4/users/{USER01}/sessions/revoke/all");
    server
        .respond("POST", &all, refusal(500, "app.session.remove.app_error"))
        .await;
    let session = |id: &str, oauth: bool| json!({"id": id, "user_id": USER01, "create_at": 1, "expires_at": 0, "is_oauth": oauth});
    let sessions = json!([session("orphan", true), session("web", false), session("mobile", false)]);
    server.get(&format!("/api/v4/users/{USER01}/sessions"), 200, &sessions).await;
    let one = format!("/api/v4/users/{USER01}/sessions/revoke");
    server
        .respond("POST", &one, |request: &wiremock::Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            if body["session_id"] == "orphan" {
                refusal(500, "app.session.remove.app_error")
            } else {
                ResponseTemplate::new(200).set_body_json(accepted())
            }
        })
        .await;
    let error = apply(&server, &Action::EndAllSessions).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "the orphan's row goes in the background");
    let asked: Vec<_> = bodies(&server, "POST", &one)
        .await
        .into_iter()
        .map(|body| body["session_id"].clone())
        .collect();
    assert_eq!(asked, ["orphan", "web", "mobile"]);
}

#[tokio::test]
async fn an_incoming_webhook_is_ended_by_its_digest_and_never_named() {
    let server = TestServer::new().await;
    let hooks = json!([
        {"id": "is889gzyppds7kxqyrty8j7qry", "user_id": USER01, "create_at": 1},
        {"id": "7748igssxbn6bkwj4azzeh86th", "user_id": USER01, "create_at": 1},
    ]);
    server.recorded("user-by-id", 0).await;
    server.get("/api/v4/hooks/incoming", 200, &hooks).await;
    server.get("/api/v4/bots", 200, &json!([])).await;
    server
        .respond(
            "DELETE",
            "/api/v4/hooks/incoming/is889gzyppds7kxqyrty8j7qry",
            refusal(500, "x"),
        )
        .await;
    let asked: std::collections::BTreeSet<GrantKind> = [GrantKind::IncomingWebhook].into();
    let access = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(asked.clone()))
        .await
        .unwrap();
    let grant = access.grants[0].name.clone();
    // By what the look has shown: nothing is listed again for it.
    for _ in 0..2 {
        let error = apply(&server, &Action::End { grant: grant.clone() }).await.unwrap_err();
        assert!(
            error.to_string().contains(&grant.id) && !format!("{error:?}").contains("is889"),
            "{error:?}"
        );
        assert_eq!(
            server.sent("DELETE").await.last().unwrap(),
            "/api/v4/hooks/incoming/is889gzyppds7kxqyrty8j7qry"
        );
        let listed = server
            .sent("GET")
            .await
            .iter()
            .filter(|path| path.ends_with("/hooks/incoming"))
            .count();
        assert_eq!(listed, 1);
    }
    let absent = GrantRef {
        id: "sha256:0000000000000000".to_owned(),
        ..grant
    };
    assert!(apply(&server, &Action::End { grant: absent }).await.unwrap().already);
}

#[tokio::test]
async fn a_bot_that_looks_missing_is_looked_at_before_it_is_believed() {
    let bot = "bo91qgyi8bdd9d4use1ysrkwhr";
    let disable = format!("/api/v4/bots/{bot}/disable");
    for (delete_at, done) in [(0, false), (1_795_477_807_541_i64, true)] {
        let server = TestServer::new().await;
        server
            .respond("POST", &disable, refusal(404, "store.sql_bot.get.missing.app_error"))
            .await;
        server
            .get(
                &format!("/api/v4/users/{bot}"),
                200,
                &account(bot, "bot-a", "system_user", delete_at),
            )
            .await;
        match apply(&server, &end(GrantKind::Bot, bot)).await {
            Ok(applied) => assert!(done && applied.already),
            Err(error) => assert!(
                !done && error.remedy == Remedy::GiveUp && error.to_string().contains("manage_others_bots"),
                "{error}"
            ),
        }
    }
    let server = TestServer::new().await;
    server.recorded("bot-disable-ok", 0).await;
    assert!(!apply(&server, &end(GrantKind::Bot, bot)).await.unwrap().already);
}

#[tokio::test]
async fn a_consent_is_ended_by_its_preference() {
    let server = TestServer::new().await;
    let at = format!("/api/v4/users/{USER01}/preferences/delete");
    server.post(&at, 200, &accepted()).await;
    apply(&server, &end(GrantKind::OauthAuthorization, "nu86czzh17fqzq44e6eqc5m34y"))
        .await
        .unwrap();
    let body = &bodies(&server, "POST", &at).await[0][0];
    assert_eq!(body["category"], "oauth_app");
    assert_eq!(
        (&body["user_id"], &body["name"]),
        (&json!(USER01), &json!("nu86czzh17fqzq44e6eqc5m34y"))
    );
}

#[tokio::test]
async fn a_token_is_disabled_where_that_is_asked_and_nothing_else_is() {
    let server = TestServer::new().await;
    server.post("/api/v4/users/tokens/disable", 200, &accepted()).await;
    let disable = |kind| Action::Disable {
        grant: grant(kind, TOKEN),
    };
    apply(&server, &disable(GrantKind::AccessToken)).await.unwrap();
    let error = apply(&server, &disable(GrantKind::Session)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp);
}

#[tokio::test]
async fn a_reset_password_is_long_and_in_no_error() {
    let server = TestServer::new().await;
    let at = format!("/api/v4/users/{USER01}/password");
    server
        .respond("PUT", &at, refusal(400, "model.user.is_valid.pwd.app_error"))
        .await;
    let error = apply(&server, &Action::ResetPassword).await.unwrap_err();
    let sent = bodies(&server, "PUT", &at).await[0]["new_password"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(sent.len() >= 40);
    assert!(!format!("{error:?}").contains(&sent));
    assert_eq!(error.remedy, Remedy::GiveUp);
}

#[tokio::test]
async fn a_permission_that_is_missing_beside_the_sessions_does_not_pause_the_lane() {
    let server = TestServer::new().await;
    let forbidden = || refusal(403, "api.context.permissions.app_error");
    server.respond("DELETE", "/api/v4/hooks/outgoing/h", forbidden()).await;
    server.respond("POST", "/api/v4/users/tokens/revoke", forbidden()).await;
    server
        .respond(
            "PUT",
            &format!("/api/v4/users/{USER01}/password"),
            refusal(403, "api.user.update_password.context.app_error"),
        )
        .await;
    for (action, remedy) in [
        (end(GrantKind::OutgoingWebhook, "h"), Remedy::GiveUp),
        (end(GrantKind::BotToken, TOKEN), Remedy::GiveUp),
        (Action::ResetPassword, Remedy::GiveUp),
        (end(GrantKind::AccessToken, TOKEN), Remedy::Pause),
    ] {
        assert_eq!(apply(&server, &action).await.unwrap_err().remedy, remedy, "{action}");
    }
}
