//! The sweeps after the verdict.

use revoked_sandbox::Id;
use revoked_sandbox::world::{Bot, Browser, SessionKind};
use serde_json::Value;

use super::{Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, changes};

async fn watched() -> Installation {
    Installation::new(InstallationPlan {
        watch: "[\"1s\", \"4s\"]",
        ..InstallationPlan::default()
    })
    .await
}

#[tokio::test]
async fn a_session_that_appears_after_the_verdict_is_ended_again_and_somebody_is_told() {
    let site = watched().await;
    let _running = site.start().await;
    let said = site.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), "user01");
    assert!(person.is_out());
    let now = revoked::clock::Clock::system().now().ms();
    site.chat()
        .world()
        .open_session(person.id, SessionKind::Login(Browser::web()), now);
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert_eq!(site.alerts().await, ["came_back"]);
    let case = said.json()["case"]["id"].clone();
    let trail = site.trail(&case).await;
    let place = |kind: &str| {
        trail
            .iter()
            .position(|entry| entry == kind)
            .unwrap_or_else(|| panic!("{kind} in {trail:?}"))
    };
    assert!(place("case.contained") < place("case.reopened"));
    assert_eq!(trail.iter().filter(|entry| *entry == "case.contained").count(), 2);
    // The last sweep finds nothing, changes nothing and ends the chain.
    let sent = changes(site.chat()).len();
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 2)
        .await;
    assert_eq!(changes(site.chat()).len(), sent);
    assert_eq!(site.count("SELECT count(*) FROM job").await, 3);
    let detail = site.closed(&case).await;
    assert_eq!(detail["case"]["reopened"], 1);
}

/// A suspended person whose account was enabled again, and the case.
async fn enabled_again(site: &Installation, username: &str, reason: &str) -> (Id, Value) {
    let said = site.revoke(&format!("username:{username}"), reason, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), username).id;
    let now = revoked::clock::Clock::system().now().ms();
    site.chat().world().set_active(person, true, now);
    (person, said.json()["case"]["id"].clone())
}

/// The one hold that is open, and the fingerprint of what it is about.
async fn one_hold(site: &Installation) -> (String, String) {
    site.until_count("SELECT count(*) FROM hold WHERE state = 'open'", 1).await;
    let holds = site.ask(&["hold", "list"]).await;
    let hold = holds[0]["id"].to_string();
    let set = site.ask(&["hold", "show", &hold]).await["set"].as_str().unwrap().to_owned();
    (hold, set)
}

#[tokio::test]
async fn a_compromised_account_that_was_enabled_again_is_suspended_again() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1s\", \"4s\"]",
        compromised: "block = true",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    enabled_again(&site, "user02", "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user02").active);
    assert_eq!(site.alerts().await, ["came_back"]);
}

#[tokio::test]
async fn a_departed_account_that_somebody_enabled_again_waits_for_a_human_and_is_left_alone_on_his_word() {
    let site = watched().await;
    let _running = site.start().await;
    let (_, case) = enabled_again(&site, "user02", "departed").await;
    let (hold, _) = one_hold(&site).await;
    assert!(Holdings::of(site.chat(), "user02").active);
    assert_eq!(site.alerts().await, ["hold"]);
    let shown = site.ask(&["hold", "show", &hold]).await;
    assert!(
        shown["hold"]["detail"].as_str().unwrap().contains("enabled again"),
        "{shown:#}"
    );
    let reject = ["hold", "reject", &hold, "--yes", "--note", "departed by mistake"];
    let rejected = site.says(&reject).await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    // What was proved stays said, and no sweep is left that could suspend the account once more.
    let detail = site.closed(&case).await;
    assert_eq!(
        (&detail["case"]["state"], &detail["case"]["verdict"]),
        (&"closed".into(), &"contained".into()),
        "{detail:#}"
    );
    site.until_count("SELECT count(*) FROM job WHERE state NOT IN ('done', 'cancelled')", 0)
        .await;
    assert!(Holdings::of(site.chat(), "user02").active);
    assert!(site.alerts().await.is_empty());
}

#[tokio::test]
async fn a_departed_account_that_somebody_enabled_again_is_suspended_again_on_a_humans_word() {
    let site = watched().await;
    let _running = site.start().await;
    let (_, case) = enabled_again(&site, "user02", "departed").await;
    let (hold, set) = one_hold(&site).await;
    let approved = site.says(&["hold", "approve", &hold, "--set", &set]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    site.until_count("SELECT count(*) FROM cases WHERE reopened = 1 AND verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user02").active);
    let detail = site.closed(&case).await;
    assert_eq!(detail["case"]["verdict"], "contained", "{detail:#}");
}

#[tokio::test]
async fn a_come_back_that_the_last_sweep_found_begins_the_sweeps_anew() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"1s\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let said = site.revoke("username:user02", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), "user02").id;
    let now = revoked::clock::Clock::system().now().ms();
    site.chat()
        .world()
        .open_session(person, SessionKind::Login(Browser::web()), now);
    // The sweep that ended it, and the one that looks whether it stays so.
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 2)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state = 'scheduled'").await, 0);
    assert_eq!(site.count("SELECT reopened FROM cases").await, 1);
    assert!(Holdings::of(site.chat(), "user02").is_out());
}

#[tokio::test]
async fn the_owner_of_the_bot_that_we_are_loses_all_but_the_account_until_the_bot_is_given_away() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let give = |username: &str| {
        let mut world = site.chat().world();
        let owner = world.person(username).unwrap().id;
        let us = world.person("revoked-operator").unwrap().id;
        let bot = world.bots.get(us).unwrap().clone();
        world.put_bot(Bot { owner_id: owner, ..bot });
    };
    give("user02");
    let said = site.revoke("username:user02", "departed", &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    let why = said.json()["jobs"][0]["error"].to_string();
    assert!(why.contains("it owns the bot that revoked acts as"), "{why}");
    let owner = Holdings::of(site.chat(), "user02");
    assert!(owner.active && owner.is_out(), "{owner:?}");
    assert!(site.ask(&["hold", "list"]).await.as_array().unwrap().is_empty());
    // Asked anew: the bot belongs to somebody else by now.
    give("user04");
    let said = site.revoke("username:user02", "departed", &["--key", "again"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!Holdings::of(site.chat(), "user02").active);
}
