//! What newer servers do differently, as the upstream source and its pull requests have it.

use revoked_sandbox::world::{Code, SessionKind};
use revoked_sandbox::{Options, Version, World};

use super::test_server::TestServer;

async fn at(version: &str) -> TestServer {
    let mut world = World::fixture(1, 20);
    world.version = version.parse::<Version>().unwrap();
    TestServer::with(world, Options::default()).await
}

#[tokio::test]
async fn the_version_is_in_a_header_of_every_answer() {
    let server = at("10.9").await;
    let answer = server.send("GET", "/api/v4/users/me", "").await.unwrap();
    assert!(answer.headers()["x-version-id"].to_str().unwrap().starts_with("10.9.0."));
}

#[tokio::test]
async fn an_orphan_stops_revoke_all_from_10_8_on_and_a_retry_passes() {
    for (version, expected) in [("10.7", 200), ("10.8", 500)] {
        let server = at(version).await;
        {
            let mut world = server.sandbox.world();
            let victim = world.person("user01").unwrap().id;
            let access = world.grants().find(|grant| grant.person == victim).unwrap().access;
            world.remove_grant(access);
        }
        assert_eq!(server.status("POST", &server.revoke_all_path()).await, expected, "{version}");
        assert_eq!(server.list(&server.sessions_path()).await.is_empty(), expected == 200);
        assert_eq!(server.status("POST", &server.revoke_all_path()).await, 200);
        assert!(server.list(&server.sessions_path()).await.is_empty());
    }
}

#[tokio::test]
async fn ldap_people_are_not_deactivated_by_put_active_from_10_2_on() {
    let server = at("10.2").await;
    let managed = server.sandbox.world().person("user05").unwrap().id;
    let (status, id) = server
        .refusal("PUT", &format!("/api/v4/users/{managed}/active"), r#"{"active": false}"#)
        .await;
    assert_eq!(status, 403);
    assert!(id.contains("managed_by_ldap"), "{id}");
    assert_eq!(server.status("DELETE", &format!("/api/v4/users/{managed}")).await, 200);
    assert!(!server.sandbox.world().person("user05").unwrap().is_active());
    // The next synchronisation brings back whoever the directory still has.
    server.sandbox.world().synchronise_directory(1_770_000_000_000);
    assert!(server.sandbox.world().person("user05").unwrap().is_active());
}

#[tokio::test]
async fn deactivation_ends_a_pending_code_from_7_10_on() {
    for (version, survives) in [("7.9", true), ("7.10", false)] {
        let server = at(version).await;
        let victim = server.victim();
        {
            let mut world = server.sandbox.world();
            let app = world.apps.iter().next().unwrap().id;
            let code = Code {
                app,
                person: victim,
                expires_at: i64::MAX,
                redirect_uri: String::new(),
            };
            world.codes.insert("code".to_owned(), code);
        }
        assert_eq!(server.status("DELETE", &format!("/api/v4/users/{victim}")).await, 200);
        assert_eq!(server.sandbox.world().codes.contains_key("code"), survives, "{version}");
    }
}

#[tokio::test]
async fn sockets_fall_silent_with_a_revocation_from_9_10_on_and_before_with_a_nudge() {
    for (version, muted) in [("9.9", 0), ("9.10", 1)] {
        let server = at(version).await;
        let victim = server.victim();
        server.sandbox.world().person_mut(victim).unwrap().sockets = 1;
        server.status("POST", &server.revoke_all_path()).await;
        assert_eq!(
            server.sandbox.world().person("user01").unwrap().muted_sockets,
            muted,
            "{version}"
        );
        server
            .send("PUT", &format!("/api/v4/users/{victim}/patch"), "{}")
            .await
            .unwrap();
        assert_eq!(server.sandbox.world().person("user01").unwrap().muted_sockets, 1);
    }
}

#[tokio::test]
async fn a_password_change_ends_sessions_from_9_10_on() {
    for (version, ended) in [("9.9", false), ("9.10", true)] {
        let server = at(version).await;
        let stolen = server.stolen();
        let path = format!("/api/v4/users/{}/password", server.victim());
        let answer = server
            .send("PUT", &path, r#"{"new_password": "Fresh-passw0rd"}"#)
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(server.is_in(0, stolen).await, !ended, "{version}");
    }
}

#[tokio::test]
async fn a_refresh_token_without_a_session_outlives_deactivation_until_it_is_fixed() {
    for (version, refused) in [("10.10", false), ("10.11", true)] {
        let server = at(version).await;
        let victim = server.victim();
        let form = {
            let mut world = server.sandbox.world();
            let grant = world.grants().find(|grant| grant.person == victim).unwrap().clone();
            let session = world.session_by_token(grant.access).unwrap().id;
            world.remove_session(session);
            let secret = world.apps.get(grant.app).unwrap().client_secret.unwrap();
            let refresh = grant.refresh.unwrap();
            format!(
                "grant_type=refresh_token&client_id={}&client_secret={secret}&refresh_token={refresh}",
                grant.app
            )
        };
        assert_eq!(server.status("DELETE", &format!("/api/v4/users/{victim}")).await, 200);
        let answer = server.send("POST", "/oauth/access_token", &form).await.unwrap();
        assert_eq!(answer.status().is_client_error(), refused, "{version}");
        let minted = server.sandbox.world().sessions_of(victim).len();
        assert_eq!(minted, usize::from(!refused));
    }
}

#[tokio::test]
async fn an_editor_of_others_may_not_touch_an_administrator_on_newer_servers() {
    for (version, expected) in [("6.7", 200), ("10.9", 403)] {
        let server = at(version).await;
        let (editor, admin) = {
            let mut world = server.sandbox.world();
            world.roles.permit("system_user", &["edit_other_users"]);
            let editor = world.person("user02").unwrap().id;
            let session = world.sessions_of(editor)[0];
            assert!(matches!(world.session(session).unwrap().kind, SessionKind::Login(_)));
            (world.session(session).unwrap().token, world.person("admin").unwrap().id)
        };
        let path = format!("/api/v4/users/{admin}/sessions/revoke/all");
        let answer = server.send_to(0, editor, "POST", &path, "").await.unwrap();
        assert_eq!(answer.status(), expected, "{version}");
    }
}
