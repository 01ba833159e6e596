//! Logging as a process does it. A process logs once, so each test starts one of its own.

use revoked::clock::Clock;
use revoked::telemetry::{FILTER, Format, Setup, start};

use crate::apart::{apart, is_apart, passed};

/// What [`a_program_that_logs`] writes to standard error, started for the test of that name.
fn stderr_of(test: &str, filter: Option<&str>) -> String {
    let mut command = apart(&format!("telemetry::{test}"));
    command.env_remove(FILTER).envs(filter.map(|filter| (FILTER, filter)));
    String::from_utf8(passed(command).stderr).unwrap()
}

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
    if is_apart() {
        return a_program_that_logs();
    }
    let stderr = stderr_of("every_line_is_json_the_last_ones_and_panics_included", None);
    let panic = "a part of the daemon broke down; this is a defect";
    assert_eq!(messages(&stderr), ["hello", panic, "last words"], "{stderr}");
    assert!(stderr.contains(r#""error":"broken\\nby hand""#), "{stderr}");
}

#[test]
fn the_filter_of_the_environment_holds() {
    if is_apart() {
        return a_program_that_logs();
    }
    let stderr = stderr_of("the_filter_of_the_environment_holds", Some("debug"));
    assert!(messages(&stderr).contains(&"in detail".to_owned()), "{stderr}");
}

#[test]
fn a_filter_that_cannot_be_read_is_said_and_costs_no_line() {
    if is_apart() {
        return a_program_that_logs();
    }
    let messages = messages(&stderr_of(
        "a_filter_that_cannot_be_read_is_said_and_costs_no_line",
        Some("revoked=loud"),
    ));
    assert!(messages[0].starts_with("REVOKED_LOG cannot be read"), "{messages:?}");
    assert_eq!(messages[1], "hello");
}
