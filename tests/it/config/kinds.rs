//! Targets and sources of the real kinds: what they complain about has its place in the file.

use super::*;

/// A folder with a token and a drop folder, and the targets and sources that the example shows, with those in the place of its own.
fn installation() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("chat-token");
    std::fs::write(&token, "canary-token\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let drop = folder.path().join("drop");
    std::fs::create_dir(&drop).unwrap();
    let secret = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        format!("file = \"{}\"", path.display())
    };
    let lines = EXAMPLE.lines().filter_map(|line| line.strip_prefix("#     "));
    let text: Vec<&str> = lines.collect();
    let text = text
        .join("\n")
        .replace("credential = \"chat-token\"", &format!("file = \"{}\"", token.display()))
        .replace(
            "credential = \"slack-url\"",
            &secret("slack-url", "https://hooks.slack.example/T/B/x"),
        )
        .replace(
            "credential = \"pagerduty-key\"",
            &secret("pagerduty-key", "0123456789abcdef0123456789abcdef"),
        )
        .replace("/srv/hr/drop", &drop.display().to_string());
    (folder, text)
}

#[test]
fn the_targets_sources_and_playbooks_that_the_example_shows_can_be_built() {
    let (_folder, text) = installation();
    let config = parse(&text).unwrap();
    let targets: Vec<_> = config
        .targets
        .iter()
        .map(|target| (target.name.as_str(), target.kind))
        .collect();
    assert_eq!(targets, [("chat", "mattermost")]);
    let sources: Vec<_> = config
        .sources
        .iter()
        .map(|source| (source.name.as_str(), source.kind))
        .collect();
    assert_eq!(sources, [("inbox", "inbox"), ("idp", "ssf-push"), ("hr", "hr-csv")]);
    let channels: Vec<_> = config.channels.iter().map(|channel| channel.rules.name.as_str()).collect();
    assert_eq!(channels, ["ops", "pager"]);
    let limit = |name| config.policy.limits_of(name);
    assert_eq!(limit("hr").departures_per_delivery, Some(50));
    assert_eq!(limit("idp").compromises_per_minute, Some(10));
    // What the example says is a default is one.
    let shorter = text.replace("rate = ", "#").replace("concurrency = ", "#");
    let again = parse(&shorter).unwrap();
    assert_eq!(again.targets[0].rate, config.targets[0].rate);
    assert_eq!(again.targets[0].concurrency, config.targets[0].concurrency);
    let without_inbox = text
        .replace("kind = \"inbox\"", "#")
        .replace("compromises_per_minute = 5", "#")
        .replace("compromises_per_operator", "#");
    let without_inbox = without_inbox.replace("[[source]]\n#", "#");
    assert_eq!(parse(&without_inbox).unwrap().policy, config.policy);
}

/// What is said when `from` in the example's targets and sources is written as `to`.
fn changed(from: &str, to: &str) -> String {
    let (_folder, text) = installation();
    assert!(text.contains(from), "{from}");
    let said = complaints(&text.replace(from, to));
    assert!(!said.contains("canary"), "{said}");
    said
}

#[test]
fn what_a_kind_complains_about_has_its_place_and_the_key_that_was_meant() {
    assert!(changed("url = ", "ulr = ").contains(":4:1: unknown key `ulr`; did you mean `url`?"));
    assert!(changed("rate = ", "rat = ").contains(":6:1: unknown key `rat`; did you mean `rate`?"));
    assert!(changed("folder = ", "flder = ").contains("unknown key `flder`; did you mean `folder`?"));
    assert!(
        changed("departures_per_delivery = 50", "departures_per_dlivery = 50").contains("did you mean `departures_per_delivery`?")
    );
}

#[test]
fn addresses_that_would_leak_a_token_are_refused() {
    for url in [
        "http://chat.example.org",
        "https://me:canary-1@chat.example.org",
        "https://chat.example.org/?x=1",
        "https://169.254.169.254",
    ] {
        let said = changed("https://chat.example.org", url);
        assert!(said.contains("revoked.toml:4:7: "), "{url} gave {said}");
    }
}

#[test]
fn an_unknown_time_zone_is_refused() {
    let said = changed("Europe/Berlin", "Europe/Berlim");
    assert!(said.contains("Europe/Berlim"), "{said}");
}

#[test]
fn a_token_that_cannot_be_read_is_told_beside_everything_else() {
    let (folder, text) = installation();
    let token = folder.path().join("chat-token");
    for (mode, bytes, word) in [(0o644, "canary-token", "chmod 600"), (0o600, "", "is empty")] {
        std::fs::write(&token, bytes).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = complaints(&(text.clone() + "\n[log]\nlevel = 'x'\n"));
        assert!(
            said.contains("revoked.toml:5:9: ") && said.contains(word) && said.contains("level"),
            "{said}"
        );
        assert!(!said.contains("canary"), "{said}");
    }
}
