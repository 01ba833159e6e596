//! An HR file, end to end.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use revoked::clock::Clock;

use super::{Installation, InstallationPlan, until};
use crate::harness::chat_holdings::{Holdings, changes};

const SOURCE: &str = r#"
[[source]]
name = "hr"
kind = "hr-csv"
folder = "{folder}/hr"
time_zone = "Europe/Berlin"
interval = "100ms"
settle = "200ms"
"#;

/// The day so many days from now, as HR writes it.
pub(super) fn day(from_now: i64) -> String {
    let days = Duration::from_hours(24) * u32::try_from(from_now.abs()).unwrap();
    let now = Clock::system().now();
    let at = if from_now < 0 { now.minus(days) } else { now.plus(days) };
    at.to_string()[..10].to_owned()
}

pub(super) async fn with_hr() -> Installation {
    let site = Installation::new(InstallationPlan {
        people: 30,
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    fs::create_dir(site.path("hr")).unwrap();
    site
}

impl Installation {
    /// Drops a file as a careful exporter does: complete at once.
    pub(super) fn drop_file(&self, name: &str, rows: &str) {
        let text = format!("employee_id,email,last_working_day,timezone,action\n{rows}");
        fs::write(self.path("hr.tmp"), text).unwrap();
        fs::rename(self.path("hr.tmp"), self.path("hr").join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_file_with_too_many_leavers_waits_whole_before_its_first_action() {
    let site = with_hr().await;
    let _running = site.start().await;
    let mut rows = String::new();
    for n in 1..=25 {
        writeln!(rows, "{n},user{n:02}@example.test,{},,terminate", day(-2)).unwrap();
    }
    writeln!(rows, "26,user26@example.test,2026-02-30,,terminate").unwrap();
    site.drop_file("leavers.csv", &rows);
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 25).await;
    assert!(changes(site.chat()).is_empty());
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds.as_array().unwrap().len(), 1, "{holds:#}");
    assert_eq!(
        (&holds[0]["cases"], &holds[0]["batch"]),
        (&25.into(), &"leavers.csv".into()),
        "{holds:#}"
    );
    let mut alerts = site.alerts().await;
    alerts.sort();
    assert_eq!(alerts, ["hold", "quarantine"]);

    // A file's name may be a person's: the alert has it, the log and the trail have not.
    let alerts = site.ask(&["alert", "list"]).await.to_string();
    let log = site.log();
    assert!(
        alerts.contains("1 row (line 27) of the file \\\"leavers.csv\\\" could not be read"),
        "{alerts}"
    );
    assert!(
        log.contains("1 row (line 27) of the file with the SHA-256") && !log.contains("leavers.csv"),
        "{log}"
    );
    let named = site
        .count("SELECT count(*) FROM trail WHERE instr(CAST(body AS TEXT), 'leavers.csv') > 0")
        .await;
    assert_eq!(named, 0, "the trail names a file");

    // The bad row lies beside, with its reason, and can be dropped again once it is corrected.
    let quarantine = until("the quarantine", async || {
        let mut files = fs::read_dir(site.path("hr").join("quarantine")).ok()?;
        files.find_map(|file| {
            fs::read_to_string(file.unwrap().path())
                .ok()
                .filter(|text| text.contains("user26"))
        })
    })
    .await;
    assert!(quarantine.contains("the calendar has no such day"), "{quarantine}");

    let hold = holds[0]["id"].to_string();
    let set = site.ask(&["hold", "show", &hold]).await["set"].as_str().unwrap().to_owned();
    let approved = site
        .says(&["hold", "approve", &hold, "--set", &set, "--note", "a site closes"])
        .await;
    assert_eq!(approved.code, 0, "{approved:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 25)
        .await;
    for n in 1..=25 {
        let holdings = Holdings::of(site.chat(), &format!("user{n:02}"));
        assert!(!holdings.active && holdings.is_out(), "user{n:02}: {holdings:?}");
    }
    assert!(!Holdings::of(site.chat(), "user26").is_out());

    // The same file again changes nothing.
    let entries = site.count("SELECT count(*) FROM cases").await;
    site.drop_file("leavers-again.csv", &rows);
    until("the file to be put away", async || {
        (!site.path("hr").join("leavers-again.csv").exists()).then_some(())
    })
    .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, entries);
}

#[tokio::test]
async fn a_leaver_of_tomorrow_keeps_everything_until_then_and_a_rescission_calls_it_off() {
    let site = with_hr().await;
    let running = site.start().await;
    let leaves = format!("1,user01@example.test,{},Australia/Sydney,terminate\n", day(2));
    site.drop_file("one.csv", &leaves);
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 1)
        .await;
    // A plan outlives a restart.
    running.stop().await;
    let _running = site.start().await;
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state = 'scheduled'").await, 1);
    assert_eq!(site.ask(&["status"]).await["planned"], 1);
    site.drop_file(
        "two.csv",
        &format!("1,user01@example.test,{},Australia/Sydney,rescind\n", day(2)),
    );
    site.until_count("SELECT count(*) FROM departure WHERE state = 'rescinded'", 1)
        .await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'cancelled'", 1)
        .await;
    assert!(changes(site.chat()).is_empty());
    assert!(Holdings::of(site.chat(), "user01").active);
}

#[tokio::test]
async fn whoever_decides_about_a_wrong_file_is_told_who_had_a_plan_before_and_keeps_it() {
    let site = with_hr().await;
    let _running = site.start().await;
    site.drop_file("right.csv", &format!("1,user01@example.test,{},,terminate\n", day(10)));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 1)
        .await;
    let planned = site.ask(&["departures", "list"]).await[0].clone();
    let mut rows = String::new();
    for n in 1..=25 {
        writeln!(rows, "{n},user{n:02}@example.test,{},,terminate", day(-2)).unwrap();
    }
    site.drop_file("wrong.csv", &rows);
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 25).await;
    let shown = site.says(&["hold", "show", "1"]).await.out;
    assert!(
        shown.contains("1 of them had a plan before, which stands until this is decided")
            && shown.contains("user01@example.test: "),
        "{shown}"
    );
    let list = site.says(&["departures", "list", "--state", "planned"]).await.out;
    assert!(list.contains("waits for a decision: revoked hold show 1"), "{list}");
    let rejected = site.says(&["hold", "reject", "1", "--yes", "--note", "wrong"]).await;
    assert!(
        rejected.code == 0
            && rejected
                .out
                .starts_with("hold 1 rejected: 25 cases are cancelled\n1 of them had a plan before, which stands\n")
            && rejected.out.contains("user01@example.test: ")
            && rejected.out.contains("(departure 1)"),
        "{rejected:?}"
    );
    assert_eq!(site.ask(&["departures", "list", "--state", "planned"]).await[0], planned);
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_folder_that_can_be_read_again_after_a_restart_alerts_no_more() {
    let site = with_hr().await;
    let running = site.start().await;
    fs::rename(site.path("hr"), site.path("away")).unwrap();
    until("the alert", async || {
        (site.alerts().await == ["source_unreadable"]).then_some(())
    })
    .await;
    running.stop().await;
    fs::rename(site.path("away"), site.path("hr")).unwrap();
    let _running = site.start().await;
    until("its end", async || site.alerts().await.is_empty().then_some(())).await;
}
