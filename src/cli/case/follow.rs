//! Follows a case until it is over, held or called off, with one line about how far it is.

use std::time::Duration;

use tokio::time::Instant;

use super::progress_line::ProgressLine;
use crate::cli::output::{LiveLine, LocalTimes};
use crate::store::{CaseView, JobProgress, Store, daemon_runs};

/// How often a case is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many looks there are to one at its jobs.
const LOOKS: u32 = 4;

/// How following a case ended.
pub(in crate::cli) enum Followed {
    /// It waits for nothing but a human.
    Over(CaseView),
    /// The time given was not enough; or what it waits for lies beyond it.
    NotOver(CaseView),
    /// Whoever followed it has had enough.
    Interrupted,
}

/// Follows a case until `deadline`, or as long as it takes.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn follow(
    store: &Store,
    case: i64,
    deadline: Option<Instant>,
    live: &mut LiveLine,
) -> anyhow::Result<Followed> {
    let mut interrupt = interrupted()?;
    // The clock is the work's and not the looking's.
    let begins = store.case_begins(case).await?;
    let mut looks = 0;
    loop {
        let view = store.case(case).await?;
        if view.state != "open" {
            live.clear();
            return Ok(Followed::Over(view));
        }
        if looks % LOOKS == 0 {
            let now = store.clock().now();
            let jobs = store.case_progress(case).await?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| waits_longer(&jobs, now.plus(left))) {
                live.clear();
                return Ok(Followed::NotOver(view));
            }
            let shown = ProgressLine::of(case, &begins, &jobs, daemon_runs(store.path()), &LocalTimes::at(now));
            live.show(&shown.change, &shown.text, now.since(begins.at));
        }
        looks += 1;
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            live.clear();
            return Ok(Followed::NotOver(view));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = interrupt.recv() => {
                live.clear();
                return Ok(Followed::Interrupted);
            }
        }
    }
}

/// Ctrl-C, from now on: it ends the looking and not the work.
///
/// # Errors
/// Where the system does not tell of it.
pub(in crate::cli) fn interrupted() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

/// Whether a case does nothing before `until` but wait for its day.
pub(in crate::cli) fn waits_longer(jobs: &[JobProgress], until: crate::model::Timestamp) -> bool {
    let waits = |job: &JobProgress| {
        job.state == "scheduled"
            && job.attempt == 0
            && !job.acted
            && job.error.is_none()
            && job.stopped.is_none()
            && job.due > Some(until)
    };
    let mut open = jobs
        .iter()
        .filter(|job| !matches!(job.state.as_str(), "done" | "failed" | "cancelled"));
    !jobs.is_empty() && open.clone().next().is_some() && open.all(waits)
}
