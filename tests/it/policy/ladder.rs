//! Sources that may only go so far.

use super::{drop_file, entries, hr, leavers, site};
use crate::harness::chat_holdings::Holdings;

#[tokio::test]
async fn work_is_lowered_to_what_its_source_may_ask_for_and_a_fuller_demand_gets_a_case_of_its_own() {
    let site = site(&hr("highest = \"revoke_sessions\"")).await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user01");
    assert!(!before.sessions.is_empty() && !before.tokens.is_empty());
    drop_file(&site, "one.csv", &leavers(1, 1));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let after = Holdings::of(site.chat(), "user01");
    assert!(after.active && after.sessions.len() < before.sessions.len(), "{after:?}");
    assert_eq!((after.tokens, after.grants), (before.tokens, before.grants));
    let shown = site.ask(&["case", "show", "1"]).await;
    assert_eq!(
        shown["case"]["lowered"], "only as far as revoke_sessions: the bound of source hr",
        "{shown:#}"
    );
    let said = site.says(&["case", "show", "1"]).await;
    assert!(
        said.out.contains("only as far as revoke_sessions: the bound of source hr"),
        "{}",
        said.out
    );
    let opened = entries(&site, "case.opened").await;
    assert_eq!(
        (&opened[0]["lowered_to"], &opened[0]["lowered_by"]),
        (&"revoke_sessions".into(), &"source hr".into()),
        "{:#}",
        opened[0]
    );
    // An operator may go further, and is not told that it is done already.
    let said = site.revoke("user01@example.test", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let after = Holdings::of(site.chat(), "user01");
    assert!(!after.active && after.is_out(), "{after:?}");
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE lowered IS NULL").await, 1);
}

#[tokio::test]
async fn a_case_that_was_lowered_and_waits_takes_no_fuller_demand_in() {
    let site = site(&hr("highest = \"revoke_sessions\"\ndepartures_per_hour = 0")).await;
    let _running = site.start().await;
    drop_file(&site, "one.csv", &leavers(1, 1));
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    let said = site.revoke("user01@example.test", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(Holdings::of(site.chat(), "user01").is_out());
}

#[tokio::test]
async fn what_a_source_may_not_claim_waits_for_a_human_and_nothing_is_lost() {
    let site = site(&hr("reasons = [\"suspended\"]\ndomains = [\"example.test\"]")).await;
    let _running = site.start().await;
    drop_file(&site, "one.csv", &leavers(1, 1));
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds[0]["why"], "source_reason", "{holds:#}");
    let hold = holds[0]["id"].to_string();
    let set = site.ask(&["hold", "show", &hold]).await["set"].as_str().unwrap().to_owned();
    let approved = site
        .says(&["hold", "approve", &hold, "--set", &set, "--note", "HR says so"])
        .await;
    assert_eq!(approved.code, 0, "{approved:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
}
