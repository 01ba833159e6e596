//! Alerts handed to a program: what it is given, and what becomes of one that hangs, floods or fails.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{Installation, InstallationPlan, until};

/// A daemon whose program is this script; `$1` is the folder.
async fn with_program(script: &str, more: &'static str) -> Installation {
    let tables = match more {
        "" => "[alerts]\nexec = { program = \"{folder}/page\", args = [\"{folder}\"], attempts = 2 }",
        more => more,
    };
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        more: tables,
        ..InstallationPlan::default()
    })
    .await;
    site.program(script);
    site
}

impl Installation {
    fn program(&self, script: &str) {
        // Renamed into place: one that is being run cannot be written.
        let (new, path) = (self.path("page.new"), self.path("page"));
        fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// What the program was handed.
    fn handed(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("handed")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    async fn until_handed(&self, count: usize) -> Vec<Value> {
        until("handed alerts", async || {
            let handed = self.handed();
            (handed.len() >= count).then_some(handed)
        })
        .await
    }
}

const KEEP: &str = "cat >> \"$1/handed\"";

#[tokio::test]
async fn an_alert_is_one_json_object_on_standard_input_and_the_environment_is_clean() {
    let site = with_program(&format!("env > \"$1/env\"\n{KEEP}"), "").await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    let handed = site.until_handed(1).await;
    assert_eq!(handed[0]["kind"], "hold");
    assert_eq!(handed[0]["subject"], "username:user01");
    assert_eq!(handed[0]["next"], "revoked hold show 1");
    until("the record", async || (site.entries("alert.told").await == 1).then_some(())).await;
    let environment = fs::read_to_string(site.path("env")).unwrap();
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(["PATH", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"].contains(&name), "{line}");
    }
    let tested = site.says(&["alert", "test"]).await;
    assert!(tested.code == 0 && tested.out.contains("has taken the alert"), "{tested:?}");
    assert_eq!(site.handed()[1]["kind"], "alert_test");
    assert_eq!(site.alerts().await, ["hold"]);
    running.stop().await;
}

#[tokio::test]
async fn one_that_fails_is_tried_again_given_up_with_an_alert_and_that_ends_once_it_works() {
    let site = with_program("cat > /dev/null\necho a-secret-of-its-own >&2\nexit 3", "").await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    site.until_alert("alert_untold").await;
    let alerts = site.ask(&["alert", "list"]).await;
    let text = alerts.to_string();
    assert!(
        text.contains("tried 2 times: it ended with code 3") && !text.contains("a-secret"),
        "{text}"
    );
    let tested = site.says(&["alert", "test"]).await;
    assert!(tested.code == 1 && tested.err.contains("it ended with code 3"), "{tested:?}");
    site.program(KEEP);
    let tested = site.says(&["alert", "test"]).await;
    assert_eq!(tested.code, 0, "{tested:?}");
    assert_eq!(site.alerts().await, ["hold"]);
    running.stop().await;
}

#[tokio::test]
async fn one_that_hangs_or_floods_is_killed_and_holds_up_nobody() {
    let site = with_program(
        "case $(cat) in *alert_test*) exec yes ;; *) exec tail -f /dev/null ;; esac",
        "[alerts]\nexec = { program = \"{folder}/page\", timeout = \"300ms\", attempts = 1 }",
    )
    .await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    site.until_alert("alert_untold").await;
    let text = site.ask(&["alert", "list"]).await.to_string();
    assert!(text.contains("it had not ended after 300ms and was killed"), "{text}");
    let flooded = site.says(&["alert", "test"]).await;
    assert!(
        flooded.code == 1 && flooded.err.contains("wrote more than 65536 bytes"),
        "{flooded:?}"
    );
    // The daemon stops in good order beside it.
    running.stop().await;
}

#[tokio::test]
async fn what_could_not_be_handed_over_before_a_restart_is_handed_over_after_it() {
    let site = with_program(
        "exit 1",
        "[alerts]\nexec = { program = \"{folder}/page\", args = [\"{folder}\"], attempts = 100 }",
    )
    .await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    site.until_count(
        "SELECT count(*) FROM notify_delivery WHERE attempts > 0 AND state = 'pending'",
        1,
    )
    .await;
    running.stop().await;
    site.program(KEEP);
    let running = site.start().await;
    assert_eq!(site.until_handed(1).await[0]["kind"], "hold");
    running.stop().await;
}

#[tokio::test]
async fn one_that_is_missing_or_not_executable_keeps_no_daemon_from_starting_and_is_told_until_it_takes_an_alert() {
    let site = with_program(KEEP, "").await;
    for (who, spoil, why) in [
        ("username:user01", "missing", "page is not there"),
        ("username:user02", "plain", "page cannot be executed: chmod u+x "),
    ] {
        match spoil {
            "missing" => fs::remove_file(site.path("page")).unwrap(),
            _ => fs::set_permissions(site.path("page"), fs::Permissions::from_mode(0o600)).unwrap(),
        }
        let checked = site.says(&["check", "--offline"]).await;
        assert!(checked.code == 6 && checked.out.contains(why), "{checked:?}");
        let running = site.start().await;
        assert_eq!(site.revoke(who, "departed", &[]).await.code, 0);
        let status = site.says(&["status", "--exit-code"]).await;
        assert_eq!(status.code, 7, "{status:?}");
        assert!(
            status.out.contains("alerts are handed to nobody") && status.out.contains("revoked alert test"),
            "{status:?}"
        );
        assert!(site.log().contains(why), "{}", site.log());
        let tested = site.says(&["alert", "test"]).await;
        assert!(tested.code == 1 && tested.err.contains("page "), "{tested:?}");
        site.program(KEEP);
        let tested = site.says(&["alert", "test"]).await;
        assert_eq!(tested.code, 0, "{tested:?}");
        assert!(site.alerts().await.is_empty());
        running.stop().await;
    }
}

#[tokio::test]
async fn one_that_others_may_write_is_refused_with_its_place() {
    let site = with_program(KEEP, "").await;
    let plan = InstallationPlan {
        more: "[alerts]\nexec = { program = \"{folder}/page\", retries = 3 }",
        ..InstallationPlan::default()
    };
    site.configure(&plan);
    let refused = site.says(&["check", "--offline"]).await;
    assert!(refused.code == 2 && refused.err.contains("retries"), "{refused:?}");
    fs::set_permissions(site.path("page"), fs::Permissions::from_mode(0o777)).unwrap();
    site.configure(&InstallationPlan {
        more: "[alerts]\nexec = \"{folder}/page\"",
        ..InstallationPlan::default()
    });
    let refused = site.says(&["check", "--offline"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("may be written by others"),
        "{refused:?}"
    );
    let unset = with_program(KEEP, "[alerts]").await;
    unset.start().await.stop().await;
    let refused = unset.says(&["alert", "test"]).await;
    assert!(refused.code == 2 && refused.err.contains("[alerts]"), "{refused:?}");
}
