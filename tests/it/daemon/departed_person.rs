//! Somebody has left: the account block first, then everything.

use super::{Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, changes, others};

#[tokio::test]
async fn a_departed_person_is_suspended_first_and_then_loses_everything() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let before = Holdings::of(site.chat(), "user01");
    let bystanders = others(site.chat(), "user01");
    let said = site
        .revoke("user01@example.test", "departed", &["--note", "last day was yesterday"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let detail = said.json();
    assert_eq!(detail["case"]["verdict"], "contained");
    let after = Holdings::of(site.chat(), "user01");
    assert!(!after.active && after.is_out(), "{after:?}");
    {
        let world = site.chat().world();
        let owns = |owner| owner == before.id;
        assert!(world.bots.iter().all(|bot| !owns(bot.owner_id) || bot.delete_at > 0));
        assert!(
            world
                .incoming_hooks
                .iter()
                .all(|hook| !owns(hook.user_id) || hook.delete_at > 0)
        );
        assert!(
            world
                .outgoing_hooks
                .iter()
                .all(|hook| !owns(hook.creator_id) || hook.delete_at > 0)
        );
        assert!(
            world
                .commands
                .iter()
                .all(|command| !owns(command.creator_id) || command.delete_at > 0)
        );
    }
    let still: Vec<_> = others(site.chat(), "user01").into_iter().filter(|one| one.active).collect();
    let were: Vec<_> = bystanders
        .into_iter()
        .filter(|one| still.iter().any(|other| other.id == one.id))
        .collect();
    assert_eq!(still, were, "others lost something");

    let changes = changes(site.chat());
    assert!(changes[0].is("DELETE", &format!("/users/{}", before.id)), "{:?}", changes[0]);
    let sweep = format!("/users/{}/sessions/revoke/all", before.id);
    assert!(changes.iter().skip(1).any(|seen| seen.is("POST", &sweep)), "{changes:#?}");

    let evidence = &detail["jobs"][0]["evidence"];
    assert_eq!(evidence["suspended"], serde_json::json!([false, true]));
    assert!(evidence["before"]["session"].as_u64().unwrap() >= 3, "{evidence:#}");
    assert!(
        evidence["after"].as_object().unwrap().values().all(|count| count == 0),
        "{evidence:#}"
    );
    assert!(!evidence["not_covered"].as_array().unwrap().is_empty());
    running.stop().await;
    let report = site.says(&["trail", "verify", "--json"]).await.done();
    assert_eq!(report["verified"], true);
    assert_eq!(report["confirmed"], report["entries"], "the last checkpoint covers the stop");
    assert!(!site.log().contains("tokio_cron_scheduler"), "the log is for operators");
}

#[tokio::test]
async fn a_rehearsal_tells_the_plan_and_changes_nothing_with_or_without_a_daemon() {
    let site = Installation::new(InstallationPlan {
        policy: "protected = [\"username:user02\"]",
        ..InstallationPlan::default()
    })
    .await;
    let everybody = others(site.chat(), "");
    for running in [false, true] {
        let _daemon = if running { Some(site.start().await) } else { None };
        let said = site
            .says(&["revoke", "username:user01", "--reason", "departed", "--rehearse", "--json"])
            .await;
        assert_eq!(said.code, 0, "{said:?}");
        let said = said.rows();
        let actions = said[0]["plan"]["accounts"][0]["actions"].as_array().unwrap();
        assert_eq!(actions[0]["do"], "suspend", "{actions:#?}");
        assert!(actions.iter().any(|action| action["do"] == "end_all_sessions"));
        let said = site
            .says(&["revoke", "user02@example.test", "--reason", "departed", "--rehearse"])
            .await;
        assert!(said.code == 0 && said.out.contains("would be held"), "{said:?}");
        assert!(said.out.contains("nothing was changed"), "{said:?}");
    }
    assert!(changes(site.chat()).is_empty());
    assert_eq!(others(site.chat(), ""), everybody);
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 0);
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
}
