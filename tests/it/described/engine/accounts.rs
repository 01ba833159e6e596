//! Who a subject is, and what an account has.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::config::Config;
use revoked::model::{GrantKind, PrincipalTrait, ResidualEnd, Resolution, Subject, Timestamp, digest_of};
use revoked::targets::{Remedy, TargetRole};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::server::{NOW, WIKI, Wiki, build, remedy, secret};

#[tokio::test]
async fn a_described_account_is_found_by_its_names_with_what_is_special_about_it() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.get(
        "/search",
        200,
        &json!({"total": 2, "people": [{"id": "alice", "mail": "Alice@example.org"}, {"id": "x", "mail": "malice@example.org"}]}),
    )
    .await;
    for subject in ["username:alice", "alice@example.org"] {
        let alice = wiki.one(subject).await;
        assert_eq!(alice.id, "alice");
        assert!(
            alice.names.contains(&Subject::Email("alice@example.org".into())),
            "{:?}",
            alice.names
        );
        assert!(alice.traits.is_empty() && !alice.account.suspended && alice.account.own_password);
    }
    wiki.get(
        "/people/operator",
        200,
        &json!({"id": "operator", "active": true, "admin": true}),
    )
    .await;
    wiki.get(
        "/admins",
        200,
        &json!({"people": [{"id": "operator", "active": true}, {"id": "gone", "active": false}]}),
    )
    .await;
    let us = wiki.one("username:operator").await;
    assert_eq!(
        us.traits,
        [PrincipalTrait::Ourselves, PrincipalTrait::LastAdmin, PrincipalTrait::Admin].into()
    );
    assert!(!wiki.target.asks_by(&Subject::EmployeeId("7".into())));
    assert_eq!(remedy(wiki.resolve("employee_id:7").await).0, Remedy::GiveUp);
}

#[tokio::test]
async fn a_search_that_finds_somebody_else_finds_nobody_and_one_that_finds_two_is_ambiguous() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.get("/search", 200, &json!({"total": 3, "people": [
        {"id": "malice", "mail": "malice@example.org"}, {"id": "a1", "mail": "ALICE@example.org"}, {"id": "a2", "mail": "alice@example.org"}]}))
        .await;
    let found = wiki.resolve("alice@example.org").await.unwrap();
    assert_eq!(found, Resolution::Ambiguous(vec!["a1".into(), "a2".into()]));
    assert_eq!(wiki.resolve("lice@example.org").await.unwrap(), Resolution::None);
}

#[tokio::test]
async fn nobody_is_believed_in_the_targets_own_words_and_with_a_control_only() {
    let wiki = Wiki::new().await;
    wiki.get("/people/nobody", 404, &json!({"error": "nobody"})).await;
    wiki.get("/people/route", 404, &json!({"error": "no such route"})).await;
    wiki.answer("GET", "/people/html", ResponseTemplate::new(404).set_body_string("<html>"))
        .await;
    wiki.answer("GET", "/people/page", ResponseTemplate::new(200).set_body_string("<html>"))
        .await;
    wiki.answer(
        "GET",
        "/people/moved",
        ResponseTemplate::new(302).insert_header("location", "/login"),
    )
    .await;
    // Without the control it is our rights that are in doubt.
    wiki.get("/people", 200, &json!({})).await;
    let (what, why) = remedy(wiki.resolve("username:nobody").await);
    assert!(what == Remedy::Pause && why.contains("shows us nothing"), "{why}");
    for (name, expected) in [
        ("route", Remedy::GiveUp),
        ("html", Remedy::GiveUp),
        ("page", Remedy::Pause),
        ("moved", Remedy::GiveUp),
    ] {
        assert_eq!(remedy(wiki.resolve(&format!("username:{name}")).await).0, expected, "{name}");
    }
    let wiki = Wiki::new().await;
    wiki.get("/people/nobody", 404, &json!({"error": "nobody"})).await;
    wiki.get("/people", 200, &json!({"people": []})).await;
    assert_eq!(wiki.resolve("username:nobody").await.unwrap(), Resolution::None);
}

#[tokio::test]
async fn an_answer_about_another_account_is_never_taken_for_the_one_that_was_asked_for() {
    let wiki = Wiki::new().await;
    wiki.get("/people/alice", 200, &json!({"id": "bob", "active": true})).await;
    wiki.get("/people/bob", 200, &json!({"id": "bob", "active": true})).await;
    let (what, why) = remedy(wiki.resolve("username:alice").await);
    assert!(what == Remedy::Retry && why.contains("another account"), "{why}");
}

#[tokio::test]
async fn what_an_account_has_is_listed_and_a_secret_id_is_never_shown() {
    let wiki = Wiki::new().await.with_alice().await;
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    assert_eq!(access.listed, [GrantKind::Session, GrantKind::ApiKey].into());
    let ids: Vec<&str> = access.grants.iter().map(|grant| grant.name.id.as_str()).collect();
    assert_eq!(ids, ["7", "8", &digest_of("AKIA-1"), &digest_of("AKIA-2")]);
    assert_eq!(access.grants[0].last_used_at.map(Timestamp::ms), Some(1_795_478_000_000));
    assert_eq!(access.residuals[0].ends, ResidualEnd::AfterOurAct(600));
    let permits = *wiki.permits.permits.lock().unwrap();
    assert_eq!(permits, wiki.requests().await.len(), "every request has its permit");
    let sent = wiki.last("GET /people/alice/keys").await;
    assert_eq!(sent.headers["authorization"], "Bearer s3cret");
}

#[tokio::test]
async fn our_own_list_in_place_of_theirs_is_an_error() {
    let wiki = Wiki::new().await;
    wiki.get("/people/alice", 200, &json!({"id": "alice", "active": true})).await;
    wiki.get("/people/alice/keys", 200, &json!({"keys": []})).await;
    wiki.get("/people/alice/sessions", 200, &json!([{"id": 1, "owner": "operator"}]))
        .await;
    let alice = wiki.one("username:alice").await;
    let (what, why) = remedy(wiki.observe(&alice).await);
    assert!(what == Remedy::GiveUp && why.contains("not this account's"), "{why}");
}

#[tokio::test]
async fn a_limit_is_told_to_the_pacer_and_waited_for() {
    let wiki = Wiki::new().await;
    wiki.answer(
        "GET",
        "/people/alice",
        ResponseTemplate::new(429).insert_header("retry-after", "17"),
    )
    .await;
    assert_eq!(
        remedy(wiki.resolve("username:alice").await).0,
        Remedy::RetryAfter(Duration::from_secs(17))
    );
    let noted = wiki.permits.noted.lock().unwrap();
    assert!(noted.iter().any(|hints| hints.refused == Some(Duration::from_secs(17))));
}

#[test]
fn the_role_is_what_the_description_says_unless_the_config_says_another() {
    let folder = tempfile::tempdir().unwrap();
    let token = secret(folder.path(), "token", "s3cret");
    let file = folder.path().join("wiki.toml");
    for (described, written, expected) in [
        ("", "", TargetRole::Application),
        ("role = \"identity_provider\"\n", "", TargetRole::IdentityProvider),
        (
            "role = \"identity_provider\"\n",
            "role = \"application\"\n",
            TargetRole::Application,
        ),
        ("", "role = \"identity_provider\"\n", TargetRole::IdentityProvider),
    ] {
        std::fs::write(&file, format!("{described}{WIKI}")).unwrap();
        let config = format!(
            "[[target]]\nname = \"wiki\"\nkind = \"described\"\ndescription = {:?}\nurl = \"https://wiki.example.org\"\ntoken = {{ file = {token:?} }}\n{written}",
            file.display().to_string()
        );
        let config = Config::parse("revoked.toml", &config, &Clock::fixed(NOW)).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(config.targets[0].role, expected, "{described}{written}");
    }
}

#[tokio::test]
async fn the_keys_of_a_config_are_those_that_the_description_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let token = secret(folder.path(), "token", "s3cret");
    let file = folder.path().join("wiki.toml");
    std::fs::write(&file, WIKI).unwrap();
    let named = format!("description = {:?}\n", file.display().to_string());
    let sound = format!("{named}url = \"https://wiki.example.org\"\ntoken = {{ file = {token:?} }}\n");
    assert!(build(&format!("{sound}cache = \"1h\"\nourselves = \"op\"\n")).is_ok());
    for (toml, expected) in [
        (named.clone(), "the key `url` is missing"),
        (named.clone(), "the key `token` is missing"),
        (format!("{sound}tokn = 1\n"), "unknown key `tokn`; did you mean `token`?"),
        (
            format!("{sound}cache = \"soon\"\n"),
            "cache: \"soon\" is not a length of time",
        ),
        (format!("{sound}ca_file = \"/nowhere\"\n"), "ca_file: "),
        (sound.replace("https://", "http://"), "would send the credential unencrypted"),
        (
            sound.replace(&format!("{{ file = {token:?} }}"), "\"s3cret\""),
            "a secret never stands in the config itself",
        ),
        (sound.replace("wiki.toml", "wiky.toml"), "description: cannot read"),
        (
            format!("{sound}origins = {{ \"https://a.example.org\" = \"https://b.example.org\" }}\n"),
            "this kind asks at its own URL only",
        ),
    ] {
        let mistakes = build(&toml).err().unwrap();
        let said: Vec<&str> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
        assert!(said.iter().any(|said| said.contains(expected)), "{expected}: {said:?}");
        assert!(!format!("{said:?}").contains("s3cret"));
    }
    std::fs::write(&file, WIKI.replace("paging = \"none\"\n", "")).unwrap();
    let mistakes = build(&sound).err().unwrap();
    assert!(
        mistakes[0].message.contains("wiki.toml:32:1: the key `paging` is missing"),
        "{mistakes:?}"
    );
}
