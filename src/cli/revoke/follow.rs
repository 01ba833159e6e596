//! What became of a request: with `--wait` its verdict, and without what the daemon makes of it, as output and exit code.

use std::time::Duration;

use tokio::time::Instant;

use super::answer::{Waited, answered, goes_on, rejected, say};
use crate::cli::Exit;
use crate::cli::case::{self, Followed};
use crate::cli::output::{LiveLine, LocalTimes, Meaning, answer, json};
use crate::cli::target::obstacle_of;
use crate::model::CaseId;
use crate::store::{Store, daemon_runs};

/// How the answer is wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Wanted {
    /// For how many seconds to wait for the verdict; `None` to wait for the daemon's word alone.
    pub patience: Option<u64>,
    /// With what merely explains.
    pub explain: bool,
    /// As JSON.
    pub json: bool,
}

/// Says what became of a request.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn follow(store: &Store, row: i64, wanted: Wanted) -> anyhow::Result<Exit> {
    match wanted.patience {
        Some(patience) => wait(store, row, Duration::from_secs(patience), wanted).await,
        None => say(store, row, wanted.json).await,
    }
}

async fn wait(store: &Store, row: i64, patience: Duration, wanted: Wanted) -> anyhow::Result<Exit> {
    let deadline = Instant::now() + patience;
    let mut live = LiveLine::new(wanted.json);
    let answer = match answered(store, row, deadline, &mut live).await? {
        Waited::Answered(answer) => answer,
        Waited::Unanswered if daemon_runs(store.path()) => {
            return not_over(wanted.json, row, None, "the daemon has not taken it up yet (revoked status)");
        }
        Waited::Unanswered | Waited::Interrupted => return not_over(wanted.json, row, None, goes_on(store)),
    };
    let Some(CaseId(number)) = answer.case else {
        return rejected(wanted.json, row, &answer);
    };
    let followed = case::follow(store, number, Some(deadline), &mut live).await?;
    drop(live);
    match &followed {
        Followed::Over(_) => {}
        Followed::NotOver(case) => {
            let times = LocalTimes::at(store.clock().now());
            let why = if let Some(due) = case.due.filter(|due| *due > times.now() && case.first_revoke_at.is_none()) {
                format!(
                    "it waits until {} ({}) · revoked case cancel {number} --note WHY calls it off",
                    times.time(due),
                    times.away(due)
                )
            } else {
                still_open(store, number, &times).await?
            };
            return not_over(wanted.json, row, Some(number), &why);
        }
        Followed::Interrupted => {
            let why = format!("the work goes on; follow it: revoked case show {number} --follow");
            return not_over(wanted.json, row, Some(number), &why);
        }
    }
    let detail = store.case_detail(number).await?;
    if wanted.json {
        json(&detail)?;
    } else {
        case::show(store, &detail, wanted.explain).await?;
    }
    Ok(case::exit_of(&followed))
}

/// Where a case stands that was waited for in vain, and what to type.
async fn still_open(store: &Store, number: i64, times: &LocalTimes) -> anyhow::Result<String> {
    let jobs = store.case_progress(number).await?;
    if let Some(obstacle) = obstacle_of(store, &jobs) {
        return Ok(format!("still waits: {} · {}", obstacle.why, obstacle.next));
    }
    let (stands, _) = case::unended(&jobs, times);
    let stands = if stands.is_empty() {
        String::new()
    } else {
        format!(" ({})", stands.join("; "))
    };
    Ok(format!(
        "still open, and the work goes on{stands} · revoked case show {number} --follow"
    ))
}

fn not_over(as_json: bool, row: i64, case: Option<i64>, why: &str) -> anyhow::Result<Exit> {
    if as_json {
        json(&serde_json::json!({ "request": row, "case": case, "state": "waiting", "why": why }))?;
    } else {
        let what = case.map_or_else(|| format!("request {row}"), |case| format!("case {case}"));
        answer(Meaning::Waiting, "", &format!("{what}: {why}"))?;
    }
    Ok(Exit::Waiting)
}
