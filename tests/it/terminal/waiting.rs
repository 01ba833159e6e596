//! What is said of work that waits: for what, and what to type; never that somebody is at it.

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{DaemonProcess, Installation, InstallationPlan, until};

fn last(text: &str) -> &str {
    text.trim_end().lines().last().unwrap()
}

/// Asks for somebody without waiting, and gives what is said of it.
async fn asked(site: &Installation, person: &str) -> String {
    let said = site.says(&["revoke", person, "--reason", "compromised"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

/// Waits until the daemon shows that the lane is paused.
async fn until_paused(running: &DaemonProcess) {
    let wanted = "revoked_lane_paused{target=\"chat\"} 1";
    until(wanted, async || running.metrics().await.contains(wanted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_paused_target_it_waits_by_name_and_the_command_that_ends_the_pause_is_never_cut() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let paused = site
        .says(&["target", "pause", "chat", "--note", "upgrade until 05:00, ticket 812"])
        .await;
    assert_eq!(paused.code, 0, "{paused:?}");
    until_paused(&running).await;
    let waits = "WAITS user01: chat is paused by operator:";
    let said = asked(&site, "username:user01").await;
    assert!(
        said.starts_with(waits) && said.contains("(upgrade until 05:00, ticket 812) · revoked target resume chat"),
        "{said}"
    );
    let told = site
        .says(&["revoke", "username:user02", "--reason", "compromised", "--json"])
        .await
        .done();
    assert_eq!(
        (&told["state"], &told["next"]),
        (&"waiting".into(), &"revoked target resume chat".into()),
        "{told}"
    );
    let waited = [
        "revoke",
        "username:user03",
        "--reason",
        "compromised",
        "--wait",
        "--timeout",
        "1",
    ];
    let waited = site.says(&waited).await;
    assert_eq!(waited.code, 15, "{waited:?}");
    assert!(last(&waited.out).contains("still waits: chat is paused by "), "{waited:?}");
    assert!(waited.err.contains("· chat is paused since "), "{waited:?}");
    let shown = site.says(&["case", "show", "1"]).await;
    assert!(last(&shown.out).starts_with(waits), "{shown:?}");
    let config = site.config();
    let args = ["case", "show", "1", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], NARROW).end();
    let printed = anstream::adapter::strip_str(&ended.printed).to_string();
    let line = last(&printed);
    assert!(
        line.chars().count() <= 80
            && line.starts_with("WAITS user01: chat is paused by ")
            && line.ends_with("· revoked target resume chat"),
        "{printed}"
    );
    std::fs::write(site.path("people.txt"), "username:user04\nusername:user05\n").unwrap();
    let list = site.path("people.txt");
    let list = ["revoke", "--from", list.to_str().unwrap(), "--reason", "compromised"];
    let shown = site.says(&list).await;
    let (_, set) = shown.err.trim().rsplit_once("--set ").unwrap();
    let said = site.says(&[&list[..], &["--set", set]].concat()).await;
    assert!(
        last(&said.out).starts_with("2 people: 2 wait · ") && last(&said.out).ends_with("· revoked target resume chat"),
        "{said:?}"
    );
    assert_eq!(site.says(&["target", "resume", "chat"]).await.code, 0);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 5)
        .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_target_that_refuses_us_it_waits_for_a_token_and_the_file_is_named_in_one_word_everywhere() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.secret("chat-token", b"xjk4w8q8jbgwmfznqoe1i4yrhh");
    let running = site.start().await;
    asked(&site, "username:user01").await;
    until_paused(&running).await;
    let said = asked(&site, "username:user02").await;
    let token = site.path("chat-token").display().to_string();
    let why = format!(
        "signing in: the server does not accept our credential: put a valid token into {token}, or look whether its database is down"
    );
    assert!(
        said.starts_with("WAITS user02: chat refuses us: ") && said.contains(&why) && said.contains("· revoked check"),
        "{said}"
    );
    let list = site.ask(&["target", "list"]).await;
    let status = site.ask(&["status"]).await;
    assert_eq!(
        (&list[0]["state"], &status["targets"][0]["state"]),
        (&"refused".into(), &"refused".into())
    );
    let status = site.says(&["status"]).await.out;
    let alert = status.lines().find(|line| line.contains("alert 1")).unwrap();
    assert!(
        alert.contains("alert 1  target chat refuses us, its jobs wait: signing in: ") && alert.ends_with("→ revoked check"),
        "{status}"
    );
    assert!(!status.contains("observation") && !status.contains("user01:"), "{status}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_target_that_is_down_or_without_a_daemon_nobody_is_at_it() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let away = site.take_down();
    let running = site.start().await;
    asked(&site, "username:user01").await;
    until("the target counts as down", async || {
        let targets = site.ask(&["target", "list"]).await;
        (targets[0]["state"] == "down").then_some(())
    })
    .await;
    let down = until("nobody tries at this moment", async || {
        let shown = site.says(&["case", "show", "1"]).await;
        (!last(&shown.out).starts_with("AT WORK")).then_some(shown)
    })
    .await;
    assert!(
        last(&down.out).starts_with("WAITS user01: chat does not answer · revoked target list"),
        "{down:?}"
    );
    running.kill().await;
    let dead = site.says(&["case", "show", "1"]).await;
    assert_eq!(
        last(&dead.out),
        "WAITS user01: the daemon does not run · systemctl start revoked",
        "{dead:?}"
    );
    site.bring_up(away).await;
}
