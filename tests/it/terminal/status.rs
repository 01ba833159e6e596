//! The screen of a shift: at three sizes, drawn again and again, in a pipe, in plain ASCII.

use sqlx::Executor as _;

use crate::harness::pty::{NARROW, Size, Terminal, WIDE};
use crate::harness::{CommandOutput, Installation, InstallationPlan};

/// Eleven alerts, of which one is about a hold, and a target that refuses us.
const TROUBLE: &str = "
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
    INSERT INTO alert (kind, key, summary, raised_at, last_at)
        SELECT 'quarantine', 'file:' || i, 'source hr: 3 parts of \"leavers-' || i || '.csv\" could not be read and were put aside',
               1764000000000 + i, 1764000000000 + i FROM n;
    INSERT INTO hold (why, detail, source, placed_at) VALUES ('window_limit', 'more than 5 in an hour', 'hr', 1764000000000);
    INSERT INTO alert (kind, key, summary, raised_at, last_at)
        VALUES ('hold', 'hold:1', 'signals of source hr wait for a decision (revoked hold show 1)', 1764000000050, 1764000000050),
               ('came_back', 'case:1', 'a sweep found access again in case 1', 1764000000000, 1764000000000);
    INSERT INTO lane (target, paused_at, paused_why) VALUES ('chat', 1764000000000, 'the token was refused')
        ON CONFLICT (target) DO UPDATE SET paused_at = 1764000000000, paused_why = 'the token was refused';";

pub(super) async fn in_trouble() -> Installation {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "compromised", &[]).await;
    running.stop().await;
    site.sql().await.execute(TROUBLE).await.unwrap();
    site
}

fn lines(screen: &str) -> Vec<&str> {
    screen.lines().collect()
}

#[tokio::test]
async fn ten_alerts_fit_one_screen_and_what_is_most_urgent_stands_last() {
    let site = in_trouble().await;
    let config = site.config();
    let args = ["status", "--config", config.to_str().unwrap()];
    for size in [NARROW, Size(100, 30), WIDE] {
        let ended = Terminal::start(&args, &[], size).end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let printed = anstream::adapter::strip_str(&ended.printed).to_string();
        let shown = lines(&printed);
        assert!(shown.len() < usize::from(size.1), "it scrolls at {size:?}:\n{printed}");
        assert!(
            shown.iter().all(|line| line.chars().count() <= usize::from(size.0)),
            "{size:?}:\n{printed}"
        );
        let named = shown.iter().filter(|line| line.starts_with("  alert ")).count();
        assert_eq!(named, 11, "{size:?}:\n{printed}");
        let end = &shown[shown.len() - 3..];
        assert!(end[0].contains("alert 12  a sweep found access again") && end[0].ends_with("revoked case show 1"));
        assert!(end[1].starts_with("  daemon ") && end[1].ends_with("systemctl start revoked"));
        assert_eq!(end[2], "13 things need you · nothing at work · daemon not running");
        let holds = shown.iter().filter(|line| line.contains("hold show 1")).count();
        assert_eq!(holds, 1, "a hold and its alert are one line:\n{printed}");
        let refused = shown.iter().find(|line| line.contains("refused")).unwrap();
        assert!(refused.starts_with("targets   chat  refused for "), "{refused}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_counted_and_the_most_urgent_is_not_what_is_left_out() {
    let site = in_trouble().await;
    let config = site.config();
    let args = ["status", "--config", config.to_str().unwrap()];
    let ended = Terminal::start(&args, &[], Size(80, 16)).end();
    let shown = lines(&ended.screen);
    assert!(shown.len() < 16, "{}", ended.screen);
    assert!(ended.screen.contains("  and 7 more: revoked alert list"), "{}", ended.screen);
    assert!(ended.screen.contains("revoked case show 1"), "{}", ended.screen);
    let piped = site.says(&["status"]).await;
    assert_eq!(piped.out.matches("leavers-").count(), 10, "{piped:?}");
    assert!(
        piped
            .out
            .contains("could not be read and were put aside → revoked alert clear 3"),
        "{piped:?}"
    );
}

#[tokio::test]
async fn a_monitor_gets_a_code_and_programs_get_targets_and_work() {
    let site = in_trouble().await;
    assert_eq!(site.says(&["status"]).await.code, 0);
    assert_eq!(site.says(&["status", "--exit-code"]).await.code, 7);
    let status = site.ask(&["status"]).await;
    let chat = &status["targets"][0];
    assert_eq!(
        (&chat["target"], &chat["state"]),
        (&"chat".into(), &"refused".into()),
        "{status:#}"
    );
    assert_eq!((&status["at_work"], &status["work"]), (&0.into(), &serde_json::json!([])));
    let sql = "DELETE FROM hold; UPDATE alert SET cleared_at = 1, cleared_by = 'daemon'; UPDATE lane SET paused_at = NULL, paused_why = NULL";
    site.sql().await.execute(sql).await.unwrap();
    let running = site.start().await;
    let well = site.says(&["status", "--exit-code"]).await;
    assert_eq!(well.code, 0, "{well:?}");
    assert_eq!(
        well.out.lines().last(),
        Some("nothing needs you · nothing at work · daemon running"),
        "{well:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_case_that_waits_for_its_target_is_at_work_with_its_clock() {
    let mut site = Installation::new(InstallationPlan::default()).await;
    let away = site.take_down();
    let running = site.start().await;
    site.says(&["revoke", "username:user01", "--reason", "compromised"]).await;
    let told = crate::harness::until("the case is at work", async || {
        let told = site.says(&["status"]).await;
        told.out.contains("1 case at work").then_some(told)
    })
    .await;
    let line = told.out.lines().find(|line| line.starts_with("at work ")).unwrap();
    assert!(line.contains("case 1 user01 (compromised): chat"), "{line}");
    assert!(!line.contains("error sending request"), "{line}");
    site.bring_up(away).await;
    running.stop().await;
}

#[tokio::test]
async fn it_is_drawn_again_where_it_changes_in_every_size_and_the_screen_is_given_back() {
    let site = in_trouble().await;
    let config = site.config();
    let mut watched = Terminal::start(&["status", "--watch", "--config", config.to_str().unwrap()], &[], NARROW);
    let first = watched.until_shows("13 things need you");
    assert!(first.starts_with("trail "), "{first}");
    site.sql()
        .await
        .execute("UPDATE alert SET cleared_at = 1, cleared_by = 'daemon' WHERE kind = 'quarantine'")
        .await
        .unwrap();
    let second = watched.until_shows("\n3 things need you");
    assert!(!second.contains("leavers"), "{second}");
    watched.resize(Size(100, 30));
    watched.until_shows("not running: nothing is done until it is  ");
    watched.type_in("\x03");
    let ended = watched.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let (_, after) = ended.printed.split_once("\x1b[?1049l").unwrap();
    assert!(
        ended.printed.contains("\x1b[?25h") && after.contains("3 things need you"),
        "{after:?}"
    );
}

#[tokio::test]
async fn in_a_pipe_it_is_watched_line_by_line_and_ends_with_its_reader() {
    use std::io::{BufRead as _, BufReader};
    let site = in_trouble().await;
    let config = site.config();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(["status", "--watch", "--config", config.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(out.any(|line| line.ends_with("13 things need you · nothing at work · daemon not running")));
    site.sql()
        .await
        .execute("UPDATE alert SET cleared_at = 1, cleared_by = 'daemon' WHERE kind = 'came_back'")
        .await
        .unwrap();
    let over = out.next().unwrap();
    assert!(over.ends_with(" alert 12: over"), "{over}");
    assert!(
        out.next()
            .unwrap()
            .ends_with("12 things need you · nothing at work · daemon not running")
    );
    drop(out);
    let ended = crate::harness::until("it ends with its reader", async || child.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended:?}");
}

#[tokio::test]
async fn plain_ascii_is_enough() {
    let site = in_trouble().await;
    let mut command = site.command(&["status"]);
    command.env("LC_ALL", "C");
    let said = CommandOutput::of(command.output().await.unwrap());
    assert!(said.out.is_ascii(), "{said:?}");
    assert!(
        said.out.contains("13 things need you - nothing at work - daemon not running"),
        "{said:?}"
    );
    let config = site.config();
    let ended = Terminal::start(&["status", "--config", config.to_str().unwrap()], &[("LC_ALL", "C")], NARROW).end();
    assert!(
        ended.screen.is_ascii() && ended.screen.lines().all(|line| line.len() <= 80),
        "{}",
        ended.screen
    );
}
