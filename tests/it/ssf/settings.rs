//! What a config may say, and what it is told where it may not.

use revoked::clock::Clock;
use revoked::model::Timestamp;

use super::{AUDIENCE, ISSUER, build};

fn complaints(text: &str) -> Vec<String> {
    let clock = Clock::fixed(Timestamp::from_ms(0));
    let complaints = build(text, &clock).map(|_| ()).expect_err("the settings were taken");
    complaints.into_iter().map(|complaint| complaint.message).collect()
}

#[test]
fn the_shortest_settings_are_issuer_and_audience() {
    let text = format!("issuer = {ISSUER:?}\naudience = {AUDIENCE:?}\n");
    assert!(build(&text, &Clock::system()).is_ok());
}

#[test]
fn every_fault_is_named_at_once() {
    let told = complaints(
        "issuer = \"https://idp.example.org\"\naudience = []\nalgorithms = []\n\
         authorization = { file = \"/nonexistent/secret\" }\njwks_url = \"http://idp.example.org/keys\"\n",
    );
    for part in ["audience", "algorithms", "authorization", "https"] {
        assert!(told.iter().any(|message| message.contains(part)), "{part}: {told:?}");
    }
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn keys_elsewhere_need_a_word_that_says_so() {
    let text = "issuer = \"https://idp.example.org\"\naudience = \"me\"\njwks_url = \"https://keys.example.net/k\"\n";
    assert!(complaints(text)[0].contains("jwks_host = \"keys.example.net\""));
    let allowed = format!("{text}jwks_host = \"keys.example.net\"\n");
    assert!(build(&allowed, &Clock::system()).is_ok());
}

#[test]
fn an_algorithm_with_a_shared_secret_cannot_be_written() {
    for word in ["HS256", "none", "RS1"] {
        let text = format!("issuer = {ISSUER:?}\naudience = \"me\"\nalgorithms = [{word:?}]\n");
        let told = complaints(&text);
        assert!(told.len() == 1 && told[0].contains("RS256"), "{told:?}");
    }
}

#[test]
fn a_key_file_is_read_with_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let text = format!("issuer = {ISSUER:?}\naudience = \"me\"\njwks_file = {file:?}\n");
    assert!(complaints(&text)[0].contains("jwks.json"));
    std::fs::write(&file, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}").unwrap();
    assert!(complaints(&text)[0].contains("no key that may be used"));
    let both = format!("{text}jwks_url = \"https://idp.example.com/k\"\n");
    assert!(complaints(&both)[0].contains("either"));
}

#[test]
fn an_issuer_that_is_no_url_needs_a_key_file_or_address() {
    assert!(complaints("issuer = \"idp\"\naudience = \"me\"\n")[0].contains("jwks_url"));
    let told = complaints("issuer = \"idp\"\naudience = \"me\"\njwks_urll = \"x\"\n");
    assert!(
        told.iter().any(|message| message.contains("did you mean `jwks_url`")),
        "{told:?}"
    );
}

#[test]
fn an_empty_list_of_secrets_does_not_let_everybody_in() {
    let text = format!("issuer = {ISSUER:?}\naudience = \"me\"\n");
    assert!(complaints(&format!("{text}authorization = []\n"))[0].contains("empty"));
    assert!(complaints(&format!("{text}authorization = \"Bearer x\"\n"))[0].contains("credential"));
}
