//! Where operators sign in.

use std::time::Duration;

use revoked::model::Role;

use super::*;

const CONSOLE: &str = "[console]\nlisten = \"127.0.0.1:8444\"\norigin = \"https://revoked.example.org\"\n";

/// A config with these lines in place of those that begin with the same key.
fn config(folder: &Path, instead: &str) -> String {
    let path = folder.join("sso-secret");
    std::fs::write(&path, "s3cret").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let lines = [
        "issuer = \"https://id.example.org/realms/staff\"".to_owned(),
        "client_id = \"revoked\"".to_owned(),
        format!("client_secret = {{ file = '{}' }}", path.display()),
        "roles = { leads = \"approver\" }".to_owned(),
    ];
    let key = |line: &str| line.split(' ').next().unwrap().to_owned();
    let kept = lines
        .iter()
        .filter(|line| instead.lines().all(|other| key(other) != key(line)));
    let kept: Vec<&str> = kept.map(String::as_str).collect();
    format!("{CONSOLE}[console.single_sign_on]\n{}\n{instead}\n", kept.join("\n"))
}

#[test]
fn what_is_not_written_has_a_careful_default() {
    let folder = tempfile::tempdir().unwrap();
    let settings = parse(&config(folder.path(), "")).unwrap().console.single_sign_on.unwrap();
    assert_eq!(settings.redirect_uri, "https://revoked.example.org/sign-in/callback");
    assert_eq!(
        (settings.scopes.as_str(), settings.groups_claim.as_str()),
        ("openid profile", "groups")
    );
    assert_eq!(settings.roles, [("leads".to_owned(), Role::Approver)].into());
    assert_eq!(
        (settings.session, settings.token_host.as_str()),
        (Duration::from_hours(1), "id.example.org")
    );
    assert!(
        settings.audience.is_none(),
        "no access token is taken unless it is said for whom it is"
    );
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (instead, said) in [
        ("issuer = \"http://id.example.org\"", "must be https"),
        ("issuer = \"https://id.example.org/?a=b\"", "neither a query"),
        ("issuer = \"https://id.example.org/#a\"", "neither a query"),
        ("issuer = \"id.example.org\"", "no URL"),
        ("client_id = \"\"", "client_id is missing"),
        ("client_secret = { file = \"/nowhere/secret\" }", "No such file"),
        ("client_secret = \"s3cret\"", "a secret never stands in the config itself"),
        ("roles = {}", "roles is missing"),
        ("roles = { leads = \"root\" }", "is no role"),
        ("people = { \"1\" = \"not a login\" }", "no login of this host"),
        ("audience = \"revoked\"", "apart from client_id"),
        ("algorithms = []", "must not be empty"),
        ("algorithms = [\"HS256\"]", "HS256"),
        ("algorithms = [\"none\"]", "must be one of"),
        ("session = \"13h\"", "session: it must be from 5m to 12h"),
        ("isuer = \"x\"", "did you mean"),
    ] {
        let told = complaints(&config(folder.path(), instead));
        assert!(told.contains(said), "{instead}: {told}");
        let place = told.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
        assert!(place.is_some_and(|line| line >= 4), "{instead}: {told}");
    }
    let alone = config(folder.path(), "").replace(CONSOLE, "");
    assert!(complaints(&alone).contains("it needs listen and origin"));
}

#[test]
fn the_table_of_the_documents_has_every_key_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let said = complaints(&config(folder.path(), "zzzzzzzzzzzz = 1"));
    let mut known: Vec<&str> = said.lines().next().unwrap().split('`').skip(3).step_by(2).collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).unwrap();
    let (_, section) = page.split_once("## Signing in with the organisation").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let first = section.lines().filter(|line| line.starts_with("| `"));
    let first = first.map(|line| line.split('|').nth(1).unwrap());
    let mut named: Vec<&str> = first.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    known.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, known, "{said}");
}

#[test]
fn two_persons_of_whom_nobody_says_that_they_are_two_are_spoken_of() {
    let folder = tempfile::tempdir().unwrap();
    let two = "[approvals]\ntwo_persons_above = 10\n";
    let warned = |instead: &str| {
        let parsed = parse(&format!("{}{two}", config(folder.path(), instead))).unwrap();
        parsed.warnings.to_string().contains("people names no login")
    };
    assert!(warned("") && !warned("people = { \"1\" = \"anna\" }"));
}
