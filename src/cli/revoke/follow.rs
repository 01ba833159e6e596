//! What became of a request: that it is stored, or with `--wait` its verdict, as output and exit code.

use std::time::Duration;

use crate::cli::output::{json, line, plain, span};
use crate::cli::{Exit, case};
use crate::model::CaseId;
use crate::store::{CaseView, InboxAnswer, Store};

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Says what became of a request: that it is stored, or what came of it, where `patience` says how many seconds to wait.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn follow(store: &Store, row: i64, patience: Option<u64>, as_json: bool) -> anyhow::Result<Exit> {
    if let Some(patience) = patience {
        return wait(store, row, patience, as_json).await;
    }
    let running = crate::store::daemon_runs(store.path());
    if as_json {
        json(&serde_json::json!({ "request": row, "daemon_running": running }))?;
    } else {
        line(format!(
            "request {row} is stored{}",
            if running {
                ""
            } else {
                "; the daemon is not running and takes it up when it starts"
            }
        ))?;
    }
    Ok(Exit::Ok)
}

async fn wait(store: &Store, row: i64, patience: u64, as_json: bool) -> anyhow::Result<Exit> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(patience);
    let progress = progress(as_json);
    progress.set_message(format!("request {row}: waiting for the daemon"));
    let answer = loop {
        let answer = store.inbox_answer(row).await?;
        if answer.state != "new" {
            break answer;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(as_json, row, None, "the daemon has not taken the request up; is it running?");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let Some(CaseId(number)) = answer.case else {
        progress.finish_and_clear();
        return rejected(as_json, row, &answer);
    };
    let case = loop {
        let case = store.case(number).await?;
        progress.set_message(doing(&case));
        if !matches!(case.state.as_str(), "open") {
            break case;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(as_json, row, Some(number), "the case is still open; the work goes on");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    progress.finish_and_clear();
    let detail = store.case_detail(number).await?;
    if as_json {
        json(&detail)?;
    } else {
        case::show(&detail)?;
        case::show_delays(&detail, &store.observed_delays().await?)?;
    }
    Ok(match (case.state.as_str(), case.verdict.as_deref()) {
        ("held", _) => {
            if !as_json {
                line(format!("held: see revoked hold show {}", case.hold.unwrap_or(0)))?;
            }
            Exit::Held
        }
        ("closed", Some(verdict)) => Exit::of_verdict(verdict),
        _ => Exit::Rejected,
    })
}

fn progress(quiet: bool) -> indicatif::ProgressBar {
    // Hidden by itself where standard error is no terminal.
    let bar = if quiet {
        indicatif::ProgressBar::hidden()
    } else {
        indicatif::ProgressBar::new_spinner()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn doing(case: &CaseView) -> String {
    match case.first_revoke_at {
        Some(first) => format!(
            "case {}: first revoke after {}, proving",
            case.id,
            span(first.since(case.received_at))
        ),
        None => format!("case {}: looking", case.id),
    }
}

fn rejected(as_json: bool, row: i64, answer: &InboxAnswer) -> anyhow::Result<Exit> {
    let why = answer.why.clone().unwrap_or_default();
    if as_json {
        json(&serde_json::json!({ "request": row, "state": answer.state, "why": why }))?;
    } else {
        line(format!("request {row} was {}: {}", answer.state, plain(&why)))?;
    }
    Ok(Exit::Rejected)
}

fn not_over(as_json: bool, row: i64, case: Option<i64>, why: &str) -> anyhow::Result<Exit> {
    if as_json {
        json(&serde_json::json!({ "request": row, "case": case, "state": "waiting", "why": why }))?;
    } else {
        line(format!("request {row}: {why}"))?;
    }
    Ok(Exit::Waiting)
}
