//! No secret of anybody leaves its place: not in logs, metrics, store, checkpoints or output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Installation, InstallationPlan};
use crate::harness::identity_provider::{self, Idp};

/// Every secret that there is, by what it is.
fn secrets(site: &Installation) -> BTreeMap<String, String> {
    let world = site.chat().world();
    let mut found = BTreeMap::new();
    let mut keep = |what: String, secret: String| {
        found.insert(secret, what);
    };
    for person in world.people() {
        for session in person.sessions.iter().filter_map(|id| world.session(*id)) {
            keep(format!("session of {}", person.username), session.token.to_string());
            if let Some(csrf) = session.csrf {
                keep(format!("csrf of {}", person.username), csrf.to_string());
            }
        }
        for token in world.tokens_of(person.id) {
            keep(format!("access token of {}", person.username), token.secret.to_string());
        }
        if !person.password.is_empty() {
            keep("a password".to_owned(), person.password.to_string());
        }
    }
    for grant in world.grants() {
        keep("an OAuth access token".to_owned(), grant.access.to_string());
        if let Some(refresh) = grant.refresh {
            keep("an OAuth refresh token".to_owned(), refresh.to_string());
        }
    }
    for secret in world.apps.iter().filter_map(|app| app.client_secret) {
        keep("a client secret".to_owned(), secret.to_string());
    }
    for hook in world.incoming_hooks.iter() {
        keep("an incoming webhook".to_owned(), hook.id.to_string());
    }
    found
}

/// What each file under `folder` holds of the secrets.
pub(crate) fn search(folder: &Path, secrets: &BTreeMap<String, String>, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, secrets, found);
        } else if let Ok(bytes) = fs::read(&path) {
            found.extend(holds(&path.display().to_string(), &bytes, secrets));
        }
    }
}

fn holds(place: &str, bytes: &[u8], secrets: &BTreeMap<String, String>) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let hits = secrets.iter().filter(|(secret, _)| text.contains(secret.as_str()));
    hits.map(|(_, what)| format!("{place} holds {what}")).collect()
}

#[tokio::test]
async fn no_secret_is_in_logs_metrics_store_checkpoints_or_output() {
    let site = Installation::new(InstallationPlan {
        people: 26,
        attempts: 8,
        more: identity_provider::SOURCE,
        level: "trace",
        compromised: "reset_password = true",
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    let mut secrets = secrets(&site);
    let seed = fs::read(site.path("trail-seed")).unwrap();
    secrets.insert(String::from_utf8(seed).unwrap(), "the trail's seed".to_owned());
    let planted = holds("chat-token", &fs::read(site.path("chat-token")).unwrap(), &secrets);
    assert_eq!(
        planted,
        ["chat-token holds access token of revoked-operator"],
        "the search finds nothing"
    );

    let running = site.start().await;
    let mut said = Vec::new();
    for (jti, email) in [("jti-1", "user01@example.test"), ("jti-2", "user25@example.test")] {
        let token = idp.token(jti, email);
        assert_eq!(running.push(&token).await.unwrap().status(), 202);
        secrets.insert(token.rsplit_once('.').unwrap().1.to_owned(), "a token's signature".to_owned());
        secrets.insert(token.split('.').nth(1).unwrap().to_owned(), "a token's claims".to_owned());
    }
    let forged = Idp::impostor().token("jti-3", "user02@example.test");
    assert_eq!(running.push(&forged).await.unwrap().status(), 400);
    secrets.insert(
        forged.rsplit_once('.').unwrap().1.to_owned(),
        "a forged token's signature".to_owned(),
    );
    said.push(site.revoke("username:user09", "departed", &[]).await);
    said.push(site.revoke("username:user17", "departed", &[]).await);
    // An error on every list, and an answer that is not understood.
    {
        let mut faults = site.chat().faults();
        faults.add(revoked_sandbox::Fault::on("GET", "/api/v4/users/*/tokens", revoked_sandbox::Effect::Truncated).times(2));
        faults.add(revoked_sandbox::Fault::on("DELETE", "/api/v4/hooks/**", revoked_sandbox::Effect::Status(500)).times(2));
    }
    said.push(site.revoke("username:user13", "compromised", &[]).await);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 5)
        .await;
    for args in [
        &["check"][..],
        &["check", "--json"],
        &["revoke", "username:user03", "--reason", "departed", "--rehearse"],
        &["revoke", "username:user08", "--reason", "departed", "--rehearse", "--json"],
        &["case", "list"],
        &["case", "show", "1"],
        &["case", "show", "2", "--json"],
        &["case", "show", "3"],
        &["job", "list", "--json"],
        &["status", "--json"],
        &["trail", "show", "--limit", "10000"],
        &["trail", "export"],
        &["trail", "verify"],
        &["alert", "list", "--all", "--json"],
    ] {
        said.push(site.says(args).await);
    }
    let metrics = running.metrics().await;
    assert!(metrics.contains("revoked_"), "{metrics}");
    // Once while it runs, with the log of the store beside it, and once after.
    let mut found = holds("metrics", metrics.as_bytes(), &secrets);
    search(&site.path("."), &secrets, &mut found);
    running.kill().await;
    site.start().await.stop().await;
    search(&site.path("."), &secrets, &mut found);
    for said in &said {
        found.extend(holds("output", format!("{}{}", said.out, said.err).as_bytes(), &secrets));
    }
    // Where they belong.
    found.retain(|what| {
        !what.ends_with("chat-token holds access token of revoked-operator") && !what.ends_with("trail-seed holds the trail's seed")
    });
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{found:#?}");
    assert!(
        site.log().lines().any(|line| line.contains("\"TRACE\"")),
        "nothing was traced"
    );
}
