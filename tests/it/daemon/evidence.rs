//! The evidence is the job's, over all its attempts, and short to read.

use std::collections::BTreeMap;

use revoked_sandbox::{Effect, Fault};
use serde_json::Value;

use super::{Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

/// What a person holds that a departure ends, counted in the world.
fn holds(site: &Installation, username: &str) -> BTreeMap<String, u64> {
    let person = Holdings::of(site.chat(), username);
    let world = site.chat().world();
    let owned = |owner| owner == person.id;
    let bots: Vec<_> = world
        .bots
        .iter()
        .filter(|bot| owned(bot.owner_id))
        .map(|bot| bot.user_id)
        .collect();
    let count = |n: usize| u64::try_from(n).unwrap();
    BTreeMap::from([
        ("access_token".to_owned(), count(person.tokens.len())),
        ("bot".to_owned(), count(bots.len())),
        (
            "bot_token".to_owned(),
            count(bots.iter().map(|bot| world.tokens_of(*bot).count()).sum()),
        ),
    ])
}

/// The evidence must count all that was there as ended, whenever it was.
fn all_ended(evidence: &Value, held: &BTreeMap<String, u64>) {
    for (kind, count) in held {
        assert_eq!(evidence["before"][kind], *count, "{kind} before: {evidence:#}");
        let ended = evidence["ended"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|grant| grant["kind"] == kind.as_str());
        assert_eq!(u64::try_from(ended.count()).unwrap(), *count, "{kind} ended: {evidence:#}");
    }
    let before: u64 = evidence["before"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(evidence["ended_count"], before, "{evidence:#}");
}

#[tokio::test]
async fn what_a_killed_attempt_ended_counts_in_the_verdict_of_the_next() {
    for kill in [false, true] {
        let site = Installation::new(InstallationPlan {
            attempts: 8,
            ..InstallationPlan::default()
        })
        .await;
        let running = site.start().await;
        let held = holds(&site, "user01");
        let sessions = Holdings::of(site.chat(), "user01").sessions.len();
        // Nobody is suspended, so that sessions, tokens and the rest are ended one after the other; then the server hangs, or fails once.
        let effect = if kill { Effect::Latency(60_000) } else { Effect::Status(500) };
        site.chat()
            .faults()
            .add(Fault::on("DELETE", "/api/v4/hooks/outgoing/*", effect).times(1));
        site.write("username:user01", "compromised", None).await.unwrap();
        if kill {
            site.until_under_way("outgoing_webhook").await;
            let first = site.count("SELECT first_revoke_at FROM cases").await;
            running.kill().await;
            site.chat().faults().clear();
            let again = site.start().await;
            site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
                .await;
            assert_eq!(site.count("SELECT first_revoke_at FROM cases").await, first);
            again.stop().await;
        } else {
            site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
                .await;
            running.stop().await;
        }
        let detail = site.ask(&["case", "show", "1"]).await;
        let evidence = &detail["jobs"][0]["evidence"];
        assert!(
            evidence["before"]["session"].as_u64().unwrap() >= u64::try_from(sessions - 1).unwrap(),
            "{evidence:#}"
        );
        all_ended(evidence, &held);
        let settled = site.says(&["trail", "show", "--kind", "job.settled", "--json"]).await.out;
        let settled: Value = serde_json::from_str(settled.lines().last().unwrap()).unwrap();
        for member in ["before", "ended", "ended_count"] {
            assert_eq!(settled["detail"][member], evidence[member], "{member} in the trail");
        }
        assert_eq!(
            evidence["first_revoke_at"].as_str(),
            detail["case"]["first_revoke_at"].as_str(),
            "{evidence:#}"
        );
    }
}

#[tokio::test]
async fn bots_that_a_suspension_disabled_by_itself_count_as_ended() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let held = holds(&site, "user01");
    assert!(held["bot"] > 0);
    let said = site.revoke("username:user01", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    all_ended(&said.json()["jobs"][0]["evidence"], &held);
}

#[tokio::test]
async fn lines_that_repeat_are_one_line_with_a_count_and_the_node() {
    let node = "127.0.0.1:9";
    let site = Installation::new(InstallationPlan {
        attempts: 3,
        target: "nodes = [\"http://127.0.0.1:9\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let said = site.revoke("username:user04", "compromised", &[]).await;
    assert_ne!(said.code, 0, "{said:?}");
    let shown = site.says(&["case", "show", "1"]).await.out;
    let lines: Vec<&str> = shown
        .lines()
        .filter(|line| line.trim().starts_with("clear the session caches"))
        .collect();
    let failed: Vec<&&str> = lines.iter().filter(|line| line.contains("failed")).collect();
    assert_eq!(failed.len(), 1, "{shown}");
    assert!(failed[0].contains(node) && failed[0].contains(" times"), "{shown}");
}
