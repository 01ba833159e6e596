//! Groups of people, and the files that they stand in.

use std::fs;

use super::{entries, plan, site};
use crate::harness::chat_holdings::changes;
use crate::harness::{Installation, until};

const EXECUTIVES: &str = "[group.executives]\nfile = \"{folder}/executives\"\nhold = true\napprovals = 2\n";

fn list(site: &Installation, names: impl IntoIterator<Item = usize>) {
    let lines: Vec<String> = names
        .into_iter()
        .map(|n| format!("username:user{n:02} # one of them\n"))
        .collect();
    fs::write(site.path("executives.tmp"), lines.concat()).unwrap();
    fs::rename(site.path("executives.tmp"), site.path("executives")).unwrap();
}

async fn until_alert(site: &Installation, wanted: bool) -> String {
    until("the alert about the list", async || {
        let alerts = site.ask(&["alert", "list"]).await;
        let alert = alerts.as_array().unwrap().iter().find(|alert| alert["kind"] == "group_list");
        (alert.is_some() == wanted).then(|| alert.map_or(String::new(), |alert| alert["summary"].as_str().unwrap().to_owned()))
    })
    .await
}

async fn is_held(site: &Installation, user: &str) {
    let said = site.revoke(user, "compromised", &[]).await;
    assert_eq!(said.code, 14, "{user} is of the group: {said:?}");
}

#[tokio::test]
async fn a_list_that_shrinks_too_far_or_is_gone_keeps_the_last_good_one_and_alerts() {
    let site = site(EXECUTIVES).await;
    list(&site, 1..=8);
    let running = site.start().await;
    is_held(&site, "username:user01").await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(
        (&holds[0]["why"], &holds[0]["group"], &holds[0]["approvals"]),
        (&"group".into(), &"executives".into(), &2.into()),
        "{holds:#}"
    );

    let shown = site.ask(&["hold", "show", "1"]).await;
    assert_eq!(
        shown["two_persons"]["why"], "the group executives asks for two persons",
        "{shown:#}"
    );

    // Half-written: three of eight are left.
    list(&site, 1..=3);
    let summary = until_alert(&site, true).await;
    assert!(
        summary.contains("it names 3 where it named 8") && summary.contains("revoked policy accept executives"),
        "{summary}"
    );
    assert!(!summary.contains("user0"), "{summary}");
    is_held(&site, "username:user08").await;
    assert!(changes(site.chat()).is_empty());

    // Whole again.
    list(&site, 1..=9);
    until_alert(&site, false).await;
    is_held(&site, "username:user09").await;

    // Gone, also at a start: the last good list stands.
    fs::remove_file(site.path("executives")).unwrap();
    until_alert(&site, true).await;
    running.stop().await;
    let running = site.start().await;
    is_held(&site, "username:user07").await;
    let groups = site.ask(&["policy", "groups"]).await;
    assert_eq!(groups["names"], 9, "{groups:#}");

    // An operator may accept exactly the list that lies there.
    list(&site, 1..=2);
    let summary = until_alert(&site, true).await;
    assert!(!summary.is_empty());
    until("the shorter list to be looked at", async || {
        let alerts = site.ask(&["alert", "list"]).await.to_string();
        alerts.contains("it names 2 where it named 9").then_some(())
    })
    .await;
    let said = site.says(&["policy", "accept", "executives"]).await;
    assert!(said.code == 0 && said.out.contains("2 names where it had 9"), "{said:?}");
    until_alert(&site, false).await;
    let said = site.revoke("username:user06", "compromised", &[]).await;
    assert_eq!(said.code, 0, "no longer one of them: {said:?}");
    let read = entries(&site, "group.list_read").await;
    let names: Vec<_> = read.iter().map(|detail| detail["members"].as_i64().unwrap()).collect();
    assert_eq!(names, [8, 9, 2]);
    assert_eq!(entries(&site, "group.list_accepted").await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_group_without_any_list_keeps_the_daemon_from_starting() {
    let site = site(EXECUTIVES).await;
    let said = site.says(&["run"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.contains("the list of the group executives") && said.err.contains("there is no earlier one"),
        "{said:?}"
    );
}

#[tokio::test]
async fn members_of_a_group_that_only_the_target_knows_as_such_are_held_for_it() {
    let site = site("[group.on-call]\nmembers = [\"email:user02@example.test\"]\nhold = true\napprovals = 2\n").await;
    let _running = site.start().await;
    is_held(&site, "username:user02").await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(
        (&holds[0]["group"], &holds[0]["approvals"]),
        (&"on-call".into(), &2.into()),
        "{holds:#}"
    );
    site.configure(&plan("[group.on-call]\nmembers = [\"email:user02@example.test\"]\n"));
    let said = site.says(&["check", "--offline"]).await;
    assert!(
        said.code == 2 && said.err.contains("the group on-call changes nothing"),
        "{said:?}"
    );
}
