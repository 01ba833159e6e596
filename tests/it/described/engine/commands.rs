//! `revoked target`: a description checked, explained and tried.

use assert_cmd::Command;
use serde_json::{Value, json};

use super::server::{WIKI, Wiki, secret};

fn revoked(args: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("revoked")
        .unwrap()
        .arg("target")
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn lint_says_every_mistake_with_its_place_and_what_could_be_better() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wiki.toml");
    std::fs::write(&file, WIKI).unwrap();
    let path = file.to_str().unwrap();
    let (code, out, _) = revoked(&["lint", path]);
    assert!(
        code == 0 && out.contains("wiki can be used") && out.contains("advice: `tested` names no version"),
        "{out}"
    );
    std::fs::write(
        &file,
        WIKI.replace("paging = \"none\"\n", "")
            .replace("by = \"email\"", "by = \"mail\""),
    )
    .unwrap();
    let (code, _, err) = revoked(&["lint", path]);
    assert_eq!(code, 2, "{err}");
    for (place, said) in [
        (":19:6:", "by: it cannot be \"mail\""),
        (":32:1:", "`paging` is missing"),
        (":61:1:", "`paging` is missing"),
    ] {
        assert!(
            err.lines().any(|line| line.contains(place) && line.contains(said)),
            "{place} {said}: {err}"
        );
    }
}

#[test]
fn explain_says_what_is_ended_how_it_is_proved_and_what_is_not_covered() {
    let (code, out, _) = revoked(&["explain", "keystone", "--json"]);
    let explained: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(explained["suspends"], true);
    assert_eq!(explained["role"], "identity_provider");
    assert_eq!(explained["grants"][1]["kind"], "api_key");
    assert_eq!(explained["grants"][3]["ended"], "by the suspension, by a new password");
    assert!(
        explained["grants"][3]["proved"]
            .as_str()
            .unwrap()
            .contains("since when nothing older works")
    );
    let (_, out, _) = revoked(&["explain", "synapse"]);
    assert!(
        out.contains("in sets of 100")
            && out.contains("lives on: a sign-in token")
            && out.contains("role: application")
            && out.contains("not covered: "),
        "{out}"
    );
    let (code, out, _) = revoked(&["explain", "mattermost"]);
    assert!(code == 0 && out.contains("docs/targets/mattermost.md"), "{out}");
    let (code, out, _) = revoked(&["explain", "described"]);
    assert!(code == 0 && !out.contains("Rust") && out.contains("explain FILE"), "{out}");
    let (code, _, err) = revoked(&["explain", "synapes"]);
    assert!(code == 2 && err.contains("did you mean synapse?"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_shows_every_request_without_its_secret_and_changes_nothing() {
    let wiki = Wiki::new().await.with_alice().await;
    let file = wiki.folder.path().join("wiki.toml");
    let token = secret(wiki.folder.path(), "token", "s3cret");
    let config = wiki.folder.path().join("revoked.toml");
    let target = format!(
        "[[target]]\nname = \"wiki\"\nkind = \"described\"\nrate = \"5/s\"\ndescription = {file:?}\nurl = {:?}\ntoken = {{ file = {token:?} }}\n",
        wiki.mock.uri()
    );
    std::fs::write(&config, target).unwrap();
    let (url, set) = (wiki.mock.uri(), format!("token={token}"));
    let (file, config) = (file.to_str().unwrap().to_owned(), config.to_str().unwrap().to_owned());
    let tried = tokio::task::spawn_blocking(move || {
        let by_hand = revoked(&[
            "try",
            &file,
            "--subject",
            "username:alice",
            "--url",
            &url,
            "--set",
            &set,
            "--json",
        ]);
        let by_config = revoked(&[
            "try",
            &file,
            "--subject",
            "username:alice",
            "--target",
            "wiki",
            "--config",
            &config,
        ]);
        let nobody = revoked(&["try", &file, "--subject", "username:bob", "--url", &url, "--set", &set]);
        (by_hand, by_config, nobody)
    });
    let ((code, out, err), by_config, nobody) = tried.await.unwrap();
    assert_eq!(code, 0, "{out}{err}");
    let tried: Value = serde_json::from_str(&out).unwrap();
    assert!(!out.contains("s3cret"));
    let requests = tried["requests"].as_array().unwrap();
    assert!(
        requests
            .iter()
            .any(|one| one["request"].as_str().unwrap().ends_with("/people/alice/keys") && one["understood"] == "success")
    );
    assert_eq!(tried["plan"]["accounts"][0]["actions"][0], json!({"do": "suspend"}));
    assert!(
        by_config.1.contains("would suspend the account") && by_config.1.contains("nothing was changed"),
        "{by_config:?}"
    );
    // The server knows no such person, and not in the words that the description knows.
    assert!(nobody.0 == 1 && nobody.1.contains("< 404: give up"), "{nobody:?}");
    assert!(wiki.requests().await.iter().all(|request| request.starts_with("GET ")));
}

#[test]
fn the_description_in_the_docs_can_be_used() {
    let page = include_str!("../../../../docs/targets/described.md");
    let (_, rest) = page.split_once("```text\n").unwrap();
    let text = rest.split("```").next().unwrap();
    revoked::targets::described::Description::read(text).unwrap();
}
