//! What a report carries is verified without the store: after a new key and after an erasure too, and not where somebody has written into the store.

use revoked::trail::keys_beside;
use revoked_trail::{Place, VerifiedReport, VerifierKey, checkpoint_file, report_verifier};
use serde_json::Value;

use crate::harness::{Installation, InstallationPlan};

/// A stopped site at which one person was contained: with a checkpoint over everything.
async fn stopped() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let revoked = site
        .revoke("username:user01", "compromised", &["--note", "seen by Zoe"])
        .await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    running.stop().await;
    site
}

async fn written(site: &Installation, args: &[&str]) -> String {
    let file = site.path("report.json");
    let args = [args, &["--json", "--out", file.to_str().unwrap()]].concat();
    let said = site.says(&args).await;
    assert_eq!(said.code, 0, "{said:?}");
    std::fs::read_to_string(file).unwrap()
}

fn verified(report: &str, keys: &[VerifierKey]) -> VerifiedReport {
    report_verifier::verify(report, keys, &[]).unwrap()
}

#[tokio::test]
async fn a_report_is_verified_without_the_store_also_after_a_new_key_and_an_erasure() {
    let site = stopped().await;
    let first = keys_beside(&site.store()).unwrap();
    let old = written(&site, &["case", "report", "1"]).await;
    let of_person = written(&site, &["person", "report", "username:user01"]).await;
    for report in [&old, &of_person] {
        let found = verified(report, &first);
        assert!(found.verified() && found.entries.len() > 1, "{found}");
    }
    let notes = checkpoint_file::notes(&std::fs::read_to_string(site.path("outside/checkpoints")).unwrap());
    let outside: Vec<_> = notes.into_iter().map(|note| (Place::anchor("outside"), note)).collect();
    let confirmed = report_verifier::verify(&old, &first, &outside).unwrap();
    assert_eq!(confirmed.confirmed_by.len(), 1, "{confirmed}");
    let json: Value = serde_json::from_str(&old).unwrap();
    let anchors = &json["inclusion"]["checkpoint"]["anchors"];
    assert!(anchors[0].as_str().unwrap().ends_with("/outside/checkpoints"), "{anchors}");
    // What is carried is what was hashed, and no name is in it.
    let exported = site.says(&["trail", "export"]).await.out;
    for entry in json["inclusion"]["entries"].as_array().unwrap() {
        let line = entry["line"].as_str().unwrap();
        let index = usize::try_from(entry["index"].as_u64().unwrap()).unwrap();
        assert_eq!(exported.lines().nth(index), Some(line));
        assert!(!line.contains("user01") && !line.contains("Zoe"), "{line}");
    }

    let new = b"fedcba9876543210FEDCBA9876543210";
    site.secret("trail-seed.new", new);
    let to = site.path("trail-seed.new").display().to_string();
    let rotated = site.says(&["trail", "rotate-key", "--to", &to]).await;
    assert_eq!(rotated.code, 0, "{rotated:?}");
    site.secret("trail-seed", new);
    let both = keys_beside(&site.store()).unwrap();
    assert_eq!(both.len(), 2);
    let new = written(&site, &["case", "report", "1"]).await;
    for keys in [&first, &both] {
        assert!(verified(&old, keys).verified() && verified(&new, keys).verified());
    }
    let followed = verified(&new, &first);
    assert_eq!(followed.opened.unwrap().by, both[1], "the first key leads to the second");
    assert_eq!(followed.key_changes.len(), 1);

    let erased = site.says(&["erase", "username:user01"]).await;
    assert_eq!(erased.code, 0, "{erased:?}");
    let running = site.start().await;
    running.stop().await;
    let nameless = written(&site, &["case", "report", "1"]).await;
    assert!(!nameless.contains("user01") && !nameless.contains("Zoe"), "{nameless}");
    for report in [&old, &new, &nameless] {
        let found = verified(report, &first);
        assert!(found.verified(), "{found}");
    }
}

#[tokio::test]
async fn an_entry_that_somebody_has_written_anew_in_the_store_is_not_proved_and_the_report_says_so() {
    let site = stopped().await;
    let keys = keys_beside(&site.store()).unwrap();
    let before = verified(&written(&site, &["case", "report", "1"]).await, &keys);
    let settled = before.entries.iter().find(|entry| entry.kind == "job.settled").unwrap().index;
    let mut conn = site.sql().await;
    let write = "UPDATE trail SET body = replace(body, '\"contained\"', '\"not_there\"') WHERE body LIKE '%job.settled%'";
    for statement in ["DROP TRIGGER trail_is_not_changed", write] {
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }
    drop(conn);
    let report = written(&site, &["case", "report", "1"]).await;
    let found = verified(&report, &keys);
    assert!(!found.verified(), "{found}");
    let bad: Vec<u64> = found
        .entries
        .iter()
        .filter(|entry| entry.included.is_err())
        .map(|entry| entry.index)
        .collect();
    assert_eq!(bad, [settled], "{found}");
    let json: Value = serde_json::from_str(&report).unwrap();
    let said = format!("entry {settled} is not the one that was signed");
    assert!(
        json["trail"]["findings"].as_array().unwrap().contains(&said.clone().into()),
        "{json:#}"
    );
    let markdown = site.says(&["case", "report", "1"]).await.out;
    assert!(markdown.contains("NOT VERIFIED") && markdown.contains(&said), "{markdown}");
}

#[tokio::test]
async fn the_proofs_stand_behind_a_report_that_people_read_and_a_screen_is_spared_them() {
    let site = stopped().await;
    let json: Value = serde_json::from_str(&written(&site, &["case", "report", "1"]).await).unwrap();
    let page = site.path("case.html");
    let html = site
        .says(&["case", "report", "1", "--format", "html", "--out", page.to_str().unwrap()])
        .await;
    assert_eq!(html.code, 0, "{html:?}");
    let html = std::fs::read_to_string(&page).unwrap();
    let markdown = site.says(&["case", "report", "1"]).await.out;
    let note = json["inclusion"]["checkpoint"]["note"].as_str().unwrap().trim_end();
    for text in [&html, &markdown] {
        assert!(
            text.contains(note) && text.contains("is verified without the database"),
            "{text}"
        );
        for entry in json["inclusion"]["entries"].as_array().unwrap() {
            assert!(text.contains(entry["leaf"].as_str().unwrap()), "{entry} in {text}");
            let hashes = entry["path"].as_array().unwrap().iter();
            for hash in hashes.map(|hash| hash.as_str().unwrap()) {
                let once = text.matches(hash).count();
                assert_eq!(once, 1, "a hash stands once: {hash} in {text}");
            }
        }
    }
    let config = site.config();
    let args = ["case", "report", "1", "--config", config.to_str().unwrap()];
    let screen = crate::harness::pty::Terminal::start(&args, &[], crate::harness::pty::NARROW).end();
    assert!(screen.code == 0 && !screen.printed.contains(note), "{}", screen.printed);
}
