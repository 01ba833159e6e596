//! The preview, and the row of the table of kinds.

use revoked::sources::hr_csv::Effect;

use super::*;

#[test]
fn a_preview_shows_local_and_utc_times_and_changes_nothing() {
    let drop = DropFolder::new();
    drop.put(
        "leavers.csv",
        format!("{HEADER}{ALICE}{BOB}3,c@example.org,,,rescind\n4,d@example.org,2024-01-31,,terminate\n5,e,x,,terminate\n"),
    );
    let mut rules = Rules::new("hr", drop.dir.path());
    rules.time_zone = "Europe/Berlin".into();
    let preview = preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap();
    assert_eq!(preview.rejected, None);
    let times: Vec<_> = preview
        .rows
        .iter()
        .map(|row| (row.line, row.local.as_deref(), row.utc.map(|at| at.to_string()), row.effect))
        .collect();
    assert_eq!(
        times,
        [
            (
                2,
                Some("2026-04-01T00:00:00+02:00[Europe/Berlin]"),
                Some("2026-03-31T22:00:00.000Z".into()),
                Effect::Planned
            ),
            (
                3,
                Some("2026-04-01T00:00:00+11:00[Australia/Sydney]"),
                Some("2026-03-31T13:00:00.000Z".into()),
                Effect::Planned
            ),
            (4, None, None, Effect::CallsOff),
            (
                5,
                Some("2024-02-01T00:00:00+01:00[Europe/Berlin]"),
                Some("2024-01-31T23:00:00.000Z".into()),
                Effect::Held
            ),
        ]
    );
    assert_eq!(preview.refused[0].place, "line 6");
    assert_eq!(drop.names(""), ["leavers.csv"]);
    symlink("leavers.csv", drop.path("link.csv")).unwrap();
    assert!(preview_error(&drop.path("link.csv"), &rules).contains("symbolic link"));
    assert!(preview_error(&drop.path("none.csv"), &rules).contains("no file"));
}

#[test]
fn a_file_that_contradicts_its_trailer_or_its_marker_is_rejected_as_the_daemon_does() {
    let drop = DropFolder::new();
    let rules = Rules::new("hr", drop.dir.path());
    let rejected = |text: &str, marker: Option<String>| {
        drop.put("leavers.csv", text);
        match marker {
            Some(marker) => drop.put("leavers.csv.done", marker),
            None => assert!(!drop.path("leavers.csv.done").exists()),
        }
        preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap().rejected
    };
    let (whole, short) = (
        format!("{HEADER}{ALICE}#EOF,rows=1\n"),
        format!("{HEADER}{ALICE}#EOF,rows=7\n"),
    );
    assert_eq!(rejected(&whole, None), None);
    assert!(
        rejected(&short, None)
            .unwrap()
            .contains("its trailer says 7 rows and there are 1")
    );
    assert_eq!(rejected(&whole, Some(sha256(&whole))), None);
    assert!(
        rejected(&short, Some(sha256(&short)))
            .unwrap()
            .contains("its trailer says 7 rows")
    );
    let fewer = format!("{}\nrows=3\n", sha256(&whole));
    assert!(
        rejected(&whole, Some(fewer))
            .unwrap()
            .contains("its .done marker says 3 rows")
    );
    let of_another = sha256("another");
    assert!(
        rejected(&whole, Some(of_another))
            .unwrap()
            .contains("its SHA-256 is not the one")
    );
    assert!(rejected(&whole, Some(String::new())).unwrap().contains("holds no SHA-256"));
}

fn preview_error(path: &Path, rules: &Rules) -> String {
    preview(path, rules, clock().now()).unwrap_err().to_string()
}

#[test]
fn the_kind_is_built_from_its_table_and_opens_nothing() {
    let kind = KINDS.iter().find(|kind| kind.name == "hr-csv").unwrap();
    let table = toml::de::DeTable::parse("folder = '/nowhere/hr'\ntime_zone = 'Europe/Berlin'\ninterval = '5s'").unwrap();
    let Ok(Source::Pull(source)) = (kind.build)(&Settings { name: "hr", table }, &Clock::system()) else {
        panic!("it is a source that we look at");
    };
    assert_eq!(source.interval(), Duration::from_secs(5));
    let table = toml::de::DeTable::parse("folder = '/x'\ntime_zone = 'Mars/Olympus'").unwrap();
    assert!((kind.build)(&Settings { name: "hr", table }, &Clock::system()).is_err());
}

#[test]
fn a_file_that_is_rejected_whole_plans_nobody() {
    let drop = DropFolder::new();
    let rules = Rules::new("hr", drop.dir.path());
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{}", "x,,,,\n".repeat(4)));
    let found = preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap();
    assert!(found.rejected.is_some());
    assert_eq!(
        (found.rows[0].effect, found.rows[0].why.as_deref()),
        (Effect::Nothing, Some("the file is rejected whole"))
    );
    assert_eq!((found.totals.planned, found.totals.nothing, found.totals.refused), (0, 1, 4));
}

#[test]
fn a_row_that_is_refused_says_whose_it_is_and_what_stands_there_without_harm() {
    let text = format!(
        "{HEADER}2001,user11@example.test,31.12.2026,,terminate\n2002,user12@example.test,2026-02-30,,terminate\n\
         2003,user13@example.test,2026-03-31,a\u{1b}[2Jb{},terminate\n",
        "x".repeat(99)
    );
    let found = preview_bytes(text.as_bytes(), &Rules::new("hr", "/drop"), clock().now()).unwrap();
    assert_eq!(found.rejected, None);
    let said: Vec<(Option<&str>, Option<&str>, &str)> = found
        .refused
        .iter()
        .map(|refused| (refused.whose.as_deref(), refused.value.as_deref(), refused.why.as_str()))
        .collect();
    assert_eq!(
        said[0],
        (
            Some("user11@example.test (2001)"),
            Some("\"31.12.2026\""),
            "last_working_day is not a day of the calendar written as YYYY-MM-DD"
        )
    );
    assert_eq!(
        (said[1].1, said[1].2),
        (
            Some("\"2026-02-30\""),
            "last_working_day is written as YYYY-MM-DD, and the calendar has no such day"
        )
    );
    let zone = said[2].1.unwrap();
    assert!(
        zone.starts_with("\"a\\u{1b}[2Jb") && zone.ends_with("x\"…") && zone.len() < 100,
        "{zone}"
    );
    assert_eq!(said[2].0, Some("user13@example.test (2003)"));
}

#[test]
fn a_suspension_and_an_urgent_reason_are_said() {
    let header = "employee_id,email,last_working_day,action,reason\n";
    let rows = "1,a@example.org,2026-03-31,suspend,parental leave\n2,b@example.org,2026-03-31,terminate,involuntary\n\
                3,c@example.org,2026-03-31,terminate,immediate: seen at the bank\n4,d@example.org,2026-03-31,terminate,end of contract\n";
    let found = preview_bytes(
        format!("{header}{rows}").as_bytes(),
        &Rules::new("hr", "/drop"),
        clock().now(),
    )
    .unwrap();
    let said: Vec<(Effect, Option<&str>)> = found.rows.iter().map(|row| (row.effect, row.why.as_deref())).collect();
    assert_eq!(
        said,
        [
            (Effect::Planned, Some("suspend")),
            (Effect::Planned, Some("involuntary: out when the last day begins")),
            (Effect::AtOnce, Some("immediate")),
            (Effect::Planned, None),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_almost_a_missing_column_is_named_with_a_mapping_for_it() {
    let text = "employee_id,email,action,lastday,reason\n4711,alice@example.org,terminate,2026-03-31,\n";
    let found = preview_bytes(text.as_bytes(), &Rules::new("hr", "/drop"), clock().now()).unwrap();
    assert_eq!((found.rejected, found.refused[0].column), (None, Some("last_working_day")));
    assert!(
        found
            .quotes
            .unwrap()
            .contains("The column \"lastday\" of its header is read as nothing, and last_working_day is missing"),
    );
    let mapping = found.mapping.unwrap();
    assert_eq!(
        mapping,
        "[source.columns]\nemployee_id = \"employee_id\"\nemail = \"email\"\nlast_working_day = \"lastday\"\naction = \"action\"\nreason = \"reason\""
    );
    // It is what reads the file.
    let keys = mapping.replace("[source.columns]", "[columns]");
    let mapped = preview_bytes(text.as_bytes(), &super::exports::rules(&keys), clock().now()).unwrap();
    assert_eq!((mapped.refused.len(), mapped.rows[0].effect), (0, Effect::Planned));
    // HR is told as well.
    let drop = DropFolder::new();
    drop.put("leavers.csv", text);
    let delivery = drop.settled().await.remove(0);
    drop.store(&delivery).await;
    let report = drop.only("quarantine", ".reason.txt");
    assert!(
        report.contains("\"lastday\"") && report.contains("  last_working_day = \"lastday\"\n"),
        "{report}"
    );
    // Where nothing is missing, nothing is said.
    let whole = text.replace("lastday", "last_working_day").replace("reason", "last_name");
    let found = preview_bytes(whole.as_bytes(), &Rules::new("hr", "/drop"), clock().now()).unwrap();
    assert_eq!((found.quotes, found.mapping), (None, None));
}
