//! Channels of notifications: what is wrong with one is told at its key, and no secret with it.

use super::*;

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("{{ file = '{}' }}", path.display())
}

#[test]
fn one_of_each_kind_is_built_and_its_steps_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let url = file(folder.path(), "url", "https://hooks.example.org/s3cret");
    let secret = file(folder.path(), "secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let key = file(folder.path(), "key", "0123456789abcdef0123456789abcdef");
    let password = file(folder.path(), "password", "s3cret");
    let text = format!(
        r#"
[[notify]]
name = "hook"
kind = "webhook"
url = "https://hooks.example.org/revoked"
secret = [{secret}, {secret}]
kinds = ["hold", "target_down"]
quiet = {{ from = "22:00", to = "07:00", zone = "Europe/Berlin" }}

[[notify]]
name = "mail"
kind = "smtp"
host = "mail.example.org"
login = "revoked"
password = {password}
from = "revoked <revoked@example.org>"
to = ["ops@example.org", "Ann Lee <ann@example.org>"]
details = true

[[notify]]
name = "slack"
kind = "slack"
url = {url}
reaches = ["email:ann@example.org", "username:ben"]

[[notify]]
name = "town"
kind = "mattermost"
url = {url}
urgency = "urgent"
after = "5m"

[[notify]]
name = "pager"
kind = "pagerduty"
routing_key = {key}
after = "15m"

[[notify]]
name = "metrics"
kind = "alertmanager"
url = "http://127.0.0.1:9093/"
"#
    );
    let config = parse(&text).unwrap();
    let names: Vec<_> = config.channels.iter().map(|channel| channel.rules.name.as_str()).collect();
    assert_eq!(names, ["hook", "mail", "slack", "town", "pager", "metrics"]);
    let repeats: Vec<_> = config.channels.iter().map(|channel| channel.rules.repeats).collect();
    assert_eq!(repeats, [false, false, false, false, true, false], "the last step alone");
    assert_eq!(config.channels[1].recipients.len(), 2);
    assert_eq!(config.channels[2].reaches.len(), 2);
    let places: Vec<String> = config
        .channels
        .iter()
        .map(|channel| channel.carrier.as_ref().unwrap().place())
        .collect();
    assert!(!places.concat().contains("s3cret"), "{places:?}");
    assert_eq!(places[4], "https://events.pagerduty.com");
}

#[test]
fn what_is_wrong_is_told_at_its_key_and_no_secret_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = file(folder.path(), "wrong", "s3cret-and-wrong");
    let open = file(folder.path(), "open", "http://hooks.example.org/s3cret");
    let head = "[[notify]]\nname = \"ops\"\n";
    for (keys, place, word) in [
        ("kind = 'pigeon'", "3:8", "there are webhook, smtp"),
        ("kind = 'slakc'", "3:8", "did you mean \"slack\"?"),
        (
            "kind = 'slack'\nurl = 'https://hooks.slack.example/T/B/x'",
            "4:7",
            "is its secret",
        ),
        (&format!("kind = 'slack'\nurl = {open}"), "4:7", "must be https"),
        (
            &format!("kind = 'webhook'\nurl = 'https://a.example'\nsecret = {wrong}"),
            "5:10",
            "whsec_",
        ),
        ("kind = 'webhook'\nurl = 'https://a.example'", "1:1", "a webhook is signed"),
        (&format!("kind = 'pagerduty'\nrouting_key = {wrong}"), "4:15", "32 characters"),
        (
            "kind = 'alertmanager'\nurl = 'http://am.example.org:9093'",
            "4:7",
            "must be https",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nkinds = ['holds']",
            "5:10",
            "did you mean \"hold\"?",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nto = ['a@b.example']",
            "5:6",
            "has no such key",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nurgency = 'high'",
            "5:11",
            "must be one of",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nreaches = ['nobody']",
            "5:12",
            "reaches: ",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nquiet = { from = '22', to = '07:00', zone = 'CET/Moon' }",
            "5:9",
            "must be a time",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\nafter = '3d'",
            "5:9",
            "up to",
        ),
        (
            "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\ndetials = true",
            "5:1",
            "did you mean `details`?",
        ),
        ("kind = 'exec'\nprogram = 'tell'", "4:11", "is no whole path"),
        (
            "kind = 'smtp'\nhost = 'mail.example.org'\nfrom = 'revoked@example.org'\nto = []",
            "6:6",
            "write to whom",
        ),
        (
            "kind = 'smtp'\nhost = 'mail.example.org'\nfrom = 'revoked@example.org'\nto = ['ops@example.org']\ntls = 'none'",
            "7:7",
            "this host only",
        ),
        (
            "kind = 'smtp'\nhost = 'mail.example.org'\nfrom = \"a\\r\\nBcc: b@example.org\"\nto = ['ops@example.org']",
            "5:8",
            "no address of mail",
        ),
    ] {
        let said = complaints(&format!("{head}{keys}\n"));
        assert!(said.contains(&format!("revoked.toml:{place}: ")), "{keys}: {said}");
        assert!(said.contains(word) && !said.contains("s3cret"), "{keys}: {said}");
    }
    let twice = "kind = 'alertmanager'\nurl = 'http://127.0.0.1:9093'\n";
    let said = complaints(&format!("{head}{twice}{head}{twice}"));
    assert!(said.contains("another channel is called `ops` already"), "{said}");
}
