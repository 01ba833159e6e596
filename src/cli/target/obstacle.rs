//! Why the work of a case waits: at a target that an operator has paused, that refuses us or is down, since its batch is paused, or since no
//! daemon runs.

use std::collections::BTreeSet;

use crate::cli::output::{LocalTimes, paragraph, plain};
use crate::store::{JobProgress, Stopped, Store, TargetPause, daemon_runs};

/// What keeps a job from going on, and what to type about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Obstacle {
    /// `chat is paused by anna: upgrade until 05:00`.
    pub(in crate::cli) why: String,
    /// `revoked target resume chat`.
    pub(in crate::cli) next: String,
}

/// What keeps a job from going on at its target; nothing where it is over, or at work.
fn obstacle(job: &JobProgress, daemon_runs: bool) -> Option<Obstacle> {
    if let Some((batch, pause)) = &job.kept_back {
        return Some(Obstacle {
            why: format!("batch {batch} is paused by {} ({})", plain(&pause.by), plain(&pause.note)),
            next: format!("revoked batch resume {batch}"),
        });
    }
    if !matches!(job.state.as_str(), "queued" | "scheduled" | "running") {
        return None;
    }
    if !daemon_runs {
        return Some(Obstacle {
            why: "the daemon does not run".to_owned(),
            next: "systemctl start revoked".to_owned(),
        });
    }
    // What is at work is: at a target that is down one job at a time tries.
    if job.state == "running" {
        return None;
    }
    let name = plain(&job.target);
    job.stopped.as_ref().map(|stopped| match stopped {
        Stopped::Paused(pause) => Obstacle {
            why: format!("{name} is paused {}", by(pause)),
            next: format!("revoked target resume {name}"),
        },
        Stopped::Refused { why, .. } => Obstacle {
            why: format!("{name} refuses us: {}", plain(why)),
            next: "revoked check".to_owned(),
        },
        Stopped::Down { .. } => Obstacle {
            why: format!("{name} does not answer"),
            next: "revoked target list".to_owned(),
        },
    })
}

/// The first thing that keeps a case from going on where none of its jobs is at work.
pub(in crate::cli) fn obstacle_of(store: &Store, jobs: &[JobProgress]) -> Option<Obstacle> {
    let runs = daemon_runs(store.path());
    let mut first = None;
    for job in jobs {
        let found = obstacle(job, runs);
        if job.state == "running" && found.is_none() {
            return None;
        }
        first = first.or(found);
    }
    first
}

/// Who and why, in short.
fn by(pause: &TargetPause) -> String {
    format!("by {} ({})", plain(&pause.by), plain(&pause.note))
}

/// Says of each of these targets what is in the way of sending it anything, in full.
///
/// # Errors
/// Where the store cannot be read, or standard output cannot be written.
pub(in crate::cli) async fn tell_stopped<'t>(store: &Store, targets: impl Iterator<Item = &'t str>) -> anyhow::Result<()> {
    let times = LocalTimes::at(store.clock().now());
    let targets: BTreeSet<&str> = targets.collect();
    for target in targets {
        let text = match store.stopped(target).await? {
            None => continue,
            Some(Stopped::Paused(pause)) => format!(
                "target {target} is paused since {} {}; its jobs wait: revoked target resume {target}",
                times.time(pause.since),
                pause.sentence(),
            ),
            Some(Stopped::Refused { why, .. }) => format!("target {target} refuses us, its jobs wait: {why}"),
            Some(Stopped::Down { why, .. }) => format!("target {target} does not answer, its jobs wait: {why}"),
        };
        paragraph(0, &text)?;
    }
    Ok(())
}
