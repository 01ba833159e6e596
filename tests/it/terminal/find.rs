//! Finding somebody by half a name, and whom a word is taken for.

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

/// An installation that has heard of some people: two cases, one person by two names, one departure, one note.
async fn known() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &["--note", "seen by Zebedee"])
        .await;
    site.revoke("user02@example.test", "compromised", &[]).await;
    let linked = ["subject", "link", "user02@example.test", "employee_id:4711"];
    assert_eq!(site.says(&linked).await.code, 0);
    running.stop().await;
    site
}

#[tokio::test]
async fn half_a_name_finds_cases_and_people_and_names_the_command_that_shows_each() {
    let site = known().await;
    let said = site.says(&["find", "USER0"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for line in [
        "revoked case show 1",
        "revoked case show 2",
        "revoked subject show username:user01",
    ] {
        assert!(said.out.contains(line), "{said:?}");
    }
    let said = site.says(&["find", "471"]).await;
    assert!(said.out.contains("revoked case show 2"), "by a linked name: {said:?}");
    let said = site.says(&["find", "zebedee"]).await;
    assert!(
        said.out.contains("by a note") && said.out.contains("revoked case show 1"),
        "{said:?}"
    );
    let rows = site.says(&["find", "user01", "--json"]).await.rows();
    let exact = rows.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&exact["exact"], &exact["what"]),
        (&true.into(), &"person".into()),
        "what was meant stands last"
    );
}

#[tokio::test]
async fn an_account_that_was_seen_at_a_target_leads_to_its_case() {
    let site = known().await;
    let case = site.ask(&["case", "show", "1"]).await;
    let account = case["jobs"][0]["evidence"]["principal"].as_str().unwrap();
    let rows = site.says(&["find", account, "--json"]).await.rows();
    assert_eq!(rows[0]["id"], 1, "{rows}");
    assert_eq!(rows[0]["by"], "what was seen at chat");
}

#[tokio::test]
async fn who_is_not_known_gets_the_nearest_name() {
    let site = known().await;
    let said = site.says(&["find", "usre01"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("did you mean username:user01"), "{said:?}");
    let said = site.says(&["subject", "show", "usre01"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("did you mean username:user01") && said.err.lines().count() == 1,
        "{said:?}"
    );
}

#[tokio::test]
async fn a_word_that_one_person_bears_is_taken_for_them_and_says_so() {
    let site = known().await;
    for (word, meant) in [
        ("user01", "username:user01"),
        ("user02", "email:user02@example.test"),
        ("4711", "employee_id:4711"),
        ("case:2", "email:user02@example.test"),
    ] {
        let said = site.says(&["subject", "show", word]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains(meant), "{word}: {said:?}");
    }
    let running = site.start().await;
    site.revoke("username:user02", "compromised", &[]).await;
    running.stop().await;
    let said = site.says(&["subject", "show", "user02"]).await;
    assert!(
        said.err.contains("username:user02"),
        "the whole of a name comes before a part of an address: {said:?}"
    );
    let said = site.says(&["subject", "show", "case:99"]).await;
    assert_ne!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn what_was_found_fits_the_screen() {
    let site = known().await;
    let config = site.config();
    let ended = Terminal::start(&["find", "user0", "--config", config.to_str().unwrap()], &[], NARROW).end();
    assert!(
        ended.screen.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ended.screen
    );
    assert!(ended.screen.contains("revoked case show 2"), "{}", ended.screen);
    println!("{}", ended.screen);
}

#[tokio::test]
async fn marks_of_patterns_and_of_terminals_are_letters_like_others() {
    let site = known().await;
    for word in [
        "%",
        "_ser",
        "user%1",
        "\\",
        "'; DROP TABLE person; --",
        "\u{1b}[2J",
        "\u{202e}10resu",
    ] {
        let said = site.says(&["find", word]).await;
        assert_eq!(said.code, 1, "{word}: {said:?}");
        assert!(!said.out.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    }
    assert_eq!(site.says(&["find", " "]).await.code, 2);
}
