//! HR files of every kind, through the built program: previewed, dropped by the script of the docs, signed, naming everybody.

use std::fs;
use std::io::Cursor;

use minisign::KeyPair;
use revoked::cli::Exit;
use serde_json::Value;
use sqlx::Executor as _;
use tokio::process::Command;

use super::hr_departures::{day, with_hr};
use super::{CommandOutput, Installation, InstallationPlan, until};
use crate::harness::chat_holdings::{Holdings, changes};

/// The script that the docs give to whoever has no better way to drop a file.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources/drop-hr-csv.sh");

async fn drop_by_script(site: &Installation, file: &str) -> CommandOutput {
    let mut command = Command::new(SCRIPT);
    command.arg(site.path(file)).arg(site.path("hr"));
    CommandOutput::of(command.output().await.unwrap())
}

/// What a preview says as JSON, and how it ends.
async fn previewed(site: &Installation, file: &str, exit: Exit) -> Value {
    let said = site.says(&["source", "hr", "preview", file, "--json"]).await;
    assert_eq!(said.code, i32::from(exit.code()), "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

async fn with_source(more: &'static str) -> Installation {
    let site = Installation::new(InstallationPlan {
        people: 30,
        more,
        ..InstallationPlan::default()
    })
    .await;
    fs::create_dir(site.path("hr")).unwrap();
    site
}

#[tokio::test]
async fn the_script_of_the_docs_drops_a_file_that_is_taken_at_once() {
    // No file counts as complete by being left alone for an hour: the marker alone says so.
    let site = with_source(
        "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\ntime_zone = \"Europe/Berlin\"\ninterval = \"100ms\"\nsettle = \"1h\"\n",
    )
    .await;
    let _running = site.start().await;
    let text = format!(
        "employee_id,email,last_working_day,action,reason\n1,user01@example.test,{},terminate,\"end, of contract\"\n\n,,,,\n\
         2,user02@example.test,{},terminate,\n",
        day(-1),
        day(40)
    );
    fs::write(site.path("leavers.csv"), &text).unwrap();
    let said = drop_by_script(&site, "leavers.csv").await;
    assert!(said.code == 0 && said.out.contains("dropped "), "{said:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").active);
    assert!(Holdings::of(site.chat(), "user02").active);
    let names = until("the file and its marker in the archive", async || {
        let listing = fs::read_dir(site.path("hr").join("archive")).ok()?;
        let mut names: Vec<String> = listing
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        (names.len() == 2).then_some(names)
    })
    .await;
    assert!(names[1].ends_with(".csv.done"), "{names:?}");
    assert!(site.alerts().await.is_empty());

    let wrong = drop_by_script(&site, "leavers.xlsx").await;
    assert!(wrong.code == 2 && wrong.err.contains("must end with .csv"), "{wrong:?}");
}

#[tokio::test]
async fn a_preview_tells_who_would_leave_and_changes_nothing_with_or_without_a_store() {
    let site = with_hr().await;
    let text = "employee_id,employment_id,email,last_working_day,timezone,action\n\
                1,,user01@example.test,2099-10-03,Australia/Lord_Howe,terminate\n\
                2,,user02@example.test,2020-01-31,,terminate\n\
                3,A,user03@example.test,2099-03-28,,terminate\n\
                3,B,user03@example.test,,,active\n\
                4,,user04@example.test,,,rescind\n\
                =5,,user05@example.test,2099-01-01,,terminate\n\
                6,,user06@example.test,03/04/2099,,terminate\n";
    fs::write(site.path("leavers.csv"), text).unwrap();
    let file = site.path("leavers.csv").display().to_string();
    let preview = previewed(&site, &file, Exit::Findings).await;
    let effects: Vec<&str> = preview["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["effect"].as_str().unwrap())
        .collect();
    assert_eq!(effects, ["planned", "held", "blocked", "stands", "calls_off", "planned"]);
    assert_eq!(preview["rows"][0]["local"], "2099-10-04T00:00:00+10:30[Australia/Lord_Howe]");
    assert_eq!(preview["rows"][0]["utc"], "2099-10-03T13:30:00.000Z");
    assert!(
        preview["rows"][1]["why"].as_str().unwrap().contains("days ago"),
        "{preview:#}"
    );
    assert_eq!(preview["refused"][0]["column"], "last_working_day");
    assert_eq!(preview["refused"][0]["place"], "line 8");

    let csv = site.says(&["source", "hr", "preview", &file, "--csv"]).await;
    assert!(
        csv.code == i32::from(Exit::Findings.code()) && csv.out.contains("\n7,'=5,") && csv.out.contains("line 8,"),
        "{csv:?}"
    );
    let shown = site.says(&["source", "hr", "preview", &file, "--source", "hr"]).await;
    assert!(
        shown
            .out
            .contains("refused, line 8, user06@example.test (6), column last_working_day: \"03/04/2099\": ")
            && shown
                .out
                .ends_with("nothing was changed\n7 rows: 2 planned, 1 held, 1 blocked, 1 calls off, 1 stands, 1 refused\n"),
        "{shown:?}"
    );
    let unknown = site.says(&["source", "hr", "preview", &file, "--source", "idp"]).await;
    assert!(unknown.code != 0 && unknown.err.contains("hr-csv is called"), "{unknown:?}");

    // With a store, what is known counts.
    let _running = site.start().await;
    site.drop_file(
        "one.csv",
        &format!(
            "4,user04@example.test,{},,terminate\n1,user01@example.test,{},,terminate\n",
            day(9),
            day(9)
        ),
    );
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 2)
        .await;
    let preview = previewed(&site, &file, Exit::Findings).await;
    assert!(
        preview["rows"][0]["effect"] == "moves" && preview["rows"][0]["from"].is_string(),
        "{preview:#}"
    );
    assert_eq!(preview["rows"][4]["effect"], "calls_off");
    assert!(
        preview["rows"][4]["why"].as_str().unwrap().contains("departure 1, planned"),
        "{preview:#}"
    );
    assert_eq!(site.count("SELECT count(*) FROM batch").await, 1);
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_signed_file_is_acted_on_and_an_unsigned_one_is_quarantined() {
    let site = with_source(
        "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\ninterval = \"100ms\"\nsettle = \"100ms\"\n\
         signature = { public_key_file = \"{folder}/hr.pub\" }\n",
    )
    .await;
    let key = KeyPair::generate_unencrypted_keypair().unwrap();
    fs::write(site.path("hr.pub"), key.pk.to_box().unwrap().to_string()).unwrap();
    let _running = site.start().await;
    let text = |n: u32| {
        format!(
            "employee_id,email,last_working_day,action\n{n},user{n:02}@example.test,{},terminate\n",
            day(-2)
        )
    };
    fs::write(site.path("signed.csv"), text(1)).unwrap();
    let signature = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(text(1)), Some("file:signed.csv"), None).unwrap();
    fs::write(site.path("signed.csv.minisig"), signature.to_string()).unwrap();
    assert_eq!(drop_by_script(&site, "signed.csv").await.code, 0);
    fs::write(site.path("unsigned.csv"), text(2)).unwrap();
    assert_eq!(drop_by_script(&site, "unsigned.csv").await.code, 0);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").active);
    let reason = until("the reason", async || {
        let mut files = fs::read_dir(site.path("hr").join("quarantine")).ok()?;
        files.find_map(|file| {
            fs::read_to_string(file.unwrap().path())
                .ok()
                .filter(|text| text.contains("was not taken"))
        })
    })
    .await;
    assert!(reason.contains("its signature is missing"), "{reason}");
    assert!(Holdings::of(site.chat(), "user02").active);
    assert_eq!(site.alerts().await, ["quarantine"]);
    // What the alert says to type shows the same.
    let alerts = site.ask(&["alert", "list"]).await;
    let next: Vec<&str> = alerts[0]["next"].as_str().unwrap().split(' ').skip(1).collect();
    let aside = site.says(&next).await;
    assert!(
        aside.code == 0 && aside.out.contains("its signature is missing"),
        "{next:?}: {aside:?}"
    );
    let nothing = site.says(&["source", "hr", "aside", "00000000"]).await;
    assert!(
        nothing.code == 1 && nothing.out.contains("nothing lies aside under 00000000; above is what does"),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn a_source_that_the_daemon_cannot_read_says_so_in_every_list_until_it_can() {
    let site = with_hr().await;
    let _running = site.start().await;
    fs::rename(site.path("hr"), site.path("elsewhere")).unwrap();
    until("the alert", async || {
        site.alerts().await.contains(&"source_unreadable".to_owned()).then_some(())
    })
    .await;
    let why = "source hr cannot be read: cannot look into the drop folder ";
    let listed = site.says(&["source", "list"]).await;
    assert!(listed.code == 0 && listed.out.contains(why), "{listed:?}");
    let rows = site.ask(&["source", "list"]).await;
    let trouble = rows.as_array().unwrap().iter().find(|row| row["source"] == "hr").unwrap()["trouble"].clone();
    assert!(trouble.as_str().unwrap().starts_with(why), "{rows:#}");
    let checked = site.says(&["check"]).await;
    assert!(
        checked.code == i32::from(Exit::Findings.code()) && checked.out.contains(&format!("error: the daemon says: {why}")),
        "{checked:?}"
    );
    fs::rename(site.path("elsewhere"), site.path("hr")).unwrap();
    until("the end of the alert", async || site.alerts().await.is_empty().then_some(())).await;
    assert!(!site.says(&["source", "list"]).await.out.contains(why));
}

#[tokio::test]
async fn who_is_missing_from_full_files_ends_as_a_hold_and_never_by_itself() {
    let site = with_source(
        "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\ninterval = \"100ms\"\nsettle = \"100ms\"\nfull_file = true\n",
    )
    .await;
    let _running = site.start().await;
    let file = |from: u32, name: &str| {
        let rows = (from..=20).map(|n| format!("{n},user{n:02}@example.test\n"));
        let rows = rows.collect::<Vec<_>>().concat();
        fs::write(
            site.path("roster.tmp"),
            format!("employee_id,email\n{rows}#EOF,rows={}\n", 21 - from),
        )
        .unwrap();
        fs::rename(site.path("roster.tmp"), site.path("hr").join(name)).unwrap();
    };
    file(1, "monday.csv");
    site.until_count("SELECT count(*) FROM employment WHERE state = 'stands'", 20)
        .await;
    file(2, "tuesday.csv");
    let missing = "SELECT count(*) FROM memory WHERE body ->> '$.missing_since' IS NOT NULL";
    site.until_count(missing, 1).await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 0);
    // As if an hour had gone by since Tuesday's file.
    let hour = "UPDATE memory SET body = json_set(body, '$.missing_since', strftime('%Y-%m-%dT%H:%M:%fZ', body ->> '$.missing_since', '-1 hour')) \
                WHERE body ->> '$.missing_since' IS NOT NULL";
    site.sql().await.execute(hour).await.unwrap();
    file(2, "wednesday.csv");
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    let missed = site.ask(&["departures", "list", "--state", "held"]).await;
    assert_eq!(missed[0]["subject"], "email:user01@example.test");
    assert!(missed[0]["why"].as_str().unwrap().contains("not a termination"), "{missed:#}");

    // A file that is cut short is an accident, not a wave of departures.
    let short = site.path("short.csv");
    fs::write(&short, "employee_id,email\n20,user20@example.test\n").unwrap();
    let preview = previewed(&site, &short.display().to_string(), Exit::Rejected).await;
    assert!(
        preview["rejected"].as_str().unwrap().contains("fewer than 90 %"),
        "{preview:#}"
    );
    file(12, "thursday.csv");
    site.until_count("SELECT count(*) FROM alert WHERE kind = 'quarantine'", 1)
        .await;
    assert_eq!(site.count(missing).await, 0);
    assert!(changes(site.chat()).is_empty());

    let hold = site.ask(&["hold", "list"]).await[0]["id"].to_string();
    let set = site.ask(&["hold", "show", &hold]).await["set"].as_str().unwrap().to_owned();
    assert_eq!(site.says(&["hold", "approve", &hold, "--set", &set]).await.code, 0);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").active);
    assert_eq!(
        site.ask(&["departures", "list", "--state", "executed"])
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
