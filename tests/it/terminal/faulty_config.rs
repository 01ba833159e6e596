//! A config, or a trail, that no daemon would start with: whoever has an emergency goes on, and is told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Installation, InstallationPlan};

/// Adds lines at the end of the config.
fn append(site: &Installation, lines: &str) {
    let text = fs::read_to_string(site.config()).unwrap();
    fs::write(site.config(), format!("{text}\n{lines}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_words_typed_wrong_keep_nobody_from_revoking_and_status_says_that_no_start_would_work() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    append(&site, "[alerts]\nexec = \"page\"\n[ledger]\nalert_aftre = \"1h\"");
    let refused = "the next start of the daemon would be refused: ";
    let said = site
        .says(&["revoke", "username:user01", "--reason", "compromised", "--wait"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains(refused) && said.err.contains(", and 1 more") && said.err.contains("page is no whole path"),
        "{said:?}"
    );
    let rehearsed = site
        .says(&["revoke", "username:user02", "--reason", "compromised", "--rehearse"])
        .await;
    assert!(rehearsed.code == 0 && rehearsed.err.contains(refused), "{rehearsed:?}");
    // A name that was typed wrong is the daemon's to refuse.
    let wrong = site
        .says(&["revoke", "username:user02", "--reason", "compromised", "--target", "caht"])
        .await;
    assert!(wrong.code == 16 && wrong.out.contains("no target is called"), "{wrong:?}");
    let status = site.says(&["status", "--exit-code"]).await;
    assert_eq!(status.code, 7, "{status:?}");
    let line = status.out.lines().find(|line| line.starts_with("  config ")).unwrap();
    assert!(line.contains(refused) && line.ends_with("→ revoked check"), "{line}");
    let checked = site.says(&["check"]).await;
    assert!(checked.code == 2 && checked.err.lines().count() == 2, "{checked:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_others_may_read_is_asked_with_by_the_daemon_that_has_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    fs::set_permissions(site.path("chat-token"), fs::Permissions::from_mode(0o644)).unwrap();
    for more in ["--rehearse", "--wait"] {
        let said = site
            .says(&["revoke", "username:user01", "--reason", "compromised", more])
            .await;
        assert!(said.code == 0 && said.err.contains("chmod 600"), "{more}: {said:?}");
    }
    let case = site.says(&["release", "1"]).await;
    assert!(case.code == 2 && case.err.contains("has suspended nobody"), "{case:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_toml_further_down_keeps_nobody_from_the_store_that_is_named_above_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    append(&site, "[[target");
    let said = site
        .says(&["revoke", "username:user01", "--reason", "compromised", "--wait"])
        .await;
    assert!(said.code == 0 && said.err.contains("not TOML"), "{said:?}");
    assert_eq!(site.says(&["case", "list"]).await.code, 0);
    // One that is not there was not meant.
    let mut typo = site.command(&["revoke", "username:user01", "--reason", "compromised"]);
    typo.arg("--store").arg(site.store());
    fs::remove_file(site.config()).unwrap();
    assert_eq!(typo.output().await.unwrap().status.code(), Some(2));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_that_no_daemon_would_start_on_is_not_said_to_want_a_start() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let copy = site.path("copy.db");
    assert_eq!(site.says(&["backup", copy.to_str().unwrap()]).await.code, 0);
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    running.stop().await;
    for name in ["revoked.db-wal", "revoked.db-shm"] {
        drop(fs::remove_file(site.path(name)));
    }
    fs::copy(&copy, site.store()).unwrap();
    let status = site.says(&["status"]).await.out;
    let daemon = status.lines().find(|line| line.starts_with("  daemon ")).unwrap();
    assert!(
        daemon.contains("not running, and would not start: ")
            && daemon.contains("the trail is shorter than its anchor, as after a restore")
            && daemon.ends_with("→ revoked trail verify"),
        "{status}"
    );
    assert_eq!(site.says(&["run"]).await.code, 3);
}
