//! Alerts as they are typed and read.

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

async fn two_held() -> Installation {
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.ask_for(1..=2, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 2).await;
    let paused = site.says(&["target", "pause", "chat", "--note", "an upgrade"]).await;
    assert_eq!(paused.code, 0, "{paused:?}");
    running.stop().await;
    site
}

#[tokio::test]
async fn a_list_says_whom_what_and_what_to_type_and_what_needs_somebody_stands_last() {
    let site = two_held().await;
    let config = site.config();
    let args = ["alert", "list", "--config", config.to_str().unwrap()];
    let screen = Terminal::start(&args, &[], NARROW).end().screen;
    for part in [
        "hold · 2 people",
        "revoked hold show 1",
        "target_paused · target chat",
        "revoked target resume chat",
    ] {
        assert!(screen.contains(part), "{part} is not on\n{screen}");
    }
    assert!(screen.ends_with("2 open"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");

    let alerts = site.ask(&["alert", "list"]).await;
    let paused = alerts
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["kind"] == "target_paused")
        .unwrap();
    assert_eq!(paused["target"], "chat");
    let number = paused["id"].to_string();
    let said = site.says(&["alert", "ack", &number, "--note", "until 05:00"]).await;
    assert_eq!(
        said.out,
        format!("alert {number} acknowledged: still open, until cleared or over\n")
    );
    let screen = Terminal::start(&args, &[], NARROW).end().screen;
    assert!(screen.ends_with("2 open, 1 of them need somebody"), "{screen}");
    let (care, hold) = (
        screen.find("looked after by").unwrap(),
        screen.find("hold · 2 people").unwrap(),
    );
    assert!(care < hold, "what needs nobody stands above:\n{screen}");
    let status = site.ask(&["status"]).await;
    assert_eq!(
        (&status["alerts"], &status["acknowledged"]),
        (&1.into(), &1.into()),
        "{status:#}"
    );
}

#[tokio::test]
async fn several_numbers_are_cleared_by_one_command_and_an_unknown_one_clears_none() {
    let site = two_held().await;
    let refused = site.says(&["alert", "clear", "1", "2", "99"]).await;
    assert!(refused.code == 1 && refused.err.contains("99"), "{refused:?}");
    assert_eq!(site.alerts().await.len(), 2);
    let cleared = site.says(&["alert", "clear", "1", "2", "--note", "seen"]).await;
    assert_eq!(cleared.out, "alerts 1, 2 cleared\n", "{cleared:?}");
    assert_eq!(site.says(&["alert", "list"]).await.out, "no alerts\n");
}
