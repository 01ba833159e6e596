//! What stands in the way of a job, as short as a line has room for: the cause first.

use crate::cli::output::{LocalTimes, fit_words, plain};
use crate::model::Timestamp;
use crate::store::{JobProgress, Stopped};

/// The longest cause that a line quotes, in columns.
pub(super) const QUOTED: usize = 60;

/// The cause at the end of an error: without what was being done and for whom, which `case show` has, and without the layers of the network
/// between us and the target.
pub(in crate::cli) fn cause(error: &str) -> String {
    let error = plain(error);
    let what = match error.split_once(": ") {
        Some((doing, what)) if is_doing(doing) => what,
        _ => error.as_str(),
    };
    let Some(layers) = what.strip_prefix("no answer from ") else {
        return what.to_owned();
    };
    match layers.rsplit_once(": ") {
        Some((_, last)) => {
            let last = last.split(" (os error").next().unwrap_or(last).to_lowercase();
            let last = last.trim_start_matches("operation ").trim_start_matches("connection ");
            format!("no answer ({last})")
        }
        None => "no answer".to_owned(),
    }
}

/// Whether a text says what was being done: `looking up …`, `asking who we are`.
fn is_doing(text: &str) -> bool {
    text.split(' ').next().is_some_and(|word| word.ends_with("ing"))
}

/// The same, no longer than a line has room for.
pub(super) fn quoted(error: &str) -> String {
    fit_words(&cause(error), Some(QUOTED))
}

/// That a target is stopped, why and since when.
pub(super) fn stopped(target: &str, stopped: &Stopped, times: &LocalTimes) -> String {
    let since = |at: Option<Timestamp>| at.map_or(String::new(), |at| format!(" since {}", times.time(at)));
    match stopped {
        Stopped::Paused(pause) => {
            let by = fit_words(&plain(&pause.sentence()), Some(QUOTED));
            format!("{target} is paused{} {by}", since(Some(pause.since)))
        }
        Stopped::Refused { why, since: at } => format!("{target} waits{}: {}", since(*at), quoted(why)),
        Stopped::Down { why, since: at } => {
            let why = quoted(why);
            let bare = why.strip_prefix("no answer").unwrap_or(&why).trim();
            let bare = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
            let why = if bare.is_empty() {
                String::new()
            } else {
                format!(" ({bare})")
            };
            format!("{target}: no answer{}{why}", since(*at))
        }
    }
}

/// What keeps a job from going on, for a line about many: nothing where nothing does.
pub(in crate::cli) fn trouble(job: &JobProgress) -> Option<String> {
    if job.kept_back.is_some() {
        return Some("the batch is paused".to_owned());
    }
    if matches!(job.state.as_str(), "done" | "failed" | "cancelled" | "held") {
        return None;
    }
    let target = plain(&job.target);
    let of_error = |error: &str| match quoted(error) {
        silent if silent.starts_with("no answer") => format!("{target} does not answer"),
        cause => format!("{target}: {cause}"),
    };
    match (&job.stopped, &job.error) {
        (Some(stopped), _) => Some(match stopped {
            Stopped::Paused(_) => format!("{target} is paused"),
            Stopped::Refused { why, .. } => of_error(why),
            Stopped::Down { .. } => format!("{target} does not answer"),
        }),
        (None, Some(error)) if job.attempt > 0 => Some(of_error(error)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn of_an_error_the_cause_is_left() {
        for (error, said) in [
            (
                "looking up u…3@example.test: no answer from 127.0.0.1:8065: error sending request: operation timed out",
                "no answer (timed out)",
            ),
            (
                "asking who we are: no answer from chat: error sending request: tcp connect error: Connection refused (os error 111)",
                "no answer (refused)",
            ),
            ("binding as cn=revoked: no answer within 300ms", "no answer within 300ms"),
            (
                "ending session s1: the target answered 500: broken",
                "the target answered 500: broken",
            ),
            ("still there: 1 session", "still there: 1 session"),
            ("the attempt was cut off after 600 s", "the attempt was cut off after 600 s"),
        ] {
            assert_eq!(cause(error), said);
        }
    }
}
