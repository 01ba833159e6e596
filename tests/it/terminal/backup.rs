//! `revoked backup`: beside a daemon at work, refused where something is there, and worth what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

#[tokio::test]
async fn a_backup_beside_a_daemon_at_work_is_whole_private_and_verified() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    let copy = site.path("copy.db");
    let typed = copy.display().to_string();
    let args = ["backup", &typed, "--json"];
    let (made, _) = tokio::join!(site.says(&args), site.revoke("username:user02", "compromised", &[]));
    let made = made.done();
    assert_eq!(made["verified"], true, "{made}");
    assert!(
        made["entries"].as_u64().unwrap() >= made["signed"].as_u64().unwrap() && made["signed"].as_u64().unwrap() > 0,
        "{made}"
    );
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(made["bytes"], fs::metadata(&copy).unwrap().len());
    let places: Vec<&str> = made["save_too"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["place"].as_str().unwrap())
        .collect();
    for name in [
        "revoked.toml",
        "revoked.db.vkey",
        "outside/checkpoints",
        "trail-seed",
        "chat-token",
    ] {
        let path = site.path(name).display().to_string();
        assert!(places.contains(&path.as_str()), "{name} is missing in {places:?}");
    }
    // What was contained before is in it, and a command reads it like any store.
    let listed = site.says(&["case", "list", "--store", &typed, "--json"]).await;
    assert!(listed.out.contains("username:user01"), "{listed:?}");
    let left: Vec<_> = fs::read_dir(copy.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains(".partial")),
        "{left:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_backup_replaces_nothing_and_leaves_nothing_behind_where_it_fails() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let copy = site.path("copy.db");
    fs::write(&copy, "mine").unwrap();
    let said = site.says(&["backup", copy.to_str().unwrap()]).await;
    assert!(said.code == 1 && said.err.contains("a backup replaces nothing"), "{said:?}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "mine");
    let nowhere = site.path("nowhere/copy.db");
    let said = site.says(&["backup", nowhere.to_str().unwrap()]).await;
    assert!(said.code == 1 && said.err.contains("No such file"), "{said:?}");
    fs::remove_file(&copy).unwrap();
    fs::write(site.path("copy.db.partial"), "").unwrap();
    let said = site.says(&["backup", copy.to_str().unwrap()]).await;
    assert!(
        said.code == 1 && said.err.contains("another backup is at work, or was cut off"),
        "{said:?}"
    );
    assert!(!copy.exists());
}

#[tokio::test]
async fn a_trail_that_was_tampered_with_is_copied_and_not_called_verified() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    let broken = "UPDATE trail SET body = replace(body, 'daemon', 'demons') WHERE seq = 0";
    for sql in ["DROP TRIGGER IF EXISTS trail_is_not_changed", broken] {
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }
    drop(conn);
    let copy = site.path("copy.db");
    let said = site.says(&["backup", copy.to_str().unwrap()]).await;
    assert!(
        said.code == 5 && said.out.lines().last().unwrap().starts_with("NOT VERIFIED "),
        "{said:?}"
    );
    assert!(copy.exists());
}

#[tokio::test]
async fn the_verdict_of_a_backup_stands_last() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let config = site.config();
    let copy = site.path("copy.db");
    let args = ["backup", copy.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let plain = anstream::adapter::strip_str(&ended.printed).to_string();
    assert!(plain.trim_end().lines().last().unwrap().starts_with("VERIFIED "), "{plain}");
    assert!(ended.printed.contains("\u{1b}[32mVERIFIED"), "{ended:?}");
}
