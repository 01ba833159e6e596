//! Logging as a process does it. A process logs once, so each test starts one of its own.

use std::process::Command;

use revoked::clock::Clock;
use revoked::telemetry::{FILTER, Format, Setup, start};

/// What the ignored test of that name writes to standard error.
fn stderr_of(name: &str, filter: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", &format!("telemetry::{name}")]);
    command.env_remove(FILTER).envs(filter.map(|filter| (FILTER, filter)));
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    String::from_utf8(run.stderr).unwrap()
}

#[test]
#[ignore = "the other tests start it in a process of its own"]
fn a_program_that_logs() {
    let setup = Setup {
        format: Format::Json,
        ..Setup::default()
    };
    let _guard = start(setup, &Clock::system()).unwrap();
    assert!(
        start(Setup::default(), &Clock::system()).is_err(),
        "a second start is refused"
    );
    tracing::info!(n = 1, "hello");
    tracing::debug!("in detail");
    let broken = std::thread::spawn(|| panic!("broken\nby hand")).join();
    assert!(broken.is_err());
    tracing::info!("last words");
}

fn messages(stderr: &str) -> Vec<String> {
    let object = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    stderr
        .lines()
        .map(|line| object(line)["message"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_line_is_json_the_last_ones_and_panics_included() {
    let stderr = stderr_of("a_program_that_logs", None);
    let panic = "a part of the daemon broke down; this is a defect";
    assert_eq!(messages(&stderr), ["hello", panic, "last words"], "{stderr}");
    assert!(stderr.contains(r#""error":"broken\\nby hand""#), "{stderr}");
}

#[test]
fn the_filter_of_the_environment_holds() {
    let stderr = stderr_of("a_program_that_logs", Some("debug"));
    assert!(messages(&stderr).contains(&"in detail".to_owned()), "{stderr}");
}

#[test]
fn a_filter_that_cannot_be_read_is_said_and_costs_no_line() {
    let messages = messages(&stderr_of("a_program_that_logs", Some("revoked=loud")));
    assert!(messages[0].starts_with("REVOKED_LOG cannot be read"), "{messages:?}");
    assert_eq!(messages[1], "hello");
}
