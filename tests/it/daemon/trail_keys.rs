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

/// A command to which systemd passes credentials: the files of that folder.
fn passed(site: &Installation, folder: &str, args: &[&str]) -> tokio::process::Command {
    let mut command = site.command(args);
    command.env("CREDENTIALS_DIRECTORY", site.path(folder));
    command
}

#[tokio::test]
async fn a_key_that_systemd_passes_on_is_replaced_by_another_that_is_passed_beside_it_and_the_line_is_told() {
    let site = Installation::new(InstallationPlan {
        more: "[[source]]\nname = \"siem\"\nkind = \"webhook\"\nverify = \"bearer\"\nsecrets = [{ credential = \"siem\" }]\n",
        ..InstallationPlan::default()
    })
    .await;
    let text = fs::read_to_string(site.config()).unwrap();
    let file = format!("{{ file = \"{}\" }}", site.path("trail-seed").display());
    fs::write(site.config(), text.replace(&file, "{ credential = \"trail-key\" }")).unwrap();
    for folder in ["credentials", "for-the-command"] {
        fs::create_dir(site.path(folder)).unwrap();
        site.secret(&format!("{folder}/trail-key"), b"0123456789abcdef0123456789ABCDEF");
    }
    site.secret("credentials/siem", b"0123456789abcdef0123456789abcdef");
    let new = b"fedcba9876543210FEDCBA9876543210";
    site.secret("for-the-command/trail-key.new", new);
    let running = site.start_by(passed(&site, "credentials", &["run"])).await;
    // A daemon that runs comes first, whatever is wrong with the keys.
    let said = site.says(&["trail", "rotate-key"]).await;
    assert!(said.code == 4 && said.err.contains("stop it first"), "{said:?}");
    running.stop().await;
    let line = "--uid=root -p LoadCredential=trail-key:/etc/revoked/credentials/trail-key \
                -p LoadCredential=trail-key.new:/etc/revoked/credentials/trail-key.new revoked trail rotate-key --to trail-key.new --config ";
    for (args, first) in [
        (&["trail", "rotate-key"][..], "make the new one first (head -c 32 "),
        (
            &["trail", "rotate-key", "--to", "/etc/revoked/credentials/trail-key.new"],
            "type sudo systemd-run",
        ),
    ] {
        let said = site.says(args).await;
        assert_eq!((said.code, said.err.lines().count()), (1, 1), "{said:?}");
        assert!(said.err.contains(line) && said.err.contains(first), "{said:?}");
        assert!(!said.err.contains("siem"), "no other secret is needed: {said:?}");
    }
    let output = passed(&site, "for-the-command", &["trail", "rotate-key", "--to", "trail-key.new"])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    site.secret("credentials/trail-key", new);
    site.start_by(passed(&site, "credentials", &["run"])).await.stop().await;
    assert_eq!(verified(&site).await["keys"][1]["word"], "the key before it says so");
}

#[tokio::test]
async fn verifier_keys_that_a_restore_left_out_are_written_anew_from_the_trail_and_that_is_said() {
    let site = worked().await;
    assert_eq!(site.says(&["trail", "rotate-key"]).await.code, 0);
    let keys = fs::read_to_string(site.path("revoked.db.vkey")).unwrap();
    assert_eq!(keys.lines().count(), 2);
    // With the newest alone nothing of the time before is believed, and what is missing is named once.
    fs::write(site.path("revoked.db.vkey"), keys.lines().last().unwrap()).unwrap();
    let said = site.says(&["trail", "verify"]).await;
    assert_eq!(said.code, 5, "{said:?}");
    let of_the_store = said
        .out
        .lines()
        .filter(|line| line.contains("a checkpoint in the store is signed by"))
        .count();
    assert_eq!(of_the_store, 1, "{said:?}");
    let last = said.out.lines().last().unwrap();
    assert!(
        last.starts_with("NOT VERIFIED: the verifier key of proof.example.test/trail/1+")
            && last.contains("put the saved ")
            && last.contains(".vkey back"),
        "{last}"
    );
    fs::remove_file(site.path("revoked.db.vkey")).unwrap();
    site.start().await.stop().await;
    assert_eq!(fs::read_to_string(site.path("revoked.db.vkey")).unwrap(), keys);
    assert!(site.log().contains("the file of verifier keys was gone"), "{}", site.log());
    assert_eq!(verified(&site).await["verified"], true);
}
