//! Asking for a list of people as one: pasted or from a file, shown and counted, and confirmed by its hash and the number that is typed.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::refused::reads_pages;
use super::words::{Frame, person, visible};
use super::{form_token, is_our_form, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::console::routes::{BatchPlan, NewBatch, People, submit_batch, was_read};
use crate::intake::PeopleList;

/// How many people are named where some of them are counted.
const NAMED: usize = 20;
/// How many bad lines are named.
const BAD_LINES: usize = 10;

#[derive(Template)]
#[template(path = "batch_asked.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    plan: Plan,
    /// Whom it is about, one a line.
    list: String,
    reason: String,
    note: String,
    /// Why what was just sent was not done.
    refused: String,
}

/// What it would do.
struct Plan {
    set: String,
    people: usize,
    playbook: String,
    targets: String,
    again: usize,
    at_once: usize,
    waits_whole: Option<String>,
    protected: Named,
    joins: Vec<(String, i64)>,
    joins_more: usize,
}

/// Some people, of whom the first are named.
struct Named {
    count: usize,
    first: Vec<String>,
}

impl Plan {
    fn new(plan: &BatchPlan, again: usize) -> Self {
        let protected = &plan.protected;
        Self {
            set: plan.set.clone(),
            people: plan.people,
            playbook: visible(&plan.playbook),
            targets: visible(&plan.targets.join(", ")),
            again: plan.again + again,
            at_once: plan.people - protected.len().min(plan.people),
            waits_whole: plan.waits_whole.as_deref().map(visible),
            protected: Named {
                count: protected.len(),
                first: protected.iter().take(NAMED).map(|subject| person(Some(subject))).collect(),
            },
            joins: plan
                .joins
                .iter()
                .take(NAMED)
                .map(|joins| (person(Some(&joins.subject)), joins.case))
                .collect(),
            joins_more: plan.joins.len().saturating_sub(NAMED),
        }
    }
}

/// A list as the form sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    form: String,
    list: String,
    reason: String,
    #[serde(default)]
    note: String,
}

/// What confirms it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    form: String,
    list: String,
    reason: String,
    #[serde(default)]
    note: String,
    set: String,
    count: String,
}

/// Shows what a list would do. Nothing is done.
pub(super) async fn rehearse(
    State(console): State<Console>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked = serde_urlencoded::from_bytes(&body).map_err(Refusal::unreadable)?;
    is_our_form(&headers, &asked.form)?;
    shown(&console, &caller, &headers, asked, String::new()).await
}

async fn shown(
    console: &Console,
    caller: &Caller,
    headers: &HeaderMap,
    asked: Asked,
    refused: String,
) -> Result<Response, Refusal> {
    let (people, again) = subjects(&asked.list)?;
    let (plan, people) = was_read(console, caller, &People::new(people, asked.reason.clone())).await?;
    let list: Vec<String> = people.iter().map(ToString::to_string).collect();
    let now = console.store.clock().now();
    render(&Page {
        frame: Frame::new("A list of people", caller, form_token(headers), now),
        plan: Plan::new(&plan, again),
        list: list.join("\n"),
        reason: asked.reason,
        note: asked.note,
        refused,
    })
}

/// Asks for exactly what was shown, where its number was typed.
pub(super) async fn submit(
    State(console): State<Console>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let confirmed: Confirmed = serde_urlencoded::from_bytes(&body).map_err(Refusal::unreadable)?;
    is_our_form(&headers, &confirmed.form)?;
    let refusal = match submitted(&console, &caller, &confirmed).await {
        Ok(batch) => return Ok(Redirect::to(&format!("/batches/{batch}")).into_response()),
        Err(refusal) => refusal,
    };
    let status = refusal.0.status();
    if !reads_pages(&headers) || !matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) {
        return Err(refusal);
    }
    // Shown once more as it would be now, with what was typed.
    let asked = Asked {
        form: confirmed.form,
        list: confirmed.list,
        reason: confirmed.reason,
        note: confirmed.note,
    };
    let mut again = shown(&console, &caller, &headers, asked, visible(refusal.0.detail())).await?;
    *again.status_mut() = status;
    Ok(again)
}

/// Answers the batch.
async fn submitted(console: &Console, caller: &Caller, confirmed: &Confirmed) -> Result<String, Refusal> {
    let (people, _) = subjects(&confirmed.list)?;
    if confirmed.count.trim() != people.len().to_string() {
        return Err(Refusal::unreadable(format!(
            "it is about {} people, and {:?} was typed: nothing was done",
            people.len(),
            confirmed.count
        )));
    }
    let people = People::new(people, confirmed.reason.clone());
    let new = NewBatch::new(people, confirmed.set.clone(), confirmed.note.clone());
    Ok(submit_batch(console, caller, new).await?.batch)
}

/// The people of a list, each once, and how many lines name somebody again.
fn subjects(list: &str) -> Result<(Vec<String>, usize), Refusal> {
    let read = PeopleList::read(list.as_bytes()).map_err(|bad| {
        let named: Vec<String> = bad.iter().take(BAD_LINES).map(|line| visible(&line.to_string())).collect();
        let more = bad.len().saturating_sub(BAD_LINES);
        let more = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        Refusal::meaningless(format!("the list: {}{more}. Nothing was done", named.join("; ")))
    })?;
    if read.people.is_empty() {
        return Err(Refusal::meaningless("the list: nobody stands in it"));
    }
    Ok((read.people.iter().map(ToString::to_string).collect(), read.again))
}
