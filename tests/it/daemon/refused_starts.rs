//! What the daemon refuses to start with, and what `trail verify` finds.

use std::fs;
use std::os::unix::fs::symlink;

use sqlx::Row as _;

use super::under_way::stopped_in_the_middle;
use super::{Installation, InstallationPlan};

/// An installation that has worked and is stopped.
async fn worked() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    assert_eq!(site.revoke("username:user01", "departed", &[]).await.code, 0);
    assert_eq!(site.revoke("username:user02", "compromised", &[]).await.code, 0);
    running.stop().await;
    site
}

#[tokio::test]
async fn a_second_daemon_is_refused_under_every_name_of_the_store() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    symlink(site.path("."), site.path("elsewhere")).unwrap();
    symlink(site.store(), site.path("other.db")).unwrap();
    let before = site.entries_of_trail().await.len();
    for path in ["revoked.db", "elsewhere/revoked.db", "other.db"] {
        let said = site.says(&["run", "--store", &site.path(path).display().to_string()]).await;
        assert_eq!(said.code, 4, "{path}: {said:?}");
        assert!(said.err.contains("already runs"), "{said:?}");
    }
    assert_eq!(site.entries_of_trail().await.len(), before);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_untouched_by_the_daemon_and_by_commands() {
    let site = worked().await;
    let mut conn = site.sql().await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let bytes = fs::read(site.store()).unwrap();
    for args in [
        &["run"][..],
        &["status"],
        &["revoke", "username:user03", "--reason", "departed"],
        &["trail", "verify"],
    ] {
        let said = site.says(args).await;
        assert!(said.code == 3 && said.err.contains("newer revoked"), "{args:?}: {said:?}");
    }
    assert!(fs::read(site.store()).unwrap() == bytes, "the store was written");
}

#[tokio::test]
async fn one_flipped_byte_in_the_trail_is_found_and_named() {
    let site = worked().await;
    assert_eq!(site.says(&["trail", "verify", "--json"]).await.done()["verified"], true);
    let mut conn = site.sql().await;
    let rows = sqlx::query("SELECT seq, body FROM trail ORDER BY seq")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let whole = fs::read(site.store()).unwrap();
    for row in rows.iter().step_by(rows.len() / 8) {
        let (seq, body): (i64, String) = (row.get(0), row.get(1));
        let start = &body.as_bytes()[..40.min(body.len())];
        // A page that was split keeps what it gave away as garbage, so the same bytes may stand in the file twice.
        let places: Vec<usize> = (0..whole.len() - start.len())
            .filter(|n| whole[*n..].starts_with(start))
            .collect();
        assert!(!places.is_empty(), "entry {seq} is not in the file");
        let mut bytes = whole.clone();
        for place in places {
            bytes[place + 20] ^= 1;
        }
        fs::write(site.store(), &bytes).unwrap();
        let said = site.says(&["trail", "verify", "--json"]).await;
        assert_eq!(said.code, 5, "entry {seq}: {said:?}");
        let report = said.json();
        assert_eq!(
            (&report["verified"], &report["first_bad"]),
            (&false.into(), &seq.into()),
            "{report:#}"
        );
    }
    fs::write(site.store(), &whole).unwrap();
    assert_eq!(site.says(&["trail", "verify", "--json"]).await.done()["verified"], true);
}

#[tokio::test]
async fn a_daemon_does_not_start_on_a_trail_shorter_than_its_anchor() {
    let site = worked().await;
    let earlier = fs::read(site.store()).unwrap();
    let running = site.start().await;
    assert_eq!(site.revoke("username:user03", "departed", &[]).await.code, 0);
    running.stop().await;
    fs::write(site.store(), &earlier).unwrap();
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("shorter than its anchor"), "{said:?}");
    let verified = site.says(&["trail", "verify", "--json"]).await;
    assert_eq!(verified.code, 5, "{verified:?}");
    assert!(fs::read(site.store()).unwrap() == earlier, "the store was written");
}

#[tokio::test]
async fn damage_anywhere_in_the_file_is_named_or_harmless_and_never_a_panic() {
    let site = worked().await;
    let whole = fs::read(site.store()).unwrap();
    let mut found = 0;
    let mut draw = 7_u64;
    // Most of a store that is young has nothing to damage.
    for n in 0..400 {
        if n >= 40 && found > 0 {
            break;
        }
        draw = draw
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(draw >> 16).unwrap() % whole.len();
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        fs::write(site.store(), &bytes).unwrap();
        for args in [&["trail", "verify"][..], &["status"]] {
            let said = site.says(args).await;
            assert!([0, 1, 3, 5].contains(&said.code), "{place}: {args:?}: {said:?}");
            assert!(!said.err.contains("panicked"), "{place}: {args:?}: {said:?}");
            found += i32::from(said.code != 0);
        }
    }
    assert!(found > 0, "no damage was ever seen");
}

#[tokio::test]
async fn a_config_that_is_wrong_is_refused_with_everything_that_is_wrong_with_it() {
    let site = Installation::new(InstallationPlan {
        rate: "10",
        watch: "[\"2s\", \"1s\"]",
        policy: "protected = [\"alice\"]\nprotcted = []",
        target: "tokn = 1",
        more: "[[source]]\nname = \"idp\"\nkind = \"ssf-psh\"\n[playbook.departed.chta]\nblock = true",
        ..InstallationPlan::default()
    })
    .await;
    for args in [&["run"][..], &["check"], &["check", "--offline"]] {
        let said = site.says(args).await;
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        for what in [
            "\"10\" is not a rate",
            "each later than the one before",
            "protected: cannot tell what \"alice\" names",
            "`protcted`; did you mean `protected`",
            "`tokn`; did you mean `token`",
            "did you mean \"ssf-push\"",
            "no target is called `chta`; did you mean `chat`",
        ] {
            assert!(said.err.contains(what), "{args:?} does not say {what}: {}", said.err);
        }
    }
    assert!(!site.store().exists());
}

#[tokio::test]
async fn a_credential_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Installation::new(InstallationPlan::default()).await;
    fs::set_permissions(site.path("chat-token"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = site.says(&["run"]).await;
    assert!(said.code == 2 && said.err.contains("chmod 600"), "{said:?}");
    assert!(!site.store().exists());
}

#[tokio::test]
async fn a_port_that_is_taken_costs_no_attempt_however_often_the_daemon_is_started() {
    let site = stopped_in_the_middle().await;
    assert!(site.count("SELECT count(*) FROM job WHERE state = 'queued'").await > 0);
    let attempts = "SELECT sum(attempt) FROM job";
    let before = (
        site.count(attempts).await,
        site.entries_of_trail().await.len(),
        site.chat().requests().len(),
    );
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = fs::read_to_string(site.config()).unwrap();
    let taken = config.replace("127.0.0.1:0", &other.local_addr().unwrap().to_string());
    fs::write(site.config(), taken).unwrap();
    for _ in 0..5 {
        let said = site.says(&["run"]).await;
        assert!(said.code == 1 && said.err.contains("listening at"), "{said:?}");
    }
    let after = (
        site.count(attempts).await,
        site.entries_of_trail().await.len(),
        site.chat().requests().len(),
    );
    assert_eq!(after, before);
}
