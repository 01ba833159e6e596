//! Alerts as they are typed and read.

use sqlx::Connection as _;

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

/// A site at which access of 35 people came back, and much else is the matter beside a hold.
async fn much_trouble() -> Installation {
    let site = two_held().await;
    let mut conn = site.sql().await;
    sqlx::raw_sql(
        "INSERT INTO alert (kind, key, summary, raised_at, last_at)
             WITH RECURSIVE n (n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM n WHERE n < 135)
             SELECT 'came_back', 'case:' || n, 'case ' || n || ': access at chat came back after it was contained (revoked case show ' || n || ')',
                    1895000000000, 1895000000000 FROM n;
         INSERT INTO alert (kind, key, summary, raised_at, last_at)
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30)
             SELECT 'store_damaged', 'table:' || n, 'a table is damaged: ' || substr('abcdefghijklmnopqrstuvwxyzABCDEF', n, 1),
                    1895000000000, 1895000000000 FROM n",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    conn.close().await.unwrap();
    site
}

#[tokio::test]
async fn thirty_five_alerts_of_one_cause_are_one_and_push_no_hold_off_the_screen() {
    let site = much_trouble().await;
    let config = site.config();
    let shown = |args: &[&str]| {
        let args = [args, &["--config", config.to_str().unwrap()]].concat();
        Terminal::start(&args, &[], NARROW).end()
    };
    let status = shown(&["status"]).screen;
    for part in ["hold 1 ", "revoked hold show 1", "more: revoked alert list"] {
        assert!(status.contains(part), "{part} is not on\n{status}");
    }
    assert!(status.lines().count() <= 24, "{status}");

    let listed = site.says(&["alert", "list"]).await.out;
    assert_eq!(listed.matches("came_back").count(), 3, "{listed}");
    let command = "revoked alert ack 3-37 --kind came_back";
    for part in ["3-37 came_back · 35 alerts", "revoked alert list --kind came_back", command] {
        assert!(listed.contains(part), "{part} is not in\n{listed}");
    }
    let each = site.says(&["alert", "list", "--kind", "came_back"]).await.out;
    assert!(
        each.matches("came_back ·").count() == 35 && !each.contains("hold ·"),
        "{each}"
    );
    assert_eq!(
        site.ask(&["alert", "list", "--kind", "came_back"])
            .await
            .as_array()
            .unwrap()
            .len(),
        35
    );

    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let said = site.says(&words).await;
    assert_eq!(
        said.out, "alerts 3-37 acknowledged: still open, until cleared or over\n",
        "{said:?}"
    );
    let again = site.says(&words).await;
    assert!(
        again.code == 2 && again.err.contains("none of them is an open alert of the kind came_back"),
        "{again:?}"
    );
    let listed = site.says(&["alert", "list"]).await.out;
    assert!(listed.contains("looked after by") && !listed.contains(command), "{listed}");
    let cleared = site
        .says(&["alert", "clear", "1-40", "--kind", "came_back", "--note", "seen"])
        .await;
    assert_eq!(cleared.out, "alerts 3-37 cleared\n", "{cleared:?}");
    let status = shown(&["status"]).screen;
    assert!(status.contains("hold 1 ") && !status.contains("came_back"), "{status}");
}

#[tokio::test]
async fn of_more_than_are_listed_it_is_said_that_there_are_at_least_so_many() {
    let site = two_held().await;
    for (kind, more, said) in [("canary_untried", 199, "201 open"), ("came_back", 201, "at least 401 open")] {
        let sql = format!(
            "INSERT INTO alert (kind, key, summary, raised_at, last_at)
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {more})
                 SELECT '{kind}', 'x:' || n, 'x', 1895000000000, 1895000000000 FROM n"
        );
        let mut conn = site.sql().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        let listed = site.says(&["alert", "list"]).await.out;
        assert!(listed.contains(said), "{said}: {listed}");
        assert_eq!(listed.contains("at least"), said.contains("at least"), "{listed}");
    }
}
