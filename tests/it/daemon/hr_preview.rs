//! What a preview says that has a store to look at: what is new, what moves, and what is over a limit.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::Stdio;

use revoked::cli::Exit;
use serde_json::Value;

use super::hr_departures::{day, with_hr};
use super::{CommandOutput, Installation, InstallationPlan};

pub(super) const HEADER: &str = "employee_id,email,last_working_day,timezone,action\n";

/// What a preview of these rows says for programs, and for people.
async fn previewed(site: &Installation, rows: &str) -> (Value, CommandOutput) {
    fs::write(site.path("leavers.csv"), format!("{HEADER}{rows}")).unwrap();
    let file = site.path("leavers.csv").display().to_string();
    let json = site.says(&["source", "hr", "preview", &file, "--json"]).await;
    (json.json(), site.says(&["source", "hr", "preview", &file, "--utc"]).await)
}

pub(super) fn leavers(people: std::ops::RangeInclusive<u32>, day: &str) -> String {
    people.fold(String::new(), |mut rows, n| {
        writeln!(rows, "{n},user{n:02}@example.test,{day},,terminate").unwrap();
        rows
    })
}

pub(super) fn last_line(said: &CommandOutput) -> &str {
    said.out.lines().last().unwrap()
}

#[tokio::test]
async fn a_file_over_a_limit_is_held_whole_before_it_is_dropped_as_it_is_afterwards() {
    let site = with_hr().await;
    let _running = site.start().await;
    let (many, shown) = previewed(&site, &leavers(1..=25, "2099-12-31")).await;
    assert_eq!(many["held_whole"], "25 departures, 20 may come at once");
    assert_eq!((&many["totals"]["held"], &many["totals"]["planned"]), (&25.into(), &0.into()));
    assert_eq!(last_line(&shown), "held whole: 25 departures, 20 may come at once");
    // Dropped, it is.
    site.drop_file("many.csv", &leavers(1..=25, "2099-12-31"));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'held'", 25)
        .await;

    // And so what goes over the hour: eighteen have come, two of four may.
    site.drop_file("some.csv", &leavers(30..=47, "2099-11-30"));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 18)
        .await;
    let (some, shown) = previewed(&site, &leavers(50..=53, "2099-12-31")).await;
    let part = "2 of 4 departures: 20 an hour need nobody's word, and 18 have come";
    assert_eq!((&some["held_in_part"], &some["held_whole"]), (&part.into(), &Value::Null));
    assert_eq!(last_line(&shown), format!("held in part: {part}"));
    site.drop_file("more.csv", &leavers(50..=53, "2099-12-31"));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 20)
        .await;
    let (one, shown) = previewed(&site, &leavers(60..=60, "2099-12-31")).await;
    let whole = "1 departure: 20 an hour need nobody's word, and as many have come";
    assert_eq!(
        (&one["held_whole"], last_line(&shown)),
        (&whole.into(), format!("held whole: {whole}").as_str())
    );
}

#[tokio::test]
async fn a_moved_date_moves_and_a_row_that_changes_nothing_says_why() {
    let site = with_hr().await;
    let _running = site.start().await;
    site.drop_file("first.csv", &leavers(1..=4, "2099-12-31"));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 4)
        .await;
    // Once: the day may end meanwhile.
    let yesterday = day(-1);
    site.drop_file("now.csv", &leavers(5..=5, &yesterday));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'executed'", 1)
        .await;
    let cancelled = site.ask(&["departures", "list", "--person", "user02@example.test"]).await[0]["id"].to_string();
    assert_eq!(
        site.says(&["departures", "cancel", &cancelled, "--note", "stays until June"])
            .await
            .code,
        0
    );

    let rows = [
        leavers(1..=1, "2100-01-14"),
        leavers(2..=3, "2099-12-31"),
        leavers(4..=4, "2099-12-17"),
        leavers(5..=5, &yesterday),
        leavers(6..=6, "2099-12-31"),
    ];
    let (found, shown) = previewed(&site, &rows.concat()).await;
    let effects: Vec<&str> = found["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["effect"].as_str().unwrap())
        .collect();
    assert_eq!(effects, ["moves", "nothing", "nothing", "moves", "nothing", "planned"]);
    assert_eq!(found["rows"][0]["from"], "2099-12-31T23:00:00.000Z");
    assert_eq!(
        found["rows"][1]["why"],
        format!("an operator called departure {cancelled} off: \"stays until June\"")
    );
    assert!(
        found["rows"][2]["why"].as_str().unwrap().ends_with(" says so already"),
        "{found:#}"
    );
    assert!(
        found["rows"][4]["why"].as_str().unwrap().ends_with(" was carried out"),
        "{found:#}"
    );
    for part in [
        "from Thu 31 Dec 2099 23:00Z, 14 d later; departure ",
        " 14 d earlier; departure ",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert_eq!(last_line(&shown), "6 rows: 1 planned, 2 move, 3 nothing");

    // The first file again: every row for the same reason, whatever became of it.
    let first = site.path("first-again.csv");
    fs::write(&first, format!("{HEADER}{}", leavers(1..=4, "2099-12-31"))).unwrap();
    let again = site
        .says(&["source", "hr", "preview", first.to_str().unwrap(), "--json"])
        .await
        .done();
    for row in again["rows"].as_array().unwrap() {
        assert_eq!(
            (&row["effect"], &row["why"]),
            (&"nothing".into(), &"the file was taken before".into())
        );
    }
}

#[tokio::test]
async fn a_file_may_come_on_standard_input_and_errors_name_what_there_is() {
    let site = Installation::new(InstallationPlan {
        more: "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\n\
               [[source]]\nname = \"contractors\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr2\"\n",
        ..InstallationPlan::default()
    })
    .await;
    fs::write(site.path("leavers.csv"), format!("{HEADER}{}", leavers(1..=2, "2099-12-31"))).unwrap();
    let mut command = site.command(&["source", "hr", "preview", "-", "--source", "hr"]);
    command.stdin(Stdio::from(File::open(site.path("leavers.csv")).unwrap()));
    let said = CommandOutput::of(command.output().await.unwrap());
    assert_eq!((said.code, last_line(&said)), (0, "2 rows: 2 planned"), "{said:?}");

    let file = site.path("leavers.csv").display().to_string();
    for (more, why) in [
        (
            &[][..],
            "several sources are of the kind hr-csv: say which with --source: hr, contractors",
        ),
        (
            &["--source", "hrx"],
            "no source of the kind hr-csv is called \"hrx\"; there is hr, contractors",
        ),
    ] {
        let said = site.says(&[&["source", "hr", "preview", &file], more].concat()).await;
        assert!(
            said.code == i32::from(Exit::Usage.code()) && said.err.contains(why),
            "{said:?}"
        );
    }
    let said = site.says(&["departures", "list", "--from", "monday"]).await;
    assert!(said.err.contains("3d") && said.err.contains("tomorrow"), "{said:?}");
}
