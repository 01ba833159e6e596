//! Secrets never show: not those of the config, nor those that a delivery holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::daemon_fixture::DaemonFixture;
use super::rows::PUSHED;
use crate::harness::InstallationPlan;

/// What each file under `folder` holds of the secrets, but for the files of the config.
fn search(folder: &Path, secrets: &BTreeMap<String, String>, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            search(&path, secrets, found);
        } else if !PUSHED.iter().any(|row| name.starts_with(&format!("{}.", row.kind)))
            && let Ok(bytes) = fs::read(&path)
        {
            found.extend(holds(&name, &bytes, secrets));
        }
    }
}

fn holds(place: &str, bytes: &[u8], secrets: &BTreeMap<String, String>) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let hits = secrets.iter().filter(|(secret, _)| text.contains(secret.as_str()));
    hits.map(|(secret, what)| format!("{place} holds {what}: {secret}")).collect()
}

#[tokio::test]
async fn no_secret_is_in_logs_metrics_store_trail_answers_or_output() {
    let stage = DaemonFixture::with(InstallationPlan {
        level: "trace",
        ..InstallationPlan::default()
    })
    .await;
    let mut secrets = BTreeMap::new();
    let mut found = Vec::new();
    for row in PUSHED {
        let sender = stage.sender(row);
        let mut calls = sender.before("secret-0", "user03");
        calls.push(stage.prepared(row, "secret-1", "user01").await);
        calls.extend(sender.other("secret-1", "user02"));
        calls.extend(sender.bad("secret-2", "user01").into_iter().map(|(_, call)| call));
        let mut answers = String::new();
        for call in &calls {
            for secret in sender.secrets(call) {
                secrets.insert(secret, format!("a secret of {}", row.kind));
            }
            let _ = write!(answers, "{:?}", stage.answer(call).await);
        }
        found.extend(holds("an answer", answers.as_bytes(), &secrets));
    }
    assert!(secrets.len() > 2 * PUSHED.len(), "{secrets:?}");
    stage
        .site
        .until_count("SELECT count(*) FROM job WHERE state <> 'done'", 0)
        .await;
    let metrics = stage.running().metrics().await;
    found.extend(holds("metrics", metrics.as_bytes(), &secrets));
    for args in [
        &["check", "--json"][..],
        &["status", "--json"],
        &["source", "list", "--json"],
        &["case", "list", "--json"],
        &["trail", "show", "--limit", "10000"],
        &["alert", "list", "--all", "--json"],
    ] {
        let said = stage.site.says(args).await;
        found.extend(holds(args[0], format!("{}{}", said.out, said.err).as_bytes(), &secrets));
    }
    search(&stage.site.path("."), &secrets, &mut found);
    assert!(found.is_empty(), "{found:#?}");
    assert!(stage.site.log().contains("\"TRACE\""), "nothing was traced");
}
