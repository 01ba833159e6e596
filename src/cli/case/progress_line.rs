//! How far a case is, in one line: at each target what is being done, what is waited for, and what stands in the way.

use super::trouble::{QUOTED, quoted, stopped};
use crate::cli::output::{LocalTimes, coarse, fit_words, plain};
use crate::model::Timestamp;
use crate::store::{CaseBegins, JobProgress};

/// For how long nothing is recorded of an attempt before that is worth saying: most are over by then.
const QUIET: std::time::Duration = std::time::Duration::from_secs(3);

/// What a case's line says. The first part tells a change from a count-down.
pub(super) struct ProgressLine {
    pub(super) change: String,
    pub(super) text: String,
}

impl ProgressLine {
    /// The line of case `id`: what is in trouble first, what is over last. Of one that was approved, for how long it had waited for that: the clock
    /// counts from there.
    pub(super) fn of(id: i64, begins: &CaseBegins, jobs: &[JobProgress], daemon_runs: bool, times: &LocalTimes) -> Self {
        let mut parts: Vec<(u8, String, String)> = jobs.iter().map(|job| at_target(job, daemon_runs, times)).collect();
        parts.sort_by_key(|(rank, ..)| *rank);
        if parts.is_empty() {
            parts.push((0, "waits for the daemon".to_owned(), "waits for the daemon".to_owned()));
        }
        let of = |part: fn(&(u8, String, String)) -> &str| {
            let parts: Vec<&str> = parts.iter().map(part).collect();
            let approved = if begins.is_by_approval() {
                format!(", approved {} after the signal", coarse(begins.at.since(begins.received_at)))
            } else {
                String::new()
            };
            format!("case {id}{approved} · {}", parts.join(" · "))
        };
        Self {
            change: of(|(_, change, _)| change),
            text: of(|(.., text)| text),
        }
    }
}

/// Where the work of a case stands that is not over, at each target: what is in trouble first; and whether any of it is at work.
pub(in crate::cli) fn unended(jobs: &[JobProgress], times: &LocalTimes) -> (Vec<String>, bool) {
    let open = || {
        jobs.iter()
            .filter(|job| matches!(job.state.as_str(), "scheduled" | "queued" | "running"))
    };
    let mut parts: Vec<(u8, String, String)> = open().map(|job| at_target(job, true, times)).collect();
    parts.sort_by_key(|(rank, ..)| *rank);
    let at_work = open().any(|job| job.state == "running" && waits_for_calls(job, times).is_none());
    (parts.into_iter().map(|(.., text)| text).collect(), at_work)
}

/// Where the work of a case that is not over stands at one target.
pub(super) fn stands(target: &str, jobs: &[JobProgress], times: &LocalTimes) -> Option<String> {
    let of_it = |job: &&JobProgress| job.target == target && matches!(job.state.as_str(), "scheduled" | "queued" | "running");
    jobs.iter().find(of_it).map(|job| at_target(job, true, times).2)
}

/// What a job at work has no call for: the target allows none yet, or those of more urgent jobs leave first. What tells a change, and what
/// is shown.
fn waits_for_calls(job: &JobProgress, times: &LocalTimes) -> Option<(String, String)> {
    let target = plain(&job.target);
    if let Some(at) = job.next_permit_at.filter(|at| *at > times.now()) {
        let wait = coarse(at.since(times.now()));
        return Some((
            format!("{target} waits for a permit"),
            format!("{target} waits for a permit, next in {wait}"),
        ));
    }
    (job.more_urgent > 0 && !job.acted).then(|| behind(&target, job.more_urgent))
}

/// That more urgent work comes first.
fn behind(target: &str, more_urgent: i64) -> (String, String) {
    (
        format!("{target} waits behind more urgent work"),
        format!("{target} waits behind {more_urgent} more urgent"),
    )
}

/// What an attempt does, as far as is recorded, and for how long nothing more was: what tells a change, and what is shown.
fn doing(job: &JobProgress, times: &LocalTimes) -> (String, String) {
    let what = if job.acted { "ending and proving" } else { "looking" };
    let quiet = job
        .silent_since
        .map(|since| times.now().since(since))
        .filter(|quiet| *quiet >= QUIET);
    let Some(quiet) = quiet else {
        return (what.to_owned(), what.to_owned());
    };
    // Whether it has left is not on record, nor is an answer.
    let what = match &job.intended {
        Some(intended) => {
            let first = fit_words(&plain(&intended.to_string()), Some(QUOTED));
            match job.intents {
                0 | 1 => format!("to {first}"),
                intents => format!("to {first} and {} more", intents - 1),
            }
        }
        None => what.to_owned(),
    };
    (
        format!("{what}, no answer on record yet"),
        format!("{what}, no answer on record for {}", coarse(quiet)),
    )
}

/// How much it matters, what tells a change, and what is shown. The cause stands before the attempt: it is not what a narrow screen cuts.
fn at_target(job: &JobProgress, daemon_runs: bool, times: &LocalTimes) -> (u8, String, String) {
    let target = plain(&job.target);
    // Of an attempt that waits it is how many were made, of one at work which it is.
    let tried = match (job.attempt, job.state.as_str()) {
        (0, _) | (1, "running") => String::new(),
        (n, "running") => format!(" (attempt {n})"),
        (n, _) => format!(" (after attempt {n})"),
    };
    let plainly = |rank: u8, text: String| (rank, text.clone(), text);
    let wait = |at: Option<Timestamp>| at.filter(|at| *at > times.now()).map(|at| coarse(at.since(times.now())));
    let next = wait(job.due).map(|wait| format!("next in {wait}"));
    let is_waiting = matches!(job.state.as_str(), "scheduled" | "queued" | "running");
    if is_waiting && !daemon_runs {
        // Nobody is at it, whatever its row says.
        return plainly(0, format!("{target} waits: the daemon does not run"));
    }
    if let Some(why) = job.stopped.as_ref().filter(|_| is_waiting) {
        // No number: an attempt at a target that is away is given back, and would count up and down.
        let change = stopped(&target, why, times);
        let text = match (job.state.as_str(), next) {
            ("running", _) => format!("{change}, asked again now"),
            (_, Some(next)) => format!("{change}, {next}"),
            (_, None) => change.clone(),
        };
        return (0, change, text);
    }
    match job.state.as_str() {
        "scheduled" => match &job.error {
            Some(error) if job.attempt > 0 => {
                let cause = format!("{target}: {}", quoted(error));
                let next = next.unwrap_or_else(|| "next at once".to_owned());
                let change = format!("{cause}; attempt {}", job.attempt);
                (0, change, format!("{cause}; attempt {}, {next}", job.attempt))
            }
            _ => match job.due {
                Some(due) if due.since(times.now()).as_secs() > 60 => {
                    plainly(2, format!("{target} waits until {}", times.time(due)))
                }
                _ => plainly(2, format!("{target} waits for its next look")),
            },
        },
        "queued" => match (job.more_urgent, job.before) {
            (0, 0) => plainly(2, format!("{target} waits for its turn{tried}")),
            (0, before) => (
                2,
                format!("{target} waits for its turn"),
                format!("{target} waits for its turn, {before} before it{tried}"),
            ),
            (more_urgent, _) => {
                let (change, text) = behind(&target, more_urgent);
                (2, change, format!("{text}{tried}"))
            }
        },
        "running" => match (waits_for_calls(job, times), &job.error) {
            (Some((change, text)), _) => (1, change, format!("{text}{tried}")),
            // Until this attempt has come further than the last one, that one's cause is all that is known.
            (None, Some(error)) if job.attempt > 1 => {
                plainly(0, format!("{target}: {}; attempt {} at work", quoted(error), job.attempt))
            }
            (None, _) => {
                let (change, text) = doing(job, times);
                (2, format!("{target}: {change}{tried}"), format!("{target}: {text}{tried}"))
            }
        },
        "held" => match &job.kept_back {
            Some((batch, _)) => plainly(0, format!("{target} waits: batch {batch} is paused")),
            None => plainly(1, format!("{target} is held")),
        },
        "cancelled" => plainly(3, format!("{target} was cancelled")),
        state => {
            let rank = if state == "failed" { 0 } else { 3 };
            let verdict = job.verdict.as_deref().unwrap_or(state).replace('_', " ");
            plainly(rank, format!("{target}: {verdict}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Stopped;

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
            kept_back: None,
            next_permit_at: None,
            before: 0,
            more_urgent: 0,
            silent_since: None,
            intended: None,
            intents: 0,
        }
    }

    /// Of a case whose signal was received and nothing else.
    const BEGINS: CaseBegins = CaseBegins {
        received_at: Timestamp::from_ms(NOW - 60_000),
        at: Timestamp::from_ms(NOW - 60_000),
        approved_at: None,
    };

    fn progress(begins: &CaseBegins, jobs: &[JobProgress]) -> ProgressLine {
        ProgressLine::of(6, begins, jobs, true, &LocalTimes::at(Timestamp::from_ms(NOW)))
    }

    fn line(jobs: &[JobProgress]) -> String {
        progress(&BEGINS, jobs).text
    }

    #[test]
    fn behind_more_urgent_work_it_waits_and_looks_at_nothing() {
        for state in ["queued", "running"] {
            let behind = |more_urgent| JobProgress {
                more_urgent,
                before: 9,
                attempt: u32::from(state == "running"),
                ..job(state)
            };
            assert_eq!(line(&[behind(5)]), "case 6 · chat waits behind 5 more urgent", "{state}");
            assert_eq!(
                progress(&BEGINS, &[behind(5)]).change,
                progress(&BEGINS, &[behind(4)]).change,
                "how many is no change"
            );
        }
        let acting = JobProgress {
            more_urgent: 5,
            acted: true,
            ..job("running")
        };
        assert_eq!(line(&[acting]), "case 6 · chat: ending and proving");
    }

    #[test]
    fn of_an_attempt_that_hangs_it_is_said_since_when_nothing_is_recorded_and_what_is_intended() {
        let quiet = |seconds: i64, intended: Option<crate::model::Action>| JobProgress {
            intents: if intended.is_some() { 3 } else { 0 },
            silent_since: Some(Timestamp::from_ms(NOW - seconds * 1000)),
            intended,
            ..job("running")
        };
        assert_eq!(line(&[quiet(1, None)]), "case 6 · chat: looking");
        assert_eq!(
            line(&[quiet(14, None)]),
            "case 6 · chat: looking, no answer on record for 14 s"
        );
        assert_eq!(
            line(&[quiet(14, Some(crate::model::Action::EndAllSessions))]),
            "case 6 · chat: to end all sessions and 2 more, no answer on record for 14 s"
        );
        assert_eq!(
            progress(&BEGINS, &[quiet(14, None)]).change,
            progress(&BEGINS, &[quiet(15, None)]).change
        );
    }

    #[test]
    fn how_long_it_waited_for_its_approval_stands_beside_the_clock() {
        let approved = Timestamp::from_ms(NOW - 12_000);
        let begins = CaseBegins {
            received_at: Timestamp::from_ms(NOW - 10_812_000),
            at: approved,
            approved_at: Some(approved),
        };
        assert_eq!(
            progress(&begins, &[job("running")]).text,
            "case 6, approved 3 h after the signal · chat: looking"
        );
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
            "case 6 · chat: the target does not answer; attempt 2, next in 4 s"
        );
    }

    const TIMED_OUT: &str =
        "looking up u…3@example.test: no answer from http://127.0.0.1:8065: error sending request: operation timed out";

    #[test]
    fn an_attempt_at_a_target_that_hangs_says_what_the_one_before_came_to() {
        let hangs = JobProgress {
            attempt: 3,
            acted: true,
            error: Some(TIMED_OUT.to_owned()),
            ..job("running")
        };
        assert_eq!(line(&[hangs]), "case 6 · chat: no answer (timed out); attempt 3 at work");
    }

    #[test]
    fn a_target_that_is_away_says_since_when_and_counts_no_attempts() {
        let away = |state: &str, attempt, due: Option<i64>| JobProgress {
            attempt,
            due: due.map(Timestamp::from_ms),
            error: Some(TIMED_OUT.to_owned()),
            stopped: Some(Stopped::Down {
                why: TIMED_OUT.to_owned(),
                since: Some(Timestamp::from_ms(NOW - 1000)),
            }),
            ..job(state)
        };
        let since = LocalTimes::at(Timestamp::from_ms(NOW)).time(Timestamp::from_ms(NOW - 1000));
        let waits = line(&[away("scheduled", 2, Some(NOW + 4_000))]);
        assert_eq!(
            waits,
            format!("case 6 · chat: no answer since {since} (timed out), next in 4 s")
        );
        let asked = line(&[away("running", 3, None)]);
        assert_eq!(
            asked,
            format!("case 6 · chat: no answer since {since} (timed out), asked again now")
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
            stopped: Some(Stopped::Refused {
                why: "it refuses our token".to_owned(),
                since: None,
            }),
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
        let of = |seconds| progress(&BEGINS, &[waits(seconds)]);
        assert_eq!(of(9).change, of(8).change);
        assert_ne!(of(9).text, of(8).text);
    }
}
