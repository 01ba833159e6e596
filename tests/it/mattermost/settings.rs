//! What an operator writes for the target.

use super::test_server::{build, token_file};

fn complaints(toml: &str) -> Vec<String> {
    let complaints = build(toml).err().unwrap_or_default();
    complaints.into_iter().map(|complaint| complaint.message).collect()
}

#[test]
fn everything_wrong_with_a_table_is_said_at_once_and_in_its_place() {
    let toml =
        "url = \"http://chat.example.org\"\ntoken = { file = \"/nowhere/token\" }\nnodes = [\"https://10.0.0.1\", \"ftp://x\"]\n";
    let found = build(toml).err().unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].message.contains("unencrypted"));
    assert_eq!(&toml[found[0].span.clone().unwrap()], "\"http://chat.example.org\"");
    assert_eq!(&toml[found[1].span.clone().unwrap()], "\"ftp://x\"");
    assert!(found[2].message.contains("/nowhere/token"));
}

#[test]
fn an_unknown_key_is_refused() {
    let found = complaints("url = \"https://chat.example.org\"\ntoken = { file = \"/x\" }\nverify_tls = false\n");
    assert!(found[0].contains("verify_tls"), "{found:?}");
}

#[test]
fn a_token_is_never_taken_inline() {
    assert!(!complaints("url = \"https://chat.example.org\"\ntoken = \"pat\"\n").is_empty());
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let token = token_file(folder.path());
    let found = complaints(&format!(
        "url = \"https://chat.example.org\"\ntoken = {{ file = \"{token}\" }}\nca_file = \"{token}\"\n"
    ));
    assert!(found[0].contains("no PEM certificates"), "{found:?}");
}

#[test]
fn a_time_that_no_call_should_take_is_refused_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let token = token_file(folder.path());
    let table = |times: &str| format!("url = \"https://chat.example.org\"\ntoken = {{ file = \"{token}\" }}\n{times}\n");
    let toml = table("connect_timeout = \"99ms\"\ntimeout = \"11m\"");
    let found = build(&toml).err().unwrap();
    let places: Vec<_> = found.iter().map(|one| &toml[one.span.clone().unwrap()]).collect();
    assert_eq!(places, ["\"99ms\"", "\"11m\""]);
    assert!(
        found.iter().all(|one| one.message.contains("between 100ms and 10m")),
        "{found:?}"
    );
    let found = complaints(&table("timeout = \"soon\""));
    assert!(found[0].contains("not a length of time"), "{found:?}");
    assert_eq!(
        complaints(&table("connect_timeout = \"100ms\"\ntimeout = \"10m\"")),
        Vec::<String>::new()
    );
}

#[test]
fn a_full_table_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let token = token_file(folder.path());
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mattermost/private-ca.pem");
    let full = format!(
        "url = \"https://chat.example.org/\"\ntoken = {{ file = \"{token}\" }}\nnodes = [\"https://node-1.example.org\"]\n\
         connect_timeout = \"3s\"\ntimeout = \"20s\"\nca_file = \"{ca}\"\n"
    );
    assert_eq!(complaints(&full), Vec::<String>::new());
}
