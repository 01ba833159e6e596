//! What people change about a case: a note beside it, who looks after it, that it is called off.

use crate::cli::output::{hanging, json, line, plain};
use crate::cli::store::operator;
use crate::cli::{Exit, UsageError};
use crate::store::{Store, login_of};

/// The longest note, in characters.
const LONGEST: usize = 2000;

/// Writes a note beside a case.
///
/// # Errors
/// Where there is nothing in it or too much, or no such case.
pub(super) async fn note(store: &Store, case: i64, text: String, as_json: bool) -> anyhow::Result<Exit> {
    let text = text.trim().to_owned();
    let length = text.chars().count();
    if length == 0 || length > LONGEST {
        return Err(UsageError(format!("a note has 1 to {LONGEST} characters, and this has {length}")).into());
    }
    let note = store.note_case(case, text, operator()).await?;
    if as_json {
        json(&serde_json::json!({ "case": case, "note": note }))?;
    } else {
        line(format!("note {note} is kept with case {case}"))?;
    }
    Ok(Exit::Ok)
}

/// Says who looks after a case: `to`, nobody, or whoever runs this.
///
/// # Errors
/// Where there is no such case.
pub(super) async fn assign(store: &Store, case: i64, to: Option<String>, nobody: bool, as_json: bool) -> anyhow::Result<Exit> {
    let by = operator();
    let oneself = || login_of(&by).map(str::to_owned);
    let owner = if nobody { None } else { to.or_else(oneself) };
    let before = store.assign_case(case, owner.clone(), by.clone()).await?;
    if as_json {
        json(&serde_json::json!({ "case": case, "owner": owner, "before": before }))?;
        return Ok(Exit::Ok);
    }
    let before = before
        .filter(|before| owner.as_ref() != Some(before))
        .map_or(String::new(), |before| format!("; before it was {}", plain(&before)));
    line(format!(
        "case {case} is looked after by {}{before}",
        owner.as_deref().map_or_else(|| "nobody".to_owned(), plain)
    ))?;
    Ok(Exit::Ok)
}

/// Calls a case off, and says how access is given back where some was taken.
///
/// # Errors
/// Where nothing of it is to come, or there is no such case.
pub(super) async fn cancel(store: &Store, case: i64, note: String, as_json: bool) -> anyhow::Result<Exit> {
    let ended = store.call_off(case, operator(), Some(note)).await?;
    let detail = store.case_detail(case).await?;
    let suspended = !store.releasable(case).await?.is_empty();
    let acted = !detail.actions.is_empty();
    if as_json {
        let mut answer = serde_json::to_value(ended)?;
        if let Some(members) = answer.as_object_mut() {
            members.insert("acted".to_owned(), acted.into());
            members.insert("releasable".to_owned(), suspended.into());
        }
        json(&answer)?;
        return Ok(Exit::Ok);
    }
    let at_work = match ended.stopping {
        0 => None,
        1 => Some("1 job at work stops before its next change".to_owned()),
        count => Some(format!("{count} jobs at work stop before their next change")),
    };
    let cancelled = match ended.cancelled {
        0 => None,
        1 => Some("1 job is cancelled".to_owned()),
        count => Some(format!("{count} jobs are cancelled")),
    };
    let ended_with_it: Vec<String> = cancelled.into_iter().chain(at_work).collect();
    hanging(&format!("case {case} is called off: {}", ended_with_it.join("; ")))?;
    line(if suspended {
        format!("an account stays suspended; to give it back: revoked release {case}")
    } else if acted || ended.stopping > 0 {
        format!("what was done stays done: revoked case show {case}")
    } else {
        "nothing had been done, so nothing is to be given back".to_owned()
    })?;
    Ok(Exit::Ok)
}
