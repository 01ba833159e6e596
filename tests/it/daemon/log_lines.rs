//! What an operator reads in the log at `info`: what came in, what ended, what was paused, and no name.

use serde_json::Value;

use super::{Installation, InstallationPlan, until};

/// The lines with that message, as they were logged.
fn lines(site: &Installation, message: &str) -> Vec<Value> {
    let log = site.log();
    let all = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    all.filter(|line| line["message"].as_str().is_some_and(|said| said.starts_with(message)))
        .collect()
}

#[tokio::test]
async fn what_came_in_what_ended_and_what_an_operator_paused_has_a_line_each_and_no_name() {
    let site = Installation::new(InstallationPlan {
        more: "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/drop\"\ninterval = \"100ms\"\n",
        ..InstallationPlan::default()
    })
    .await;
    std::fs::create_dir(site.path("drop")).unwrap();
    let running = site.start().await;
    assert_eq!(site.revoke("user01@example.test", "compromised", &[]).await.code, 0);
    let accepted = lines(&site, "accepted a signal");
    let fields = &accepted[0]["fields"];
    assert_eq!(
        (
            accepted.len(),
            &fields["source"],
            &fields["case.id"],
            &fields["subject"],
            &fields["held"]
        ),
        (1, &"inbox".into(), &1.into(), &"u…1@example.test".into(), &false.into()),
        "{accepted:?}"
    );
    let settled = lines(&site, "settled: contained");
    let reference = site.ask(&["case", "show", "1"]).await["case"]["subject_ref"].clone();
    assert_eq!(settled[0]["spans"][0]["subject_ref"], reference, "{settled:?}");

    let file = "employee_id,email,action,last_working_day\n1,user07@example.test,terminate,2099-12-30\n#EOF,rows=1\n";
    std::fs::write(site.path("drop/ann-smith.csv"), file).unwrap();
    let taken = until("the file", async || lines(&site, "took in a file").pop()).await;
    assert_eq!(
        (
            &taken["fields"]["source"],
            &taken["fields"]["accepted"],
            taken["fields"]["file"].as_str().unwrap().len()
        ),
        (&"hr".into(), &1.into(), 64),
        "{taken}"
    );

    site.says(&["target", "pause", "chat", "--note", "upgrade"]).await;
    let paused = until("the pause", async || lines(&site, "an operator has paused the target").pop()).await;
    assert!(
        paused["level"] == "WARN" && paused["fields"]["why"].as_str().unwrap().contains("upgrade"),
        "{paused}"
    );
    site.says(&["target", "resume", "chat"]).await;
    until("its end", async || lines(&site, "an operator lets the target go on").pop()).await;
    running.stop().await;
    let log = site.log();
    assert!(
        !log.contains("user01@") && !log.contains("user07@") && !log.contains("ann-smith"),
        "{log}"
    );
}

#[tokio::test]
async fn a_check_that_ends_a_refusal_has_a_line() {
    let site = Installation::new(InstallationPlan::default()).await;
    let token = std::fs::read(site.path("chat-token")).unwrap();
    site.secret("chat-token", b"xjk4w8q8jbgwmfznqoe1i4yrhh");
    let running = site.start().await;
    site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    until("the refusal", async || lines(&site, "target chat refuses us").pop()).await;
    site.secret("chat-token", &token);
    assert_eq!(site.says(&["check"]).await.code, 0);
    let resumed = until("the lane resumes", async || {
        // By the operator's check, or by the daemon's own probe, whichever looked first.
        let by_check = lines(&site, "an operator's check found that the target can be used again");
        by_check
            .into_iter()
            .chain(lines(&site, "the target can be used again"))
            .next()
    })
    .await;
    assert_eq!(resumed["level"], "INFO");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    running.stop().await;
}

#[tokio::test]
async fn an_alert_that_is_over_has_a_line() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let away = site.take_down();
    let running = site.start().await;
    site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    until("the outage", async || lines(&site, "target chat does not answer").pop()).await;
    site.bring_up(away).await;
    let over = until("its end", async || lines(&site, "an alert is over").pop()).await;
    assert_eq!(over["fields"]["alert.kind"], "target_down", "{over}");
    running.stop().await;
}
