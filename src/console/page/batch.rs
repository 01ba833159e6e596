//! One batch: how far it is, about whom it did not go well, and what may be done about it.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;

use super::asked::said;
use super::batch_bar::{Bar, Counted, stands};
use super::words::{Frame, Mark, Moment, person, span, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::console::routes::{batch_key, batch_progress, cancel_batch, pause_batch, resume_batch};
use crate::model::Timestamp;
use crate::store::{BatchPerson, PeopleRead};

/// How many people a page names.
const NAMED: u32 = 200;

#[derive(Template)]
#[template(path = "batch.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    id: String,
    state: Mark,
    people: i64,
    ended: i64,
    unfinished: i64,
    facts: Vec<(&'static str, String)>,
    paused: Option<(String, Moment)>,
    counted: Vec<Counted>,
    bar: Bar,
    /// How many a minute, and how long the rest takes.
    pace: Option<(String, String)>,
    named: Vec<Line>,
    more: i64,
    may_pause: bool,
    may_call_off: bool,
}

struct Line {
    request: i64,
    person: String,
    case: Option<i64>,
    stands: Mark,
    why: String,
    hold: Option<i64>,
    first_revoke: Option<Moment>,
    contained: Option<Moment>,
}

impl Line {
    fn new(of: &BatchPerson, now: Timestamp) -> Self {
        Self {
            request: of.request,
            person: person(Some(&of.subject)),
            case: of.case,
            stands: Mark::new(of.verdict.as_deref().unwrap_or(&of.state)),
            why: of.why.as_deref().map_or(String::new(), visible),
            hold: of.hold,
            first_revoke: of.first_revoke_at.map(|at| Moment::new(at, now)),
            contained: of.contained_at.map(|at| Moment::new(at, now)),
        }
    }
}

pub(super) async fn show(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let key = batch_key(&id)?;
    let progress = batch_progress(&console, &key).await?;
    let request = console.store.batch_request(&key).await?;
    let named = console.store.batch_people(&key, NAMED).await?;
    let read = PeopleRead {
        cases: named.iter().filter_map(|person| person.case).collect(),
        people: named.len(),
        ..PeopleRead::new(caller.operator.clone(), "the page of a batch")
    };
    console.record_read(&read).await;
    let mut facts = vec![
        ("Reason", visible(&request.reason)),
        ("Asked for by", visible(&request.requested_by)),
        ("Asked for", Moment::new(request.asked_at, now).clock),
    ];
    for (name, value) in [
        ("Playbook", &request.playbook),
        ("Target", &request.target),
        ("Because", &request.note),
    ] {
        facts.extend(value.as_deref().map(|value| (name, visible(value))));
    }
    let pace = progress.pace.map(|pace| {
        let left = std::time::Duration::from_secs(u64::try_from(pace.left_s).unwrap_or_default());
        (format!("{:.1}", pace.per_minute), span(left))
    });
    render(&Page {
        frame: Frame::new("Batch", &caller, form_token(&headers), now),
        id,
        state: Mark::new(stands(&progress)),
        people: progress.people,
        ended: progress.ended(),
        unfinished: progress.unfinished,
        facts,
        paused: progress
            .paused
            .as_ref()
            .map(|pause| (visible(&pause.sentence()), Moment::new(pause.since, now))),
        counted: Counted::of(&progress),
        bar: Bar::of(&progress),
        pace,
        more: progress.people - i64::try_from(named.len()).unwrap_or_default(),
        named: named.iter().map(|person| Line::new(person, now)).collect(),
        may_pause: progress.paused.is_none() && progress.unfinished + progress.new > 0,
        may_call_off: progress.unfinished > 0 && progress.new == 0,
    })
}

/// Pauses it, for a reason that is typed.
pub(super) async fn pause(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let note = said(&headers, &body, true)?.unwrap_or_default();
    pause_batch(&console, &id, caller.operator, note).await?;
    Ok(to(&id))
}

/// Lets it go on, for a reason that is typed.
pub(super) async fn resume(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let note = said(&headers, &body, true)?;
    resume_batch(&console, &id, caller.operator, note).await?;
    Ok(to(&id))
}

/// Calls the rest off, for a reason that is typed. What takes too long for one request is left: the page says how much.
pub(super) async fn call_off(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let why = said(&headers, &body, true)?.unwrap_or_default();
    cancel_batch(&console, &id, &caller.operator, &why).await?;
    Ok(to(&id))
}

fn to(id: &str) -> Response {
    Redirect::to(&format!("/batches/{id}")).into_response()
}
