//! PostgreSQL for real: what a role holds, ended; and everything that must not be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use revoked::model::{Action, GrantKind, GrantRef, PasswordReset, PrincipalTrait, Resolution, Verdict};
use revoked::targets::postgresql::KIND;
use revoked::targets::{Level, Remedy, TargetError};
use tokio::io::AsyncReadExt as _;

use super::{Built, complaints, demand};
use crate::harness::{Installation, InstallationPlan};
use crate::servers::{Postgresql, System as _, that_work};

const OURS: &str = "revoked_ops";
const SECRET: &str = "revoked-of-the-tests";
const NONE: &[String] = &[];

/// A server with a role of ours that has the rights that the page names.
struct Fixture {
    server: Postgresql,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn start() -> Option<Self> {
        let server = Postgresql::start().await?;
        let make = format!(
            "CREATE ROLE {OURS} LOGIN CREATEROLE PASSWORD '{SECRET}'; GRANT pg_signal_backend, pg_read_all_stats TO {OURS}"
        );
        server.administer(&make).await;
        let folder = tempfile::tempdir().unwrap();
        let this = Self { server, folder };
        this.secret(SECRET);
        Some(this)
    }

    fn secret(&self, text: &str) {
        let path = self.folder.path().join("password");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn table(&self, more: &str) -> String {
        let port = self.server.port();
        let password = self.folder.path().join("password");
        let password = password.to_str().unwrap();
        format!("host = \"127.0.0.1\"\nport = {port}\nuser = \"{OURS}\"\npassword = {{ file = {password:?} }}\n{more}\n")
    }

    fn built(&self) -> Built {
        Built::new(&KIND, &self.table(""))
    }
}

#[tokio::test]
async fn a_role_is_shut_out_and_its_connections_end_and_the_neighbour_goes_on() {
    let Some(fixture) = Fixture::start().await else { return };
    let (alice, bob) = (fixture.server.person("alice").await, fixture.server.person("bob").await);
    let built = fixture.built();
    let principal = built.resolve("username:alice").await;
    let kinds = [GrantKind::Connection, GrantKind::Session, GrantKind::AccessToken];
    let verdict = built
        .contain(&principal, &demand(kinds, true, PasswordReset::Always))
        .await
        .unwrap();
    assert_eq!(verdict, Ok(Verdict::Contained));
    assert_eq!(that_work(&fixture.server, &alice, true).await, NONE);
    assert_eq!(that_work(&fixture.server, &bob, false).await, NONE);
    // Enabled again, nothing that was held works.
    let released = built
        .target
        .apply(&built.context, &Action::Release, std::slice::from_ref(&principal))
        .await;
    assert!(!released.unwrap().already);
    assert!(!built.observe(&principal).await.unwrap().suspended());
    assert_eq!(that_work(&fixture.server, &alice, true).await, NONE, "its password is gone");
}

#[tokio::test]
async fn a_suspension_that_is_lifted_revives_the_password_and_no_connection() {
    let Some(fixture) = Fixture::start().await else { return };
    let alice = fixture.server.person("alice").await;
    let built = fixture.built();
    let principal = built.resolve("username:alice").await;
    let verdict = built
        .contain(&principal, &demand([GrantKind::Connection], true, PasswordReset::Never))
        .await
        .unwrap();
    assert_eq!(verdict, Ok(Verdict::Contained));
    let suspended = built.observe(&principal).await.unwrap();
    assert!(
        suspended.account.suspended_at.is_some(),
        "which is how ours is told from others'"
    );
    assert_eq!(
        suspended.account.suspended_at,
        built.observe(&principal).await.unwrap().account.suspended_at
    );
    assert!(
        !suspended.account.doors_once_enabled.is_empty(),
        "the rehearsal of a release says it"
    );
    let one = std::slice::from_ref(&principal);
    assert!(
        built
            .target
            .apply(&built.context, &Action::Suspend, one)
            .await
            .unwrap()
            .already
    );
    built.target.apply(&built.context, &Action::Release, one).await.unwrap();
    assert_eq!(that_work(&fixture.server, &alice, true).await, [format!("{:?}", alice[0])]);
}

#[tokio::test]
async fn a_number_that_another_connection_has_by_now_is_left_alone() {
    let Some(fixture) = Fixture::start().await else { return };
    let alice = fixture.server.person("alice").await;
    let built = fixture.built();
    let principal = built.resolve("username:alice").await;
    let seen = built.observe(&principal).await.unwrap();
    let id = &seen.grants[0].name.id;
    let (pid, began) = id.split_once(':').unwrap();
    let one = std::slice::from_ref(&principal);
    let end = async |id: String| {
        let grant = GrantRef::new(GrantKind::Connection, id);
        built.target.apply(&built.context, &Action::End { grant }, one).await
    };
    let other = began.parse::<i64>().unwrap() + 1;
    assert!(end(format!("{pid}:{other}")).await.unwrap().already);
    assert_eq!(that_work(&fixture.server, &alice, false).await, NONE);
    assert_eq!(end("1; DROP TABLE x".to_owned()).await.unwrap_err().remedy, Remedy::GiveUp);
    assert!(!end(id.clone()).await.unwrap().already);
    assert!(end(id.clone()).await.unwrap().already, "ended twice is ended");
    assert_eq!(that_work(&fixture.server, &alice, false).await.len(), 1);
    // Of somebody else's, by the same number, with our principal: nothing.
    let _held = fixture.server.person("bob").await;
    let bob = built.resolve("username:bob").await;
    let theirs = built.observe(&bob).await.unwrap().grants[0].name.id.clone();
    assert!(end(theirs).await.unwrap().already);
    assert_eq!(built.observe(&bob).await.unwrap().grants.len(), 2);
}

#[tokio::test]
async fn names_are_taken_as_written_and_never_as_code() {
    let Some(fixture) = Fixture::start().await else { return };
    fixture.server.person("bystander").await;
    let long = "x".repeat(63);
    let names = [
        "Alice",
        "al\"ice",
        "al'ice",
        "al%Iice",
        "al%Lice; DROP ROLE bystander",
        "\\'; DROP ROLE bystander; --",
        "$(touch pwned)",
        "-alice",
        "al ice",
        "álïcé",
        &long,
    ];
    let built = fixture.built();
    assert_eq!(built.resolution("username:alice").await.unwrap(), Resolution::None);
    for name in names {
        fixture.server.person(name).await;
        let principal = built.resolve(&format!("username:{name}")).await;
        let verdict = built
            .contain(&principal, &demand([GrantKind::Connection], true, PasswordReset::Always))
            .await
            .unwrap();
        assert_eq!(verdict, Ok(Verdict::Contained), "{name}");
        let by_id = built.resolve(&format!("opaque:{}", principal.id)).await;
        assert_eq!(by_id.names, principal.names);
    }
    for nobody in [
        "username:alice",
        "username:ALICE",
        "username:al_ce",
        "username:%",
        "opaque:999999",
        "opaque:0x10",
        "opaque:1",
    ] {
        match built.resolution(nobody).await {
            Ok(found) => assert_eq!(found, Resolution::None, "{nobody}"),
            Err(error) => assert_eq!(error.remedy, Remedy::GiveUp, "{nobody}"),
        }
    }
    // The server cuts longer names to 63 bytes where it takes them for one.
    assert_eq!(
        built.resolution(&format!("username:{long}x")).await.unwrap(),
        Resolution::None
    );
    let bystander = built.resolve("username:bystander").await;
    assert!(!bystander.account.suspended);
}

#[tokio::test]
async fn a_superuser_and_our_own_role_are_refused_with_the_reason() {
    let Some(fixture) = Fixture::start().await else { return };
    fixture.server.person("root").await;
    fixture.server.administer("ALTER ROLE root SUPERUSER").await;
    let built = fixture.built();
    let root = built.resolve("username:root").await;
    assert!(root.traits.contains(&PrincipalTrait::Admin) && !root.traits.contains(&PrincipalTrait::LastAdmin));
    let ours = built.resolve(&format!("username:{OURS}")).await;
    assert!(ours.traits.contains(&PrincipalTrait::Ourselves));
    for (principal, word) in [(root, "a superuser, on whom only a superuser may act"), (ours, "lock us out")] {
        for action in [
            Action::Suspend,
            Action::ResetPassword,
            Action::EndAll {
                kind: GrantKind::Connection,
            },
        ] {
            let error = built
                .target
                .apply(&built.context, &action, std::slice::from_ref(&principal))
                .await
                .unwrap_err();
            assert!(error.remedy == Remedy::GiveUp && error.to_string().contains(word), "{error}");
        }
    }
    let last = built.resolve("username:postgres").await;
    fixture.server.administer("ALTER ROLE root NOLOGIN").await;
    assert!(!last.traits.contains(&PrincipalTrait::LastAdmin));
    assert!(
        built
            .resolve("username:postgres")
            .await
            .traits
            .contains(&PrincipalTrait::LastAdmin)
    );
}

#[tokio::test]
async fn without_a_right_the_probe_names_it_and_nothing_passes_for_contained() {
    let Some(fixture) = Fixture::start().await else { return };
    let alice = fixture.server.person("alice").await;
    let built = fixture.built();
    let principal = built.resolve("username:alice").await;
    let errors = async || {
        let probe = built.target.probe(&built.context).await.unwrap();
        let errors = probe.findings.into_iter().filter(|finding| finding.level == Level::Error);
        errors.map(|finding| finding.advice).collect::<Vec<_>>()
    };
    assert_eq!(errors().await, NONE);
    fixture
        .server
        .administer(&format!("REVOKE pg_read_all_stats FROM {OURS}"))
        .await;
    assert_eq!(errors().await, ["GRANT pg_read_all_stats TO <ours>"]);
    assert_eq!(built.observe(&principal).await.unwrap_err().remedy, Remedy::Pause);
    // Nobody is nobody all the same: every role may read the list of roles.
    assert_eq!(built.resolution("username:carol").await.unwrap(), Resolution::None);
    fixture
        .server
        .administer(&format!(
            "GRANT pg_read_all_stats TO {OURS}; REVOKE pg_signal_backend FROM {OURS}"
        ))
        .await;
    assert_eq!(errors().await, ["GRANT pg_signal_backend TO <ours>"]);
    let end = Action::EndAll {
        kind: GrantKind::Connection,
    };
    let refused = built
        .target
        .apply(&built.context, &end, std::slice::from_ref(&principal))
        .await
        .unwrap_err();
    assert_eq!(refused.remedy, Remedy::GiveUp, "{refused}");
    fixture.server.administer(&format!("ALTER ROLE {OURS} NOCREATEROLE")).await;
    let refused = built
        .target
        .apply(&built.context, &Action::Suspend, std::slice::from_ref(&principal))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("ADMIN OPTION"), "{refused}");
    assert_eq!(that_work(&fixture.server, &alice, false).await, NONE);
}

#[tokio::test]
async fn a_wrong_password_of_ours_pauses_and_so_does_an_authority_that_is_not_the_servers() {
    let Some(fixture) = Fixture::start().await else { return };
    let ca = |name: &str| format!("ca_file = {:?}", fixture.server.folder().join(name));
    let trusted = Built::new(&KIND, &fixture.table(&ca("authority.pem")));
    let probe = trusted.target.probe(&trusted.context).await.unwrap();
    assert_eq!((probe.version.is_some(), probe.findings.as_slice()), (true, [].as_slice()));
    let stranger = Built::new(&KIND, &fixture.table(&ca("stranger.pem")));
    let error = stranger.resolution("username:alice").await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("cannot be trusted"),
        "{error}"
    );
    fixture.secret("another");
    let error = fixture.built().resolution("username:alice").await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("28P01"),
        "{error}"
    );
    assert!(!error.to_string().contains("another"), "{error}");
}

#[tokio::test]
async fn what_outlives_a_connection_is_told() {
    let Some(fixture) = Fixture::start().await else { return };
    fixture.server.person("alice").await;
    fixture
        .server
        .administer("CREATE ROLE readers; GRANT readers TO alice; ALTER ROLE alice CREATEROLE; CREATE TABLE t(); ALTER TABLE t OWNER TO alice")
        .await;
    let built = fixture.built();
    let principal = built.resolve("username:alice").await;
    let notes = built.observe(&principal).await.unwrap().notes;
    for word in [
        "it is a member of readers",
        "it owns 1 objects in the database postgres",
        "CREATEROLE",
    ] {
        assert!(notes.iter().any(|note| note.contains(word)), "{notes:?}");
    }
}

async fn hanging(built: &Built) -> TargetError {
    built.resolution("username:alice").await.unwrap_err()
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_time_limit_and_no_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut start = [0; 8];
            stream.read_exact(&mut start).await.unwrap();
            held.push(stream);
        }
    });
    let built = Built::new(
        &KIND,
        &format!("host = \"127.0.0.1\"\nport = {port}\nuser = \"x\"\ntimeout = \"300ms\"\n"),
    );
    let error = hanging(&built).await;
    assert!(
        error.remedy == Remedy::Retry && error.to_string().contains("after 300ms"),
        "{error}"
    );
    silent.abort();
    let refused = Built::new(&KIND, "host = \"127.0.0.1\"\nport = 1\nuser = \"x\"\n");
    assert_eq!(hanging(&refused).await.remedy, Remedy::Retry);
}

#[tokio::test]
async fn the_daemon_contains_a_role() {
    let Some(fixture) = Fixture::start().await else { return };
    let (alice, bob) = (fixture.server.person("alice").await, fixture.server.person("bob").await);
    let plan = InstallationPlan {
        more: r#"
[[target]]
name = "db"
kind = "postgresql"
host = "127.0.0.1"
port = 5432
user = "revoked_ops"
password = { file = "{folder}/db-password" }

[playbook.departed.db]
end = "everything"
block = true
reset_password = true
watch = []
"#,
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    let config = fs::read_to_string(site.config()).unwrap();
    let port = format!("port = {}", fixture.server.port());
    fs::write(site.config(), config.replace("port = 5432", &port)).unwrap();
    site.secret("db-password", SECRET.as_bytes());
    let running = site.start().await;
    let said = site.revoke("username:alice", "departed", &["--target", "db"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["case"]["verdict"], "contained", "{said:?}");
    assert_eq!(that_work(&fixture.server, &alice, true).await, NONE);
    assert_eq!(that_work(&fixture.server, &bob, false).await, NONE);
    // Nobody, and somebody who must not be touched.
    let nobody = site.revoke("username:carol", "departed", &["--target", "db"]).await;
    assert_eq!(nobody.json()["case"]["verdict"], "no_principal", "{nobody:?}");
    let ours = site
        .revoke(&format!("username:{OURS}"), "departed", &["--target", "db"])
        .await;
    assert_ne!(ours.json()["case"]["verdict"], "contained", "{ours:?}");
    assert!(!site.log().contains(SECRET));
    running.stop().await;
}

#[test]
fn a_table_that_would_send_the_password_in_the_open_is_refused() {
    for (toml, word) in [
        ("host = \"db.example.org\"\nuser = \"x\"", "ca_file is needed"),
        ("host = \"10.0.0.1\"\nuser = \"x\"", "ca_file is needed"),
        ("host = \"db example\"\nuser = \"x\"", "neither a host's name"),
        ("host = \"db,db2\"\nuser = \"x\"", "neither a host's name"),
        (
            "host = \"/run/postgresql\"\nuser = \"x\"\nca_file = \"/etc/hostname\"",
            "a socket has no TLS",
        ),
        (
            "host = \"127.0.0.1\"\nuser = \"x\"\npassword = \"s3cret\"",
            "never stands in the config",
        ),
        (
            "host = \"127.0.0.1\"\nuser = \"x\"\ntimeout = \"0s\"",
            "between 100ms and 10m",
        ),
        ("host = \"127.0.0.1\"\nusr = \"x\"", "did you mean `user`?"),
        ("host = \"127.0.0.1\"\nuser = \"x\"\nport = 70000", "65535"),
    ] {
        let said = complaints(&KIND, toml);
        assert!(said.contains(word) && !said.contains("s3cret"), "{toml} gave {said}");
    }
}
