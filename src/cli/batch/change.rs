//! `revoked batch pause`, `resume` and `cancel`.

use std::io::IsTerminal as _;

use crate::cli::output::{hanging, json, line, line_typed};
use crate::cli::store::operator;
use crate::cli::{Exit, UsageError};
use crate::store::{Store, daemon_runs, id_of_batch};

pub(super) async fn pause(store: &Store, key: &str, note: String, as_json: bool) -> anyhow::Result<Exit> {
    let id = id_of_batch(key);
    let note = said(&note)?;
    let paused = store.pause_batch(key, operator(), note).await?;
    if as_json {
        json(&serde_json::json!({ "batch": id, "paused": paused }))?;
        return Ok(Exit::Ok);
    }
    line(format!(
        "batch {id} is paused: {} of it {}",
        counted(paused.cases + paused.new, "case"),
        if paused.cases + paused.new == 1 { "waits" } else { "wait" }
    ))?;
    if paused.at_work > 0 {
        hanging(&format!(
            "what is at work ends as it would: {}",
            counted(paused.at_work, "job")
        ))?;
    }
    if paused.go_on > 0 {
        hanging(&format!(
            "{} on, since others have asked for them too",
            match paused.go_on {
                1 => "1 case goes".to_owned(),
                count => format!("{count} cases go"),
            }
        ))?;
    }
    hanging(&format!("to let it go on: revoked batch resume {id}"))?;
    hanging(&format!("to call the rest off: revoked batch cancel {id} --note WHY"))?;
    Ok(Exit::Ok)
}

pub(super) async fn resume(store: &Store, key: &str, note: Option<String>, as_json: bool) -> anyhow::Result<Exit> {
    let id = id_of_batch(key);
    let cases = store.resume_batch(key, operator(), note).await?;
    if as_json {
        json(&serde_json::json!({ "batch": id, "cases": cases }))?;
        return Ok(Exit::Ok);
    }
    let daemon = if daemon_runs(store.path()) {
        ""
    } else {
        " once the daemon runs"
    };
    line(format!("batch {id} goes on{daemon}: {cases} cases"))?;
    hanging(&format!("to follow it: revoked batch show {id} --follow"))?;
    Ok(Exit::Ok)
}

pub(super) async fn cancel(store: &Store, key: &str, note: &str, yes: bool, as_json: bool) -> anyhow::Result<Exit> {
    let id = id_of_batch(key);
    let note = said(note)?;
    if !yes {
        confirm(store, key, &id, as_json).await?;
    }
    let off = store.cancel_batch(key, &operator(), &note, None).await?;
    if as_json {
        json(&serde_json::json!({ "batch": id, "cases": off.cases, "left": off.left }))?;
        return Ok(Exit::Ok);
    }
    line(format!(
        "{} of batch {id} {} called off; what was done stays done",
        counted(i64::try_from(off.cases).unwrap_or(i64::MAX), "case"),
        if off.cases == 1 { "is" } else { "are" }
    ))?;
    hanging(&format!("what came of each: revoked batch report {id}"))?;
    Ok(Exit::Ok)
}

/// Has it confirmed at a terminal, by the number of cases.
async fn confirm(store: &Store, key: &str, id: &str, as_json: bool) -> anyhow::Result<()> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) || as_json {
        return Err(UsageError("nothing was called off, since nobody has confirmed it; --yes does".to_owned()).into());
    }
    let left = store.unfinished_of_batch(key).await?.len();
    line(format!("{left} cases of batch {id} have not ended"))?;
    let typed = line_typed("type the number of cases to call them off: ")?;
    if typed.trim() == left.to_string() {
        return Ok(());
    }
    Err(UsageError(format!("{left} was not typed: nothing was called off")).into())
}

/// A reason that says something.
fn said(note: &str) -> Result<String, UsageError> {
    let note = note.trim();
    if note.is_empty() {
        return Err(UsageError("say why with --note".to_owned()));
    }
    Ok(note.to_owned())
}

fn counted(count: i64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
