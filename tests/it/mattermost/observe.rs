//! What an observation shows, and what it does not claim to have seen.

use std::collections::BTreeSet;

use revoked::model::{Access, Grant, GrantKind, PrincipalTrait};
use revoked::targets::mattermost::GRANTS;
use revoked::targets::{ObservationRequest, Remedy};
use serde_json::{Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

use super::test_server::{ADMIN, TestServer, USER01, account, principal, refusal, steps, with_trait};

/// Answers a list by pages as the server does: `page` from 0, `per_page` cut to 200.
struct Paged(Vec<Value>);

impl Respond for Paged {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let number = |name: &str, default: usize| {
            let found = request.url.query_pairs().find(|(key, _)| key == name);
            found.map_or(default, |(_, value)| value.parse().unwrap())
        };
        let size = number("per_page", 60).min(200);
        let page: Vec<_> = self.0.iter().skip(number("page", 0) * size).take(size).collect();
        ResponseTemplate::new(200).set_body_json(page)
    }
}

fn kinds(kinds: &[GrantKind]) -> BTreeSet<GrantKind> {
    kinds.iter().copied().collect()
}

async fn look(server: &TestServer, asked: &[GrantKind]) -> Access {
    let access = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(kinds(asked)))
        .await;
    access.unwrap_or_else(|error| panic!("{error}"))
}

async fn server() -> TestServer {
    let server = TestServer::new().await;
    server.recorded("user-by-id", 0).await;
    server
}

/// The 207 tokens of the recording, as one list.
fn many_tokens() -> Vec<Value> {
    let pages = steps("tokens-list-paging");
    let page = |label: &str| -> Vec<Value> {
        let step = pages.iter().find(|step| step["label"] == label).unwrap();
        serde_json::from_str(step["response"]["body"].as_str().unwrap()).unwrap()
    };
    let mut tokens = page("page0");
    tokens.extend(page("page1"));
    tokens
}

#[tokio::test]
async fn recorded_sessions_are_listed_with_the_token_that_made_one() {
    let server = server().await;
    server.recorded("sessions-list", 0).await;
    let access = look(&server, &[GrantKind::Session, GrantKind::OauthGrant]).await;
    assert!(!access.suspended());
    assert_eq!(access.counts(), [(GrantKind::Session, 4), (GrantKind::OauthGrant, 0)].into());
    let made_by: Vec<_> = access.grants.iter().filter_map(|grant| grant.made_by.as_deref()).collect();
    assert_eq!(made_by, ["yz3ce9uw4tbnpjthr4owqrorfe"]);
    assert!(
        access.requests.contains(&"tgfbo7iqeifezrbk7xsur6b7we".to_owned()),
        "{:?}",
        access.requests
    );
    assert!(!serde_json::to_string(&access).unwrap().contains("csrf"));
}

#[tokio::test]
async fn what_was_not_asked_for_is_neither_listed_nor_fetched() {
    let server = server().await;
    server.recorded("sessions-list", 0).await;
    let access = look(&server, &[GrantKind::OauthGrant]).await;
    assert_eq!((access.grants.len(), access.listed), (0, kinds(&[GrantKind::OauthGrant])));
    assert!(
        !server
            .sent("GET")
            .await
            .iter()
            .any(|path| path.contains("/bots") || path.contains("/hooks"))
    );
}

#[tokio::test]
async fn all_207_tokens_of_the_recording_are_listed() {
    let (server, tokens) = (server().await, many_tokens());
    assert_eq!(tokens.len(), 207);
    let owner = tokens[0]["user_id"].as_str().unwrap().to_owned();
    server
        .get(
            &format!("/api/v4/users/{owner}"),
            200,
            &account(&owner, "user07", "system_user", 0),
        )
        .await;
    server
        .respond("GET", &format!("/api/v4/users/{owner}/tokens"), Paged(tokens))
        .await;
    let access = server
        .target
        .observe(
            &server.context,
            &principal(&owner),
            &ObservationRequest::now(kinds(&[GrantKind::AccessToken])),
        )
        .await
        .unwrap();
    let ids: BTreeSet<_> = access.grants.iter().map(|grant| &grant.name.id).collect();
    assert_eq!(ids.len(), 207);
    assert!(access.listed.contains(&GrantKind::AccessToken));
}

#[tokio::test]
async fn a_server_that_repeats_its_first_page_has_not_listed_whole() {
    let server = server().await;
    let tokens: Vec<_> = (0..200)
        .map(|n| json!({"id": format!("t{n}"), "user_id": USER01, "is_active": true}))
        .collect();
    server
        .get(&format!("/api/v4/users/{USER01}/tokens"), 200, &json!(tokens))
        .await;
    let access = look(&server, &[GrantKind::AccessToken]).await;
    assert!(access.listed.is_empty(), "it may not be claimed");
    assert!(access.unseen.contains_key(&GrantKind::AccessToken));
    assert_eq!(access.grants.len(), 200, "but what was seen can be revoked");
}

/// A list of bots from whose first page one is removed whenever the second has not been asked for yet.
struct Shrinking(std::sync::Mutex<Vec<Value>>, usize);

impl Respond for Shrinking {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut list = self.0.lock().unwrap();
        let answer = Paged(list.clone()).respond(request);
        if request.url.query().unwrap().contains("page=0") && list.len() > self.1 {
            list.drain(..3);
        }
        answer
    }
}

#[tokio::test]
async fn a_bot_that_moved_between_two_pages_is_not_missed() {
    let server = server().await;
    let bot = |n: usize| {
        let owner = if n == 200 { USER01 } else { ADMIN };
        json!({"user_id": format!("bot{n}"), "owner_id": owner, "create_at": n, "delete_at": 0})
    };
    let bots = Shrinking((0..260).map(bot).collect::<Vec<_>>().into(), 257);
    server.respond("GET", "/api/v4/bots", bots).await;
    let access = look(&server, &[GrantKind::Bot]).await;
    assert_eq!(access.grants.len(), 1, "the first reading skipped it");
    assert_eq!(access.listed, kinds(&[GrantKind::Bot]));
}

#[tokio::test]
async fn a_list_that_never_stands_still_is_unseen() {
    let server = server().await;
    let bot = |n: usize| json!({"user_id": format!("bot{n}"), "owner_id": ADMIN, "create_at": n, "delete_at": 0});
    let bots = Shrinking((0..260).map(bot).collect::<Vec<_>>().into(), 0);
    server.respond("GET", "/api/v4/bots", bots).await;
    let access = look(&server, &[GrantKind::Bot]).await;
    assert!(access.unseen[&GrantKind::Bot].contains("changed"), "{access:?}");
    assert!(access.listed.is_empty());
}

#[tokio::test]
async fn bots_webhooks_commands_and_apps_of_the_account_alone_are_grants() {
    let server = server().await;
    let made =
        |id: &str, key: &str, owner: &str| json!({"id": id, key: owner, "create_at": 7, "delete_at": 0, "token": "topsecret"});
    server
        .get(
            "/api/v4/bots",
            200,
            &json!([
                {"user_id": "botalive", "owner_id": USER01, "create_at": 1, "delete_at": 0},
                {"user_id": "botdisabled", "owner_id": USER01, "create_at": 1, "delete_at": 5},
                {"user_id": "botofadmin", "owner_id": ADMIN, "create_at": 1, "delete_at": 0},
                {"user_id": "botofplugin", "owner_id": "playbooks", "create_at": 1, "delete_at": 0},
            ]),
        )
        .await;
    for bot in ["botalive", "botdisabled"] {
        let token = json!([{"id": format!("t-{bot}"), "user_id": bot, "is_active": true}]);
        server.get(&format!("/api/v4/users/{bot}/tokens"), 200, &token).await;
    }
    server
        .get(
            "/api/v4/hooks/incoming",
            200,
            &json!([made("secrethook", "user_id", USER01), made("other", "user_id", ADMIN)]),
        )
        .await;
    server
        .get(
            "/api/v4/hooks/outgoing",
            200,
            &json!([made("out", "creator_id", USER01), made("other", "creator_id", ADMIN)]),
        )
        .await;
    server.get("/api/v4/teams", 200, &json!([{"id": "team1"}])).await;
    server
        .get(
            "/api/v4/commands",
            200,
            &json!([made("cmd", "creator_id", USER01), made("other", "creator_id", ADMIN)]),
        )
        .await;
    server
        .get(
            "/api/v4/oauth/apps",
            200,
            &json!([made("app", "creator_id", USER01), made("other", "creator_id", ADMIN)]),
        )
        .await;
    let consents = format!("/api/v4/users/{USER01}/oauth/apps/authorized");
    server
        .get(&consents, 200, &json!([made("consent", "creator_id", ADMIN)]))
        .await;
    server.get(&format!("/api/v4/users/{USER01}/sessions"), 200, &json!([])).await;
    server.get(&format!("/api/v4/users/{USER01}/tokens"), 200, &json!([])).await;
    let access = look(&server, &GRANTS).await;
    let mut names: Vec<_> = access
        .grants
        .iter()
        .map(|Grant { name, .. }| (name.kind, name.id.as_str()))
        .collect();
    names.sort_unstable();
    let (hook, _) = names
        .iter()
        .map(|(kind, id)| (*id, *kind))
        .find(|(_, kind)| *kind == GrantKind::IncomingWebhook)
        .unwrap();
    assert!(hook.starts_with("sha256:"), "{hook}");
    assert_eq!(
        names,
        [
            (GrantKind::OauthAuthorization, "consent"),
            (GrantKind::OauthApp, "app"),
            (GrantKind::Bot, "botalive"),
            (GrantKind::BotToken, "t-botalive"),
            (GrantKind::BotToken, "t-botdisabled"),
            (GrantKind::IncomingWebhook, hook),
            (GrantKind::OutgoingWebhook, "out"),
            (GrantKind::SlashCommand, "cmd"),
        ]
    );
    assert_eq!(access.listed, GRANTS.into());
    let text = serde_json::to_string(&access).unwrap();
    assert!(!text.contains("secrethook") && !text.contains("topsecret"));
    let parent = access.of(GrantKind::BotToken).next().unwrap().name.parent.as_deref();
    assert_eq!(parent, Some("botalive"));
}

#[tokio::test]
async fn a_feature_that_is_switched_off_is_unseen() {
    let server = server().await;
    server.recorded("incoming-webhooks-disabled", 0).await;
    server.get("/api/v4/bots", 200, &json!([])).await;
    server
        .respond(
            "GET",
            "/api/v4/oauth/apps",
            refusal(501, "api.oauth.allow_oauth.turn_off.app_error"),
        )
        .await;
    let access = look(&server, &[GrantKind::IncomingWebhook, GrantKind::OauthApp]).await;
    assert_eq!(access.listed, kinds(&[]));
    assert!(access.unseen[&GrantKind::IncomingWebhook].starts_with("incoming webhooks are switched off"));
    assert!(access.unseen[&GrantKind::OauthApp].starts_with("OAuth apps are switched off"));
}

#[tokio::test]
async fn a_kind_that_we_may_not_list_is_unseen() {
    let server = server().await;
    server
        .respond("GET", "/api/v4/bots", refusal(403, "api.context.permissions.app_error"))
        .await;
    let access = look(&server, &[GrantKind::Bot, GrantKind::BotToken]).await;
    assert_eq!(
        access.unseen.keys().copied().collect::<Vec<_>>(),
        [GrantKind::Bot, GrantKind::BotToken]
    );
    assert!(access.listed.is_empty());
}

#[tokio::test]
async fn a_list_that_shows_only_our_own_is_unseen() {
    let server = TestServer::bare("").await;
    server
        .get("/api/v4/users/me", 200, &account(ADMIN, "operator", "system_user revoker", 0))
        .await;
    server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
    let roles = json!([{"permissions": ["view_members"]}, {"permissions": ["edit_other_users", "manage_incoming_webhooks", "read_others_bots"]}]);
    server.post("/api/v4/roles/names", 200, &roles).await;
    server.recorded("user-by-id", 0).await;
    server.get("/api/v4/hooks/incoming", 200, &json!([])).await;
    server.get("/api/v4/bots", 200, &json!([])).await;
    let access = look(&server, &[GrantKind::IncomingWebhook, GrantKind::Bot]).await;
    assert_eq!(
        access.listed,
        kinds(&[GrantKind::Bot]),
        "the operator account may list those of others"
    );
    assert!(access.unseen[&GrantKind::IncomingWebhook].contains("only those of its own"));
}

#[tokio::test]
async fn a_suspended_account_is_shown_as_such_and_sso_is_a_door() {
    let server = TestServer::new().await;
    let mut user = account(USER01, "user01", "system_user", 1_795_477_459_552);
    user["auth_service"] = json!("gitlab");
    server.get(&format!("/api/v4/users/{USER01}"), 200, &user).await;
    let access = look(&server, &[]).await;
    assert!(access.suspended());
    assert!(access.doors()[0].says.contains("gitlab"), "{:?}", access.doors());
    assert!(access.account.revived_elsewhere && !access.account.own_password);
}

#[tokio::test]
async fn an_account_that_is_gone_is_not_an_account_without_access() {
    let server = TestServer::new().await;
    let id = "zzzzzzzzzzzzzzzzzzzzzzzzzz";
    server.recorded("user-by-id-unknown", 0).await;
    server.get(&format!("/api/v4/users/{id}/sessions"), 200, &json!([])).await;
    let error = server
        .target
        .observe(
            &server.context,
            &principal(id),
            &ObservationRequest::now(kinds(&[GrantKind::Session])),
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
}

#[tokio::test]
async fn an_administrator_on_whom_we_may_not_act_does_not_pause_the_lane() {
    let server = TestServer::bare("").await;
    server
        .get("/api/v4/users/me", 200, &account(ADMIN, "operator", "system_user", 0))
        .await;
    server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
    server
        .post("/api/v4/roles/names", 200, &json!([{"permissions": ["edit_other_users"]}]))
        .await;
    server.recorded("user-by-id", 0).await;
    let sessions = format!("/api/v4/users/{USER01}/sessions");
    server
        .respond("GET", &sessions, refusal(403, "api.context.permissions.app_error"))
        .await;
    let asked = kinds(&[GrantKind::Session]);
    let admin = with_trait(USER01, PrincipalTrait::Admin);
    let error = server
        .target
        .observe(&server.context, &admin, &ObservationRequest::now(asked.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp);
    let error = server
        .target
        .observe(&server.context, &principal(USER01), &ObservationRequest::now(asked.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        error.remedy,
        Remedy::Pause,
        "of anybody else it is our own permission that is missing"
    );
}
