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
