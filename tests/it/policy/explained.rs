//! Decisions explained rule by rule, and past signals through another config.

use std::fs;

use super::{drop_file, hr, leavers, site};
use crate::harness::chat_holdings::changes;
use crate::harness::until;

const GROUP: &str = "[group.services]\nmembers = [\"username:user05\"]\nhighest = \"revoke_tokens\"\n";

#[tokio::test]
async fn a_decision_is_explained_rule_by_rule_with_what_each_target_would_get() {
    let more = format!("{GROUP}{}", hr("reasons = [\"departed\"]\nurgency = \"routine\""));
    let site = site(&more).await;
    let acted = site
        .says(&["policy", "test", "--source", "hr", "--reason", "departed", "username:user05"])
        .await;
    assert_eq!(acted.code, 0, "{acted:?}");
    insta::assert_snapshot!(acted.out, @r"
    hr says departed of username:user05
        RULE                             SAYS
        source                           the source's own rules ask for something
        playbook                         it follows departed at chat
        urgency                          priority 3
        highest                          lowered to revoke_tokens, which is as far as group services may
        protected                        passes
        group                            passes
        reasons                          passes
        playbooks                        passes
        domains                          passes
        identity                         passes
        email_domains                    passes
        source (hold)                    passes
        risk                             passes
        departures_per_delivery          passes
        departures_per_delivery (share)  passes
        departures_share                 passes
        old_signal                       passes
        departures_per_hour              passes
        mode                             hr is taken at its word
    decision: act, only revoke_tokens, by departed, priority 3
     TARGET  LEVEL          WOULD GET
     chat    revoke_tokens  sessions, tokens, keys, oauth end
    nothing was stored or done
    ");
    let held = site.says(&["policy", "test", "--source", "hr", "username:user01"]).await;
    for line in [
        "priority 0 is asked for, and 3 is as urgent as the source may",
        "a human decides: the source may not say compromised (reasons)",
        "decision: hold: source_reason, by compromised, priority 3",
    ] {
        assert!(held.out.contains(line), "{line} in {}", held.out);
    }
    assert!(
        !held.out.contains("compromises_per_minute"),
        "what stands behind the rule that decides is not looked at"
    );
    let said = site
        .ask(&[
            "policy",
            "test",
            "--source",
            "hr",
            "--reason",
            "departed",
            "--together",
            "21",
            "username:user01",
        ])
        .await;
    assert_eq!(
        (&said["decision"], &said["class"]),
        (&"hold".into(), &"delivery_limit".into()),
        "{said:#}"
    );
    assert_eq!(
        said["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|step| step["decides"] == true)
            .count(),
        1,
        "{said:#}"
    );
    assert_eq!(
        (&said["targets"][0]["level"], &said["targets"][0]["demands"]["block"]),
        (&"contain".into(), &true.into())
    );
    assert!(!site.store().exists(), "nothing was stored");
}

#[tokio::test]
async fn what_another_config_would_decide_otherwise_is_shown_before_it_is_loaded() {
    let site = site(&hr("")).await;
    let running = site.start().await;
    drop_file(&site, "four.csv", &leavers(1, 4));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 4)
        .await;
    let said = site.revoke("user05@example.test", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    until("rest", async || {
        (site.count("SELECT count(*) FROM job WHERE state = 'running'").await == 0).then_some(())
    })
    .await;
    let (signals, entries) = (
        site.count("SELECT count(*) FROM signal").await,
        site.count("SELECT count(*) FROM trail").await,
    );
    let sent = changes(site.chat()).len();

    let stricter = fs::read_to_string(site.config()).unwrap().replace(
        "settle = \"200ms\"",
        "settle = \"200ms\"\ndepartures_per_delivery = 3\nhighest = \"revoke_sessions\"",
    );
    fs::write(site.path("stricter.toml"), stricter).unwrap();
    let stricter = site.path("stricter.toml").display().to_string();
    let compared = site.ask(&["policy", "replay", "--since", "1h", "--with", &stricter]).await;
    assert_eq!(
        (&compared["signals"], &compared["changed"]),
        (&5.into(), &4.into()),
        "{compared:#}"
    );
    let change = &compared["changes"][0];
    assert_eq!(
        (&change["source"], &change["before"], &change["after"], &change["people"]),
        (
            &"hr".into(),
            &"act".into(),
            &"hold: delivery_limit, only revoke_sessions".into(),
            &4.into()
        ),
        "{compared:#}"
    );
    assert_eq!(compared["named"].as_array().unwrap().len(), 4);
    let told = site
        .says(&["policy", "replay", "--since", "1h", "--with", &stricter, "--named", "1"])
        .await;
    assert!(
        told.out.contains("hold: delivery_limit") && told.out.contains("and 3 more"),
        "{}",
        told.out
    );
    // The present one decides as it did.
    let present = site.ask(&["policy", "replay", "--since", "1h"]).await;
    assert_eq!(present["changed"], 0, "{present:#}");

    assert_eq!(site.count("SELECT count(*) FROM signal").await, signals);
    assert_eq!(site.count("SELECT count(*) FROM trail").await, entries);
    assert_eq!(changes(site.chat()).len(), sent);
    running.stop().await;
}
