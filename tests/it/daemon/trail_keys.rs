//! The key that signs the trail: replaced, lost, stolen away; and a trail that somebody has rewritten.

use std::fs;

use serde_json::Value;

use super::{Installation, InstallationPlan};

/// An installation that has worked and is stopped, with the trail's key beside the store.
async fn worked() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let config = fs::read_to_string(site.config()).unwrap();
    let lines = config.lines().filter(|line| !line.contains("trail-seed"));
    fs::write(site.config(), lines.flat_map(|line| [line, "\n"]).collect::<String>()).unwrap();
    let running = site.start().await;
    assert_eq!(site.revoke("username:user01", "departed", &[]).await.code, 0);
    running.stop().await;
    site
}

async fn verified(site: &Installation) -> Value {
    site.says(&["trail", "verify", "--json"]).await.done()
}

#[tokio::test]
async fn a_rotated_key_signs_on_and_whoever_knows_the_first_follows() {
    let site = worked().await;
    let first = fs::read_to_string(site.path("revoked.db.vkey")).unwrap();
    let running = site.start().await;
    let said = site.says(&["trail", "rotate-key"]).await;
    assert_eq!(said.code, 4, "a daemon that runs signs with the key that it knows: {said:?}");
    running.stop().await;
    for _ in 0..2 {
        let said = site.says(&["trail", "rotate-key"]).await;
        assert!(said.code == 0 && said.out.contains("new key"), "{said:?}");
        let running = site.start().await;
        assert_eq!(site.revoke("username:user02", "compromised", &[]).await.code, 0);
        running.stop().await;
    }
    assert!(!site.path("revoked.db.trail-key.new").exists());
    let report = site.says(&["trail", "verify", "--key", first.trim(), "--json"]).await.done();
    assert_eq!(report["verified"], true, "{report:#}");
    let words: Vec<&str> = report["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["word"].as_str().unwrap())
        .collect();
    assert_eq!(
        words,
        ["it was brought", "the key before it says so", "the key before it says so"]
    );
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_keeps_the_daemon_out_until_it_is_done_again() {
    let site = worked().await;
    let old = fs::read(site.path("revoked.db.trail-key")).unwrap();
    assert_eq!(site.says(&["trail", "rotate-key"]).await.code, 0);
    // As it was before the last step: the new key waits beside the old one.
    fs::rename(site.path("revoked.db.trail-key"), site.path("revoked.db.trail-key.new")).unwrap();
    site.secret("revoked.db.trail-key", &old);
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("rotate-key"), "{said:?}");
    // And as it was before the new key had signed.
    let mut conn = site.sql().await;
    sqlx::query("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let said = site.says(&["run"]).await;
    assert!(
        said.code == 3 && said.err.contains("run revoked trail rotate-key again"),
        "{said:?}"
    );
    assert_eq!(site.says(&["trail", "rotate-key"]).await.code, 0);
    let rotations = "SELECT count(*) FROM trail WHERE body LIKE '%trail.key_rotated%'";
    assert_eq!(site.count(rotations).await, 1);
    site.start().await.stop().await;
    assert_eq!(verified(&site).await["verified"], true);
}

#[tokio::test]
async fn a_key_that_is_gone_is_never_made_anew_in_silence() {
    let site = worked().await;
    fs::remove_file(site.path("revoked.db.trail-key")).unwrap();
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("rotate-key --lost"), "{said:?}");
    assert!(!site.path("revoked.db.trail-key").exists());
    // Another one in its place is not the trail's either.
    site.secret("revoked.db.trail-key", &[7; 32]);
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("is not signed by its key"), "{said:?}");
    fs::remove_file(site.path("revoked.db.trail-key")).unwrap();
    let said = site.says(&["trail", "rotate-key", "--lost"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.alerts().await, ["trail_key_lost"]);
    site.start().await.stop().await;
    let report = verified(&site).await;
    assert_eq!(report["verified"], true, "{report:#}");
    assert!(
        report["remarks"].to_string().contains("declared the one before it lost"),
        "{report:#}"
    );
}

#[tokio::test]
async fn a_rewritten_trail_whose_checkpoints_were_taken_away_is_not_signed() {
    let site = worked().await;
    let mut conn = site.sql().await;
    sqlx::query("DELETE FROM checkpoint").execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    fs::remove_file(site.path("outside/checkpoints")).unwrap();
    let bytes = fs::read(site.store()).unwrap();
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("no checkpoint by its key"), "{said:?}");
    assert!(fs::read(site.store()).unwrap() == bytes, "the store was written");
    assert_eq!(site.says(&["trail", "verify"]).await.code, 5);
}

#[tokio::test]
async fn a_key_that_the_config_names_is_replaced_by_one_that_the_operator_brings() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let said = site.says(&["trail", "rotate-key"]).await;
    assert!(said.code == 1 && said.err.contains("--to"), "{said:?}");
    let new = b"fedcba9876543210FEDCBA9876543210";
    site.secret("trail-seed.new", new);
    let to = site.path("trail-seed.new").display().to_string();
    let said = site.says(&["trail", "rotate-key", "--to", &to]).await;
    assert!(said.code == 0 && said.out.contains("put the new key where"), "{said:?}");
    let said = site.says(&["run"]).await;
    assert!(said.code == 3 && said.err.contains("is not signed by its key"), "{said:?}");
    site.secret("trail-seed", new);
    site.start().await.stop().await;
    assert_eq!(verified(&site).await["keys"][1]["word"], "the key before it says so");
}
