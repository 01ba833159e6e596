//! `revoked demo` and `revoked sandbox` as a new user runs them: the built program, its output and its exit code.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

fn revoked() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
    command.env_remove("REVOKED_LOG").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs a command against what a demo has left in `folder`.
fn beside(folder: &Path, arguments: &[&str]) -> Output {
    let config = folder.join("revoked.toml");
    revoked().args(arguments).arg("--config").arg(config).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One run of `demo --json --keep`, which several tests look at.
struct Run {
    output: Output,
    folder: TempDir,
}

static RUN: LazyLock<Run> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let output = revoked()
        .args(["demo", "--json", "--keep"])
        .arg(folder.path())
        .output()
        .unwrap();
    Run { output, folder }
});

fn outcome() -> Value {
    serde_json::from_slice(&RUN.output.stdout).expect("standard output is one JSON object and nothing else")
}

#[test]
fn every_expectation_of_the_demo_holds() {
    let outcome = outcome();
    let expectations = outcome["expectations"].as_array().unwrap();
    let failed: Vec<&Value> = expectations
        .iter()
        .filter(|expectation| expectation["held"] != true)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(expectations.len() >= 15);
    assert_eq!(outcome["ok"], true);
    assert_eq!(RUN.output.status.code(), Some(0));
    assert_eq!(text(&RUN.output.stderr), "", "the demo logs nothing unless it is asked to");
}

#[test]
fn the_intruder_is_out_for_good_once_the_victim_is_contained() {
    let intruder = &outcome()["intruder"];
    assert!(intruder["calls_before"].as_u64().unwrap() > 0, "{intruder}");
    assert!(intruder["calls_after_contained"].as_u64().unwrap() > 0, "{intruder}");
    assert_eq!(intruder["calls_ok_after_contained"], 0, "{intruder}");
}

#[test]
fn the_outcome_has_every_promised_member() {
    let outcome = outcome();
    let cases = outcome["cases"].as_array().unwrap();
    let sources: Vec<&str> = ["idp", "hr", "inbox"]
        .into_iter()
        .filter(|source| cases.iter().any(|case| case["source"] == *source))
        .collect();
    assert_eq!(sources, ["idp", "hr", "inbox"], "a signal came through every door");
    for case in cases {
        assert!(case["subject"].is_string() && case["reason"].is_string(), "{case}");
        match case["verdict"].as_str().unwrap() {
            "contained" => {
                let (first, contained) = (&case["received_to_first_revoke_ms"], &case["received_to_contained_ms"]);
                assert!(first.as_u64() <= contained.as_u64() && first.is_u64(), "{case}");
                assert_eq!(case["grants_found"], case["grants_ended"], "{case}");
            }
            verdict => assert_eq!(verdict, "no_principal", "{case}"),
        }
    }
    let trail = &outcome["trail"];
    assert!(
        trail["entries"].as_u64().unwrap() > 100 && trail["verified"] == true,
        "{trail}"
    );
    assert_eq!(outcome["scheduled"][0]["subject"], "email:user24@example.test");
    assert_eq!(outcome["quarantined"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_demo_keeps_is_read_by_the_other_commands() {
    let outcome = outcome();
    let folder = RUN.folder.path();
    let status = beside(folder, &["status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["trail"], outcome["trail"]["entries"]);
    // One more than who leaves tomorrow, while the day is not over where somebody else works.
    let planned = outcome["scheduled"].as_array().unwrap().len();
    assert!((1..=2).contains(&planned), "{}", outcome["scheduled"]);
    assert_eq!(
        (&status["planned"], &status["daemon_running"]),
        (&planned.into(), &false.into())
    );

    let victim = outcome["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["source"] == "idp")
        .unwrap();
    // In a copy: whoever reads of a case in a store that is in use stands in its trail.
    let copy = tempfile::tempdir().unwrap();
    let store = copy.path().join("revoked.db");
    std::fs::copy(folder.join("revoked.db"), &store).unwrap();
    let (number, store) = (victim["case"].to_string(), store.display().to_string());
    let shown = beside(folder, &["case", "show", &number, "--explain", "--store", &store]);
    let shown = text(&shown.stdout);
    for word in [
        "closed, contained",
        "reset the password: done",
        "end all sessions: done",
        "not covered at chat: ",
    ] {
        assert!(shown.contains(word), "{word} in {shown}");
    }

    let verified = beside(folder, &["trail", "verify", "--json"]);
    assert_eq!(verified.status.code(), Some(0));
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["entries"], verified["confirmed"]);

    let checked = beside(folder, &["check", "--offline"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
}

#[test]
fn an_auditor_verifies_what_was_exported_without_the_daemon_and_without_its_database() {
    let entries = outcome()["trail"]["entries"].as_u64().unwrap();
    let kept = RUN.folder.path();
    let exported = beside(kept, &["trail", "export"]);
    assert_eq!(exported.status.code(), Some(0));
    let away = tempfile::tempdir().unwrap();
    let export = away.path().join("trail.jsonl");
    let verify = |lines: &str| {
        std::fs::write(&export, lines).unwrap();
        let mut command = Command::new(revoked_verify());
        command
            .current_dir(away.path())
            .arg("--json")
            .arg("--key")
            .arg(kept.join("revoked.db.vkey"));
        let output = command
            .arg("--anchor")
            .arg(kept.join("elsewhere/checkpoints"))
            .arg(&export)
            .output()
            .unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), summary)
    };
    let lines = text(&exported.stdout);
    let (code, summary) = verify(&lines);
    assert_eq!(code, 0, "{summary}");
    assert_eq!(
        (&summary["entries"], &summary["confirmed"]),
        (&entries.into(), &entries.into())
    );

    let mut shorter: Vec<&str> = lines.lines().collect();
    let gone = shorter.len() / 2;
    shorter.remove(gone);
    let (code, summary) = verify(&(shorter.join("\n") + "\n"));
    assert_eq!((code, &summary["first_bad"]), (5, &gone.into()), "{summary}");
}

/// The auditors' program: as `cargo test` has built it for all packages, and built now where it was asked for the tests of this one alone.
fn revoked_verify() -> PathBuf {
    let ours = Path::new(env!("CARGO_BIN_EXE_revoked"));
    let program = ours.with_file_name("revoked-verify");
    if !program.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--package", "revoked-trail", "--target-dir"]);
        cargo
            .arg(ours.ancestors().nth(2).unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().unwrap().success(), "revoked-verify cannot be built");
    }
    program
}

#[tokio::test]
async fn one_flipped_byte_in_the_trail_is_found() {
    let kept = RUN.folder.path();
    let copy = tempfile::tempdir().unwrap();
    for name in ["revoked.db", "revoked.db.vkey"] {
        std::fs::copy(kept.join(name), copy.path().join(name)).unwrap();
    }
    let store = copy.path().join("revoked.db");
    let entries = outcome()["trail"]["entries"].as_i64().unwrap();
    let chosen = entries / 2;
    flip(&store, chosen).await;

    let output = revoked()
        .args(["trail", "verify", "--json", "--config"])
        .arg(kept.join("revoked.toml"))
        .arg("--store")
        .arg(&store)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["verified"], &report["first_bad"]), (&false.into(), &chosen.into()));
}

/// Changes one letter of an entry's body, as somebody who owns the file can.
async fn flip(store: &Path, seq: i64) {
    let options = SqliteConnectOptions::new().filename(store);
    let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("DROP TRIGGER trail_is_not_changed")
        .execute(&mut conn)
        .await
        .unwrap();
    let body: Vec<u8> = sqlx::query_scalar("SELECT CAST(body AS BLOB) FROM trail WHERE seq = ?")
        .bind(seq)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let mut body = String::from_utf8(body).unwrap().into_bytes();
    let at = body.iter().rposition(u8::is_ascii_digit).unwrap();
    body[at] ^= 1;
    sqlx::query("UPDATE trail SET body = ? WHERE seq = ?")
        .bind(String::from_utf8(body).unwrap())
        .bind(seq)
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

#[test]
fn piped_output_is_plain_lines() {
    let output = revoked().args(["demo", "--seed", "7"]).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
    assert_eq!(text(&output.stderr), "");
    for word in [
        " s  the stolen access token gets 401",
        "first sweep looks again: nothing has come back",
        "not covered",
        "expectations held",
    ] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("revoked.db"), "of somebody").unwrap();
    let output = revoked().args(["demo", "--keep"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is not empty"), "{}", text(&output.stderr));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("revoked.db")).unwrap(),
        "of somebody"
    );
}

#[tokio::test]
async fn the_sandbox_command_serves_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    let mut child = revoked()
        .args([
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--people",
            "3",
            "--version",
            "10.11",
            "--json",
            "--token-file",
        ])
        .arg(&token_file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let place: Value = loop {
        said += &lines.next().expect("it says where it is before it ends").unwrap();
        if let Ok(place) = serde_json::from_str(&said) {
            break place;
        }
    };
    assert_eq!(
        place["operator_token"],
        Value::Null,
        "the token is in its file and nowhere else"
    );
    let client = revoked::http::client(crate::wait::PATIENT).unwrap();
    let answer = client
        .get(format!("{}/api/v4/users/me", place["url"].as_str().unwrap()))
        .bearer_auth(std::fs::read_to_string(&token_file).unwrap().trim())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["x-version-id"].to_str().unwrap().starts_with("10.11"));

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait());
    let status = tokio::time::timeout(crate::wait::BOUND, ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

/// One run of `demo --tour --json --keep`.
static TOUR: LazyLock<Run> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let output = revoked()
        .args(["demo", "--tour", "--json", "--keep"])
        .arg(folder.path())
        .output()
        .unwrap();
    Run { output, folder }
});

fn tour() -> Value {
    serde_json::from_slice(&TOUR.output.stdout).expect("standard output is one JSON object and nothing else")
}

#[test]
fn every_expectation_of_the_tour_holds() {
    let tour = tour();
    let expectations = tour["expectations"].as_array().unwrap();
    let failed: Vec<&Value> = expectations
        .iter()
        .filter(|expectation| expectation["held"] != true)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}\n{:#}", tour["stops"]);
    assert_eq!(tour["ok"], true);
    assert_eq!(TOUR.output.status.code(), Some(0));
    assert_eq!(text(&TOUR.output.stderr), "", "the tour logs nothing unless it is asked to");
}

#[test]
fn a_signal_went_through_the_door_of_every_kind_and_ended_something() {
    let tour = tour();
    let stops = tour["stops"].as_array().unwrap();
    for kind in revoked::sources::KINDS {
        let stop = stops.iter().find(|stop| stop["kind"] == kind.name);
        let came = &stop.unwrap_or_else(|| panic!("no signal went through {}", kind.name))["came"];
        assert_eq!(came["verdict"], "contained", "{stop:?}");
        assert!(came["sent_to_verdict_ms"].is_u64(), "{stop:?}");
        let ended = came["ended"].as_object().unwrap().values().filter_map(Value::as_u64);
        assert!(ended.sum::<u64>() > 0, "{stop:?}");
    }
    assert_eq!(tour["trail"]["verified"], true);
}

#[test]
fn the_identity_provider_of_the_tour_is_told_what_was_proved_and_can_check_it() {
    let tour = tour();
    let stops = tour["stops"].as_array().unwrap();
    let told: Vec<&Value> = stops.iter().filter(|stop| stop["told_expected"] == true).collect();
    assert!(told.len() >= 4, "{stops:#?}");
    for stop in told {
        let heard = &stop["told"];
        assert_eq!(
            (&heard["event"], &heard["stands"]),
            (&"session-revoked".into(), &true.into()),
            "{stop}"
        );
        assert_eq!(heard["subject"], format!("{}@example.test", stop["who"].as_str().unwrap()));
        assert!(
            stop["came"]["sent_to_verdict_ms"].as_u64() <= heard["sent_to_told_ms"].as_u64(),
            "{stop}"
        );
    }
}

#[test]
fn what_the_tour_keeps_is_read_by_the_other_commands() {
    let tour = tour();
    let folder = TOUR.folder.path();
    let cases = beside(folder, &["case", "list", "--json"]);
    assert_eq!(
        text(&cases.stdout).lines().count(),
        tour["stops"].as_array().unwrap().len(),
        "a case for each stop"
    );
    assert_eq!(beside(folder, &["trail", "verify"]).status.code(), Some(0));
    let sources = beside(folder, &["source", "list"]);
    assert_eq!(sources.status.code(), Some(0), "{}", text(&sources.stderr));
}

#[test]
fn a_piped_tour_is_plain_lines_with_a_row_for_each_door() {
    let output = revoked().args(["demo", "--tour", "--seed", "7"]).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
    assert_eq!(text(&output.stderr), "");
    let (_, table) = shown.split_once("one signal through every door").unwrap();
    for kind in revoked::sources::KINDS {
        assert!(table.contains(&format!("\n {} ", kind.name)), "{} in {table}", kind.name);
    }
}
