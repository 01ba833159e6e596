//! Releasing a suspension: ours, as it was rehearsed, and no other.

use serde_json::Value;

use super::{CommandOutput, Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

/// An installation, and somebody who was departed there by mistake.
async fn departed(username: &str) -> (Installation, super::DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        watch: "[\"24h\"]",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let said = site.revoke(&format!("username:{username}"), "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    (site, running)
}

impl Installation {
    /// The set that a release of the first case would be about.
    async fn rehearsed(&self) -> (String, Value) {
        let rehearsal = self.ask(&["release", "1"]).await;
        (rehearsal["set"].as_str().unwrap().to_owned(), rehearsal)
    }

    async fn release(&self, set: &str) -> CommandOutput {
        self.says(&["release", "1", "--set", set, "--note", "HR ticket 812", "--json"])
            .await
    }
}

fn now() -> i64 {
    revoked::clock::Clock::system().now().ms()
}

#[tokio::test]
async fn a_suspension_of_ours_is_undone_as_rehearsed_and_its_sweeps_end() {
    let (site, _running) = departed("user04").await;
    let (set, rehearsal) = site.rehearsed().await;
    assert!(!Holdings::of(site.chat(), "user04").active, "a rehearsal changes nothing");
    assert!(
        rehearsal["targets"][0]["accounts"][0]["doors"]
            .to_string()
            .contains("own_password"),
        "{rehearsal:#}"
    );
    let said = site.release(&set).await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count("SELECT count(*) FROM job WHERE verdict = 'released'", 1)
        .await;
    let after = Holdings::of(site.chat(), "user04");
    assert!(after.active && after.is_out(), "nothing that was ended comes back: {after:?}");
    assert_eq!(
        site.count("SELECT count(*) FROM job WHERE state NOT IN ('done', 'cancelled')")
            .await,
        0
    );
    let trail = site.trail(&1.into()).await;
    assert!(trail.iter().any(|entry| entry == "release.asked"), "{trail:?}");
    let again = site.says(&["release", "1"]).await;
    assert!(
        again.code == 2
            && again
                .err
                .contains("case 1 about user04 has nothing more to release: its suspension was undone "),
        "{again:?}"
    );
    let listed = site.says(&["case", "list"]).await;
    assert!(
        listed.out.contains("released") && !listed.out.contains("closed"),
        "a list does not show it as merely contained: {listed:?}"
    );
}

#[tokio::test]
async fn another_set_than_the_rehearsed_is_refused() {
    let (site, _running) = departed("user04").await;
    let refused = site.release("0000000000000000").await;
    assert!(refused.code == 2 && refused.err.contains("look again"), "{refused:?}");
    let (set, _) = site.rehearsed().await;
    // A token that a restored backup, say, brings back would work again with the account.
    let person = Holdings::of(site.chat(), "user04").id;
    site.chat().world().add_token(person, "restored");
    let refused = site.release(&set).await;
    assert!(refused.code == 2 && refused.err.contains("has changed"), "{refused:?}");
    assert!(!Holdings::of(site.chat(), "user04").active);
    let (set, rehearsal) = site.rehearsed().await;
    let revived = rehearsal["targets"][0]["accounts"][0]["revived"].to_string();
    assert!(revived.contains("access_token"), "{rehearsal:#}");
    assert_eq!(site.release(&set).await.code, 0);
    site.until_count("SELECT count(*) FROM job WHERE verdict = 'released'", 1)
        .await;
}

#[tokio::test]
async fn a_suspension_of_somebody_else_is_never_undone() {
    let (site, _running) = departed("user04").await;
    let (set, _) = site.rehearsed().await;
    let person = Holdings::of(site.chat(), "user04").id;
    let later = now() + 60_000;
    site.chat().world().set_active(person, true, later);
    site.chat().world().set_active(person, false, later + 1);
    let refused = site.release(&set).await;
    assert!(
        refused.code == 2 && refused.err.contains("not suspended as the case suspended it"),
        "{refused:?}"
    );
    assert!(!Holdings::of(site.chat(), "user04").active);
}

#[tokio::test]
async fn a_suspension_of_somebody_else_that_a_sweep_has_seen_is_not_taken_for_ours() {
    let site = Installation::new(InstallationPlan {
        watch: "[\"2s\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let said = site.revoke("username:user04", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let person = Holdings::of(site.chat(), "user04").id;
    let later = now() + 60_000;
    site.chat().world().set_active(person, true, later);
    site.chat().world().set_active(person, false, later + 1);
    site.until_count("SELECT count(*) FROM job WHERE kind = 'watch' AND state = 'done'", 1)
        .await;
    let refused = site.says(&["release", "1"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("not suspended as the case suspended it"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn whoever_was_suspended_before_the_case_is_not_released_by_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let person = Holdings::of(site.chat(), "user04").id;
    site.chat().world().set_active(person, false, now() - 60_000);
    let said = site.revoke("username:user04", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let refused = site.says(&["release", "1"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("has suspended nobody"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_release_says_which_other_cases_ask_for_the_same_suspension() {
    let (site, _running) = departed("user04").await;
    let (alone, rehearsal) = site.rehearsed().await;
    assert_eq!(rehearsal["targets"][0]["others"], serde_json::json!([]), "{rehearsal:#}");
    // Once more, after the first case has closed; and under another name, on a day to come.
    assert_eq!(site.revoke("username:user04", "departed", &[]).await.code, 0);
    let later = [
        "revoke",
        "user04@example.test",
        "--reason",
        "departed",
        "--at",
        "2999-01-01T00:00:00Z",
    ];
    assert_eq!(site.says(&later).await.code, 0);
    site.until_count("SELECT count(*) FROM job WHERE case_id = 3 AND state = 'scheduled'", 1)
        .await;
    let stale = site.release(&alone).await;
    assert!(stale.code == 2 && stale.err.contains("has changed"), "{stale:?}");
    assert!(!Holdings::of(site.chat(), "user04").active);
    let said = site.says(&["release", "1", "--utc"]).await;
    for trap in [
        "case 2 (departed, from inbox) asks for the same suspension; its next sweep will hold; revoked case cancel 2 --note WHY ends it",
        "case 3 (departed, from inbox) asks for the same suspension; it will suspend the account at Tue 01 Jan 2999 00:00Z",
        "revoked case cancel 3 --note WHY ends it",
    ] {
        assert!(said.out.contains(trap), "{said:?}");
    }
    for case in ["2", "3"] {
        assert_eq!(site.says(&["case", "cancel", case, "--note", "a test"]).await.code, 0);
    }
    let (again, rehearsal) = site.rehearsed().await;
    assert_eq!(again, alone, "{rehearsal:#}");
}

#[tokio::test]
async fn a_release_is_not_carried_out_where_another_case_came_after_the_rehearsal() {
    let (site, running) = departed("user04").await;
    running.stop().await;
    let (set, _) = site.rehearsed().await;
    assert_eq!(site.release(&set).await.code, 0);
    let mut conn = site.sql().await;
    for sql in [
        "INSERT INTO cases (subject_ref, reason, playbook, scope, priority, state, source, received_at) \
         SELECT subject_ref, reason, playbook, scope, priority, 'open', 'hr', received_at FROM cases WHERE id = 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, due, created_at) \
         SELECT 2, target, kind, containment, priority, 'scheduled', 32472144000000, created_at FROM job WHERE case_id = 1 AND kind = 'contain'",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    drop(conn);
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM job WHERE kind = 'release' AND verdict = 'failed'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user04").active);
    let shown = site.says(&["case", "show", "1"]).await;
    assert!(
        shown.out.contains("case 2 (departed, from hr) asks for the same suspension"),
        "{shown:?}"
    );
}
