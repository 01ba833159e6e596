//! How far a case is, in one line: at each target what is being done, what is waited for, and what stands in the way.

use crate::cli::output::{LocalTimes, coarse, plain};
use crate::model::Timestamp;
use crate::store::JobProgress;

/// The longest error that a line quotes, in characters.
const QUOTED: usize = 60;

/// What a case's line says. The first part tells a change from a count-down.
pub(super) struct ProgressLine {
    pub(super) change: String,
    pub(super) text: String,
}

impl ProgressLine {
    /// The line of case `id`: what is in trouble first, what is over last.
    pub(super) fn of(id: i64, jobs: &[JobProgress], times: &LocalTimes) -> Self {
        let mut parts: Vec<(u8, String, String)> = jobs.iter().map(|job| at_target(job, times)).collect();
        parts.sort_by_key(|(rank, ..)| *rank);
        if parts.is_empty() {
            parts.push((0, "waits for the daemon".to_owned(), "waits for the daemon".to_owned()));
        }
        let of = |part: fn(&(u8, String, String)) -> &str| {
            let parts: Vec<&str> = parts.iter().map(part).collect();
            format!("case {id} · {}", parts.join(" · "))
        };
        Self {
            change: of(|(_, change, _)| change),
            text: of(|(.., text)| text),
        }
    }
}

/// How much it matters, what tells a change, and what is shown.
fn at_target(job: &JobProgress, times: &LocalTimes) -> (u8, String, String) {
    let target = plain(&job.target);
    let tried = match job.attempt {
        0 | 1 => String::new(),
        n => format!(" (attempt {n})"),
    };
    let plainly = |rank: u8, text: String| (rank, text.clone(), text);
    let wait = |at: Option<Timestamp>| at.filter(|at| *at > times.now()).map(|at| coarse(at.since(times.now())));
    match job.state.as_str() {
        "scheduled" => match (&job.error, &job.stopped) {
            (Some(error), _) if job.attempt > 0 => {
                // The error last: it is what a narrow screen cuts.
                let next = wait(job.due).map_or_else(|| "next at once".to_owned(), |wait| format!("next in {wait}"));
                let change = format!("{target} (attempt {}): {}", job.attempt, quoted(error));
                let text = format!("{target} (attempt {}, {next}): {}", job.attempt, quoted(error));
                (0, change, text)
            }
            (_, Some(why)) => {
                let change = waits(&target, why);
                let text = match wait(job.due) {
                    Some(wait) => format!("{change} (next in {wait})"),
                    None => change.clone(),
                };
                (0, change, text)
            }
            _ => match job.due {
                Some(due) if due.since(times.now()).as_secs() > 60 => {
                    plainly(2, format!("{target} waits until {}", times.time(due)))
                }
                _ => plainly(2, format!("{target} waits for its next look")),
            },
        },
        "queued" => match (&job.stopped, job.before) {
            (Some(why), _) => plainly(0, waits(&target, why)),
            (None, 0) => plainly(2, format!("{target} waits for its turn{tried}")),
            (None, before) => (
                2,
                format!("{target} waits for its turn"),
                format!("{target} waits for its turn, {before} before it{tried}"),
            ),
        },
        "running" => match wait(job.next_permit_at) {
            Some(wait) => (
                1,
                format!("{target} waits for a permit"),
                format!("{target} waits for a permit, next in {wait}{tried}"),
            ),
            None if job.acted => plainly(2, format!("{target}: ending and proving{tried}")),
            None => plainly(2, format!("{target}: looking{tried}")),
        },
        "held" => plainly(1, format!("{target} is held")),
        "cancelled" => plainly(3, format!("{target} was cancelled")),
        state => {
            let rank = if state == "failed" { 0 } else { 3 };
            let verdict = job.verdict.as_deref().unwrap_or(state).replace('_', " ");
            plainly(rank, format!("{target}: {verdict}"))
        }
    }
}

/// What a target waits for: a reason that names it says so by itself.
fn waits(target: &str, why: &str) -> String {
    if why.starts_with(&format!("{target} ")) {
        quoted(why)
    } else {
        format!("{target} waits: {}", quoted(why))
    }
}

/// As much of a sentence as a line has room for, on one line.
fn quoted(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= QUOTED {
        return text;
    }
    let cut: String = text.chars().take(QUOTED).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_764_000_000_000;

    fn job(state: &str) -> JobProgress {
        JobProgress {
            target: "chat".to_owned(),
            state: state.to_owned(),
            due: None,
            attempt: 1,
            error: None,
            verdict: None,
            acted: false,
            stopped: None,
            next_permit_at: None,
            before: 0,
        }
    }

    fn line(jobs: &[JobProgress]) -> String {
        ProgressLine::of(6, jobs, &LocalTimes::at(Timestamp::from_ms(NOW))).text
    }

    #[test]
    fn a_failed_attempt_says_why_which_it_was_and_when_the_next_comes() {
        let failed = JobProgress {
            attempt: 2,
            due: Some(Timestamp::from_ms(NOW + 4_000)),
            error: Some("the target does not answer".to_owned()),
            ..job("scheduled")
        };
        assert_eq!(
            line(&[failed]),
            "case 6 · chat (attempt 2, next in 4 s): the target does not answer"
        );
    }

    #[test]
    fn the_target_in_trouble_stands_first() {
        let done = JobProgress {
            target: "idp".to_owned(),
            verdict: Some("contained".to_owned()),
            ..job("done")
        };
        let paused = JobProgress {
            stopped: Some("it refuses our token".to_owned()),
            ..job("queued")
        };
        assert_eq!(
            line(&[done, paused]),
            "case 6 · chat waits: it refuses our token · idp: contained"
        );
    }

    #[test]
    fn a_count_down_is_no_change() {
        let waits = |seconds: i64| JobProgress {
            next_permit_at: Some(Timestamp::from_ms(NOW + seconds * 1000)),
            ..job("running")
        };
        let of = |seconds| ProgressLine::of(6, &[waits(seconds)], &LocalTimes::at(Timestamp::from_ms(NOW)));
        assert_eq!(of(9).change, of(8).change);
        assert_ne!(of(9).text, of(8).text);
    }
}
