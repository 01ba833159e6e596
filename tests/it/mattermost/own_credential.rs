//! The last line of defence: never the credential in use, never the last administrator, whatever was planned.

use revoked::model::{Action, GrantKind, GrantRef, PrincipalTrait};
use revoked::targets::{Remedy, TargetError};
use serde_json::json;

use super::test_server::{ADMIN, TestServer, USER01, accepted, account, principal, with_trait};

const BOT: &str = "aneazdskr7fi5kwdoptfqa84yh";
const ADMIN2: &str = "6xmzfjwkjigd3euo976yistmpa";

fn end(kind: GrantKind, id: &str, parent: Option<&str>) -> Action {
    Action::End {
        grant: GrantRef {
            parent: parent.map(str::to_owned),
            ..GrantRef::new(kind, id)
        },
    }
}

/// A server at which we are a bot of `user01`, with one token.
async fn as_bot() -> TestServer {
    let server = TestServer::bare("").await;
    let mut me = account(BOT, "revoked-bot", "system_user system_admin", 0);
    me["is_bot"] = json!(true);
    server.get("/api/v4/users/me", 200, &me).await;
    let token = json!([{"id": "ourtoken", "user_id": BOT, "is_active": true}]);
    server.get(&format!("/api/v4/users/{BOT}/tokens"), 200, &token).await;
    let bot = json!({"user_id": BOT, "owner_id": USER01, "create_at": 1, "delete_at": 0});
    server.get(&format!("/api/v4/bots/{BOT}"), 200, &bot).await;
    server
}

async fn refused(server: &TestServer, action: &Action, of: &revoked::model::Principal) -> TargetError {
    let error = server
        .target
        .apply(&server.context, action, std::slice::from_ref(of))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp, "{action}: {error}");
    error
}

#[tokio::test]
async fn nothing_that_is_ours_is_ended() {
    let server = as_bot().await;
    let us = principal(BOT);
    for action in [
        Action::Suspend,
        Action::ResetPassword,
        Action::EndAllSessions,
        end(GrantKind::Session, "any", None),
        end(GrantKind::AccessToken, "any", None),
    ] {
        refused(&server, &action, &us).await;
    }
    let owner = principal(USER01);
    for action in [
        Action::Suspend,
        end(GrantKind::Bot, BOT, None),
        end(GrantKind::BotToken, "x", Some(BOT)),
        end(GrantKind::AccessToken, "ourtoken", None),
        Action::Disable {
            grant: GrantRef::new(GrantKind::AccessToken, "ourtoken"),
        },
    ] {
        let error = refused(&server, &action, &owner).await;
        assert!(error.to_string().contains("lock us out"), "{error}");
    }
    assert!(server.sent("POST").await.is_empty() && server.sent("DELETE").await.is_empty());
}

#[tokio::test]
async fn the_last_administrator_is_not_suspended() {
    let server = TestServer::new().await;
    server
        .get(
            "/api/v4/users",
            200,
            &json!([account(ADMIN2, "sysadmin2", "system_admin", 0)]),
        )
        .await;
    refused(&server, &Action::Suspend, &with_trait(ADMIN2, PrincipalTrait::LastAdmin)).await;
    let error = refused(&server, &Action::Suspend, &with_trait(ADMIN2, PrincipalTrait::Admin)).await;
    assert!(error.to_string().contains("last person"), "counted again: {error}");
    assert!(server.sent("DELETE").await.is_empty());
}

#[tokio::test]
async fn of_two_administrators_only_one_is_suspended_at_once() {
    let server = as_bot().await;
    let both = json!([
        account(ADMIN, "admin", "system_admin", 0),
        account(ADMIN2, "sysadmin2", "system_admin", 0),
    ]);
    server.get("/api/v4/users", 200, &both).await;
    for id in [ADMIN, ADMIN2] {
        let path = format!("/api/v4/users/{id}");
        server
            .respond(
                "DELETE",
                &path,
                wiremock::ResponseTemplate::new(200).set_body_json(accepted()),
            )
            .await;
    }
    let (one, other) = (
        with_trait(ADMIN, PrincipalTrait::Admin),
        with_trait(ADMIN2, PrincipalTrait::Admin),
    );
    let suspend = |principal| {
        server
            .target
            .apply(&server.context, &Action::Suspend, std::slice::from_ref(principal))
    };
    let outcomes = tokio::join!(suspend(&one), suspend(&other));
    assert!(outcomes.0.is_ok() != outcomes.1.is_ok(), "{outcomes:?}");
    assert_eq!(server.sent("DELETE").await.len(), 1);
}

#[tokio::test]
async fn a_set_of_accounts_is_refused() {
    let server = TestServer::new().await;
    let error = server
        .target
        .apply(&server.context, &Action::Suspend, &[principal(USER01), principal(ADMIN2)])
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp);
}
