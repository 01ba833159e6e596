//! From a subject to an account: unknown and ambiguous are never success.

use std::collections::BTreeSet;
use std::time::Duration;

use revoked::model::{PrincipalTrait, Priority, Resolution, Subject};
use revoked::targets::Remedy;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::test_server::{ADMIN, TestServer, USER01, account, refusal, steps};

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_account_is_found_by_id_name_and_address() {
    let server = TestServer::new().await;
    server.recorded("user-by-id", 0).await;
    server.recorded("user-by-email", 0).await;
    server.recorded("user-by-username", 0).await;
    for text in [
        "opaque:npryem6qbfdcxji356uo9tc33o",
        "email:USER01@Example.TEST",
        "acct:user01@example.test",
        "username:@User01",
    ] {
        let principal = server.resolve(text).await;
        assert_eq!(principal.id, USER01, "{text}");
        assert_eq!(
            principal.names,
            [
                subject("opaque:npryem6qbfdcxji356uo9tc33o"),
                subject("username:user01"),
                subject("email:user01@example.test")
            ]
        );
        assert!(principal.traits.is_empty());
    }
}

#[tokio::test]
async fn an_address_with_a_plus_is_found() {
    let server = TestServer::new().await;
    server.recorded("user-by-email-plus", 2).await;
    assert_eq!(steps("user-by-email-plus")[2]["label"], "encoded");
    server.resolve("email:plus+tag@example.test").await;
}

#[tokio::test]
async fn nobody_is_only_what_the_server_says_with_a_request_id() {
    let server = TestServer::new().await;
    server.recorded("user-by-id-unknown", 0).await;
    server.recorded("user-by-email-unknown", 0).await;
    server.recorded("user-by-username-unknown", 0).await;
    for text in [
        "opaque:zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "email:nobody@example.test",
        "username:nobody",
    ] {
        let found = server.target.resolve(&server.context, &subject(text)).await.unwrap();
        assert_eq!(found, Resolution::None, "{text}");
    }
}

#[tokio::test]
async fn a_404_that_is_not_about_the_account_is_not_nobody() {
    let server = TestServer::new().await;
    let route = &steps("unknown-endpoint")[1]["response"];
    let answers = [
        ResponseTemplate::new(404).set_body_string(route["body"].as_str().unwrap()),
        ResponseTemplate::new(404).set_body_string("<html>not found</html>"),
        ResponseTemplate::new(404).set_body_json(json!({ "id": "app.user.missing_account.const" })),
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        server.respond("GET", &format!("/api/v4/users/username/u{n}"), answer).await;
        let error = server
            .target
            .resolve(&server.context, &subject(&format!("username:u{n}")))
            .await
            .unwrap_err();
        assert!(matches!(error.remedy, Remedy::Pause | Remedy::Retry), "{error}");
    }
}

#[tokio::test]
async fn names_of_two_accounts_are_ambiguous_and_of_one_are_one() {
    let server = TestServer::new().await;
    server.recorded("user-by-id", 0).await;
    server.recorded("user-by-email", 0).await;
    server.recorded("user-by-username-unknown", 0).await;
    server
        .get(
            "/api/v4/users/username/other",
            200,
            &account("aaaaaaaaaaaaaaaaaaaaaaaaaa", "other", "system_user", 0),
        )
        .await;
    let two = subject("aliases:email:user01@example.test\nusername:other");
    let found = server.target.resolve(&server.context, &two).await.unwrap();
    assert_eq!(
        found,
        Resolution::Ambiguous(vec!["aaaaaaaaaaaaaaaaaaaaaaaaaa".into(), USER01.into()])
    );
    let one = server
        .resolve("aliases:email:user01@example.test\nusername:nobody\nopaque:npryem6qbfdcxji356uo9tc33o\nemployee_id:4711")
        .await;
    assert_eq!(one.id, USER01);
}

#[tokio::test]
async fn a_form_that_names_no_account_here_is_an_error_that_says_which_do() {
    let server = TestServer::new().await;
    for text in [
        "iss_sub:https://idp.example.com#jane",
        "employee_id:4711",
        "opaque:4711",
        "username:a/b",
    ] {
        let error = server.target.resolve(&server.context, &subject(text)).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::GiveUp);
        assert!(error.to_string().contains("email:<address>"), "{error}");
    }
    assert_eq!(server.sent("GET").await, Vec::<String>::new(), "nothing was asked");
}

#[tokio::test]
async fn somebody_elses_account_is_not_taken() {
    let server = TestServer::new().await;
    server
        .get(
            "/api/v4/users/email/alice@example.test",
            200,
            &account(USER01, "user01", "system_user", 0),
        )
        .await;
    let error = server
        .target
        .resolve(&server.context, &subject("email:alice@example.test"))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(
        !error.to_string().contains("alice@"),
        "an address must not reach a log: {error}"
    );
}

#[tokio::test]
async fn what_is_special_about_an_account_is_found_out() {
    let server = TestServer::new().await;
    let ldap = json!({"id": USER01, "username": "user01", "email": "", "delete_at": 0, "auth_service": "ldap", "is_bot": true});
    server.get(&format!("/api/v4/users/{USER01}"), 200, &ldap).await;
    let principal = server.resolve(&format!("opaque:{USER01}")).await;
    assert_eq!(
        principal.traits,
        [PrincipalTrait::ManagedBy("ldap".into()), PrincipalTrait::Bot].into()
    );
}

#[tokio::test]
async fn we_know_ourselves_and_the_last_person_who_is_an_administrator() {
    let server = TestServer::new().await;
    server
        .get(
            &format!("/api/v4/users/{ADMIN}"),
            200,
            &account(ADMIN, "admin", "system_admin system_user", 0),
        )
        .await;
    let mut bot = account("aneazdskr7fi5kwdoptfqa84yh", "revoked-bot", "system_user system_admin", 0);
    bot["is_bot"] = json!(true);
    let users = json!([
        account(ADMIN, "admin", "system_admin system_user", 0),
        bot,
        account(
            "6xmzfjwkjigd3euo976yistmpa",
            "gone",
            "system_admin system_user",
            1_795_477_459_552_i64
        ),
        account(
            "9y493xrn7ib6if1k9x3knjy51r",
            "almost",
            "system_user system_admin_of_nothing",
            0
        ),
    ]);
    server.get("/api/v4/users", 200, &users).await;
    let principal = server.resolve(&format!("opaque:{ADMIN}")).await;
    assert_eq!(
        principal.traits,
        [PrincipalTrait::Ourselves, PrincipalTrait::LastAdmin, PrincipalTrait::Admin].into()
    );
}

#[tokio::test]
async fn one_of_two_administrators_is_not_the_last() {
    let server = TestServer::new().await;
    let sysadmin2 = account("6xmzfjwkjigd3euo976yistmpa", "sysadmin2", "system_user system_admin", 0);
    server.get("/api/v4/users/username/sysadmin2", 200, &sysadmin2).await;
    server
        .get(
            "/api/v4/users",
            200,
            &json!([sysadmin2, account(ADMIN, "admin", "system_admin", 0)]),
        )
        .await;
    assert_eq!(
        server.resolve("username:sysadmin2").await.traits,
        [PrincipalTrait::Admin].into()
    );
}

#[tokio::test]
async fn the_owner_of_the_bot_that_we_are_is_known_as_such_until_the_bot_is_given_away() {
    let server = TestServer::bare("").await;
    let mut me = account("aneazdskr7fi5kwdoptfqa84yh", "revoked-bot", "system_user system_admin", 0);
    me["is_bot"] = json!(true);
    server.get("/api/v4/users/me", 200, &me).await;
    server
        .get("/api/v4/users/aneazdskr7fi5kwdoptfqa84yh/tokens", 200, &json!([]))
        .await;
    let bot = json!({"user_id": "aneazdskr7fi5kwdoptfqa84yh", "owner_id": USER01, "create_at": 1, "delete_at": 0});
    server.get("/api/v4/bots/aneazdskr7fi5kwdoptfqa84yh", 200, &bot).await;
    server.recorded("user-by-id", 0).await;
    let subject = format!("opaque:{USER01}");
    assert_eq!(server.resolve(&subject).await.traits, [PrincipalTrait::OwnsUs].into());
    // Whose the bot is is asked afresh each time that it matters.
    server.mock.reset().await;
    let bot = json!({"user_id": "aneazdskr7fi5kwdoptfqa84yh", "owner_id": ADMIN, "create_at": 1, "delete_at": 0});
    server.get("/api/v4/bots/aneazdskr7fi5kwdoptfqa84yh", 200, &bot).await;
    server.recorded("user-by-id", 0).await;
    assert_eq!(server.resolve(&subject).await.traits, [].into());
}

#[tokio::test]
async fn an_address_that_we_may_not_see_pauses_the_lane() {
    let server = TestServer::new().await;
    server
        .respond(
            "GET",
            "/api/v4/users/email/a@example.test",
            refusal(403, "api.context.permissions.app_error"),
        )
        .await;
    let error = server
        .target
        .resolve(&server.context, &subject("email:a@example.test"))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause);
    assert_eq!(error.request.as_deref(), Some("8cjzibpiu7dutky6cxunk4o8zy"));
}

#[tokio::test]
async fn who_we_are_is_asked_again_in_the_call_that_looks_somebody_up() {
    let mut server = TestServer::new().await;
    server.context = server.context.at(Priority::ROUTINE);
    server.recorded("user-by-id", 0).await;
    let subject = format!("opaque:{USER01}");
    let before = server.resolve(&subject).await;
    let us = account(ADMIN, "admin", "system_user system_admin", 0);
    let both = json!([us, account(USER01, "user01", "system_user", 0)]);
    server.post("/api/v4/users/ids", 200, &both).await;
    let asked = server.mock.received_requests().await.unwrap().len();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(server.resolve(&subject).await.id, before.id);
    let requests = server.mock.received_requests().await.unwrap();
    let paths: Vec<&str> = requests[asked..].iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, ["/api/v4/users/ids"]);
    assert_eq!(
        requests[asked].body_json::<BTreeSet<String>>().unwrap(),
        [USER01, ADMIN].map(str::to_owned).into()
    );
}
