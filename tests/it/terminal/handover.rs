//! What the next shift is told: each case once, under the most pressing heading, in a message that fits.

use super::report::{report, texts, trail};
use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

#[tokio::test]
async fn a_handover_names_what_is_open_with_what_to_type_and_fits_a_message() {
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = \"unlimited\"\nprotected = [\"username:user05\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let empty = site.says(&["handover"]).await;
    assert!(
        empty.out.contains("Nothing came, nothing is open, nobody leaves."),
        "{empty:?}"
    );
    for person in 1..=9 {
        site.says(&["revoke", &format!("username:user{person:02}"), "--reason", "compromised"])
            .await;
    }
    site.until_count("SELECT count(*) FROM cases WHERE state IN ('closed', 'held')", 9)
        .await;
    running.stop().await;
    let told = report(&site, &["handover", "--since", "1h"]).await;
    let entries = trail(&site).await;
    for (section, kind) in [("closed", "case.contained"), ("held", "hold.placed")] {
        let told = told[section].as_array().unwrap();
        assert!(!told.is_empty(), "{section}");
        for told in told {
            assert!(told["command"].as_str().unwrap().starts_with("revoked "), "{told}");
            for seq in told["entries"].as_array().unwrap() {
                assert_eq!(entries[&seq.as_u64().unwrap()]["kind"], kind, "{told}");
            }
        }
    }
    assert_eq!(told["closed_more"]["count"], 4, "{told:#}");
    assert_eq!(told["came"].as_array().map(Vec::len), Some(0), "a case stands once: {told:#}");
    let message = site.says(&["handover"]).await.out;
    assert!(
        message.len() < 4000 && message.contains("**Came: 9**\nThey stand under the headings above."),
        "{message}"
    );
    assert!(message.contains(", 1 person (`user05`): `"), "{message}");
    assert!(message.contains("`revoked hold show 1`"), "{message}");

    let config = site.config();
    let screen = Terminal::start(&["handover", "--config", config.to_str().unwrap()], &[], NARROW).end();
    assert!(
        screen.code == 0 && screen.screen.contains("Made by revoked"),
        "{}",
        screen.screen
    );
    let longest = screen.printed.lines().map(|line| line.trim_end().chars().count()).max();
    assert!(longest <= Some(80), "{}", screen.printed);
}

#[tokio::test]
async fn in_a_handover_a_case_stands_once_with_its_owner_and_the_last_note_and_no_digest_is_whole() {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"username:user05\", \"username:user06\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    for name in ["username:user05", "username:user06"] {
        let held = site.says(&["revoke", name, "--reason", "compromised"]).await;
        assert_eq!(held.code, 14, "{held:?}");
    }
    let token = site.path("token");
    std::fs::write(&token, "xoxb-nobody-has-this-one-4711\n").unwrap();
    site.says(&["leaked", "--target", "chat", "--file", token.to_str().unwrap(), "--wait"])
        .await;
    for args in [
        &["case", "note", "1", "first words"][..],
        &["case", "note", "1", "asked Zoe of the chat team"],
        &["case", "assign", "1", "--to", "alice"],
        &["case", "assign", "2", "--to", "bob"],
    ] {
        let said = site.says(args).await;
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
    }
    running.stop().await;
    let told = report(&site, &["handover", "--since", "1h"]).await;
    let with = |section: &str, part: &str| texts(&told, section).iter().filter(|text| text.contains(part)).count();
    assert_eq!(
        with("closed", "case 1, user01: contained; looked after by alice; noted"),
        1,
        "{told:#}"
    );
    assert_eq!(with("closed", ": asked Zoe of the chat team"), 1, "{told:#}");
    assert_eq!(with("held", ", 2 people (user05, user06): "), 1, "{told:#}");
    assert_eq!(with("held", "; looked after by bob"), 1, "{told:#}");
    for case in ["case 1,", "case 2,", "case 3,", "case 4,"] {
        let sections = [
            "failed",
            "held",
            "came_back",
            "alerts",
            "open",
            "departures",
            "closed",
            "came",
        ];
        let times: usize = sections.iter().map(|section| with(section, case)).sum();
        assert!(times <= 1, "{case} {times} times: {told:#}");
    }
    let message = site.says(&["handover"]).await.out;
    let longest = message.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
    assert!(message.contains("credential sha256:") && longest < Some(16), "{message}");
    let entries = trail(&site).await;
    let carried = told["closed"]
        .as_array()
        .unwrap()
        .iter()
        .find(|told| told["text"].as_str().unwrap().contains("alice"));
    let kinds: Vec<&str> = carried.unwrap()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seq| entries[&seq.as_u64().unwrap()]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["case.contained", "case.noted", "case.assigned"], "{told:#}");
}
