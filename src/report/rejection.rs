//! That the hold of a case was rejected: by whom, and what was said of it.

use super::recorded::Recorded;
use super::words::Words;

/// The decision by which a case ended. A hold under which nothing is left ends as rejected too, about no case.
pub(super) fn rejection(entries: &[Recorded]) -> Option<&Recorded> {
    let decided = |entry: &&Recorded| entry.kind == "hold.rejected" && entry.number("cases").is_some_and(|cases| cases > 0);
    entries.iter().rfind(decided)
}

/// `operator alice rejected hold 3: it was a test`
pub(super) fn rejected_by(rejected: &Recorded) -> Words {
    let hold = rejected.number("hold").unwrap_or_default();
    rejected
        .by()
        .and(format!(" rejected hold {hold}"))
        .then(rejected.because("note"))
}
