//! The report of times as people and programs read it.

use serde_json::Value;
use sqlx::Connection as _;

use crate::harness::pty::{NARROW, Terminal};
use crate::harness::{Installation, InstallationPlan};

/// One case that took ten minutes longer than it did, one in time, one that nobody can be found for.
async fn site() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: "[goals.compromised]\nfirst_revoke = \"3m\"\ncontainment = \"9m\"\n",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    for subject in ["username:user01", "username:user02", "username:nobody.here"] {
        site.revoke(subject, "compromised", &[]).await;
    }
    running.stop().await;
    let mut conn = site.sql().await;
    for late in [
        "UPDATE cases SET received_at = received_at - 600000 WHERE id = 1",
        "UPDATE person SET subject = '=cmd()' WHERE ref = (SELECT subject_ref FROM cases WHERE id = 1)",
    ] {
        sqlx::query(late).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    site
}

#[tokio::test]
async fn the_report_names_each_miss_with_its_case_and_entries_in_80_columns_as_json_and_as_csv() {
    let site = site().await;
    let config = site.config();
    let args = ["report", "containment", "--since", "1d", "--config", config.to_str().unwrap()];
    let screen = Terminal::start(&args, &[], NARROW).end().screen;
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    for told in [
        "3 cases from",
        "case 1, =cmd() at chat (compromised)",
        "the first change came after 10 m",
        "the verdict came after 10 m",
        "chat, compromised: 1 unknown there",
        "[#",
    ] {
        assert!(screen.contains(told), "{told} is not in\n{screen}");
    }
    let json = site.ask(&["report", "containment", "--since", "1d"]).await;
    assert_eq!(
        (&json["cases"], &json["groups"][0]["containment"]["missed"]),
        (&Value::from(3), &Value::from(1))
    );
    assert_eq!(json["groups"][0]["containment"]["goal_ms"], 540_000, "the config's own goal");
    assert_eq!(json["misses"][0]["case"], 1);
    assert!(!json["misses"][0]["entries"].as_array().unwrap().is_empty(), "{json:#}");
    let sheet = site.says(&["report", "containment", "--since", "1d", "--csv"]).await.out;
    let lines: Vec<&str> = sheet.lines().collect();
    assert_eq!(lines.len(), 2, "{sheet}");
    assert!(lines.iter().all(|line| line.split(',').count() == 25), "{sheet}");
    let sheet = site
        .says(&["report", "containment", "--since", "1d", "--csv", "misses"])
        .await
        .out;
    assert!(
        sheet.starts_with("case,person,target,") && sheet.lines().count() == 3,
        "{sheet}"
    );
    assert!(sheet.contains("1,'=cmd(),chat,compromised,containment,late,"), "{sheet}");
}

#[tokio::test]
async fn a_goal_that_cannot_be_read_is_told_at_its_place_and_nothing_is_judged_by_another() {
    let site = Installation::new(InstallationPlan {
        more: "[goals]\ncontainment = \"soon\"\n",
        ..InstallationPlan::default()
    })
    .await;
    let valid = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), valid.replace("\"soon\"", "\"5m\"")).unwrap();
    site.start().await.stop().await;
    std::fs::write(site.config(), valid).unwrap();
    let said = site.says(&["report", "containment"]).await;
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("containment: \"soon\" is not a length of time"), "{said:?}");
}
