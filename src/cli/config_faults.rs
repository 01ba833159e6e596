//! What is wrong with the config, for commands that go on all the same.

use crate::config::ConfigReport;

/// What a start of the daemon would be refused for, in a line: the first complaint, and how many there are besides.
#[must_use]
pub(super) fn faults_in_a_line(faults: &ConfigReport) -> Option<String> {
    let told = faults.to_string();
    let first = told.lines().next().filter(|first| !first.is_empty())?;
    let more = match faults.len() {
        0 | 1 => String::new(),
        all => format!(", and {} more", all - 1),
    };
    Some(format!("the next start of the daemon would be refused: {first}{more}"))
}
