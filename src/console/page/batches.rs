//! Batches: lists of people that were asked for as one, the newest first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, link, number};
use super::batch_bar::{Bar, Counted};
use super::words::{Frame, Mark, Moment, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::policy::BUILT_IN;
use crate::store::BatchView;

/// How many a page has.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "batches.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    /// What may be said why.
    reasons: Vec<&'static str>,
    batches: Vec<Line>,
    older: Option<String>,
}

/// One of them, for the page of what needs somebody now too.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) state: Mark,
    pub(super) people: i64,
    pub(super) ended: i64,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) note: String,
    pub(super) asked: Moment,
    pub(super) counted: Vec<Counted>,
    pub(super) bar: Bar,
}

impl Line {
    pub(super) fn new(batch: &BatchView, now: Timestamp) -> Self {
        let progress = &batch.progress;
        Self {
            id: batch.request.batch.clone(),
            state: Mark::new(super::batch_bar::stands(progress)),
            people: progress.people,
            ended: progress.ended(),
            reason: visible(&batch.request.reason),
            by: visible(&batch.request.requested_by),
            note: batch.request.note.as_deref().map_or(String::new(), visible),
            asked: Moment::new(batch.request.asked_at, now),
            counted: Counted::of(progress),
            bar: Bar::of(progress),
        }
    }
}

/// From where on.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    before: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let before = number("before", asked.before.as_ref())?;
    let mut batches = console.store.batches(before, SHOWN + 1).await?;
    let is_cut = batches.len() > SHOWN;
    batches.truncate(SHOWN);
    let older = batches.last().filter(|_| is_cut).map(|batch| {
        let before = batch.request.asked_at.ms().to_string();
        link("/batches", &[("before", Some(before.as_str()))])
    });
    render(&Page {
        frame: Frame::new("Batches", &caller, form_token(&headers), now).at("/batches"),
        reasons: BUILT_IN.iter().map(|reason| reason.word()).collect(),
        batches: batches.iter().map(|batch| Line::new(batch, now)).collect(),
        older,
    })
}
