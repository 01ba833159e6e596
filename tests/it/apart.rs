//! Tests that change what belongs to the whole process: each runs once more, in a process of its own, where it is alone.

use std::env::{current_exe, var_os};
use std::process::{Command, Output};

/// Set in the process that was started for one test.
const APART: &str = "REVOKED_TEST_APART";

/// Whether this process was started for the test that asks.
pub(crate) fn is_apart() -> bool {
    var_os(APART).is_some()
}

/// This test program, for the test of that name alone.
pub(crate) fn apart(name: &str) -> Command {
    let mut command = Command::new(current_exe().unwrap());
    command.args(["--exact", "--nocapture", name]).env(APART, "1");
    command
}

/// Runs it. Fails unless the one test ran and passed.
pub(crate) fn passed(mut command: Command) -> Output {
    let run = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("1 passed"), "{said}\n{complained}");
    run
}
