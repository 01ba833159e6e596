//! Alerts: what needs somebody, and saying that one looks after it.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, given, link, said};
use super::words::{Frame, Moment, person, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::Alert;

/// How many alerts a page has.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "alerts.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    all: bool,
    alerts: Vec<Line>,
    older: Option<String>,
}

pub(super) struct Line {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) summary: String,
    subject: Option<String>,
    case: Option<i64>,
    pub(super) next: String,
    raised: Moment,
    pub(super) last: Moment,
    times: i64,
    /// By whom, when, and what was said.
    pub(super) acknowledged: Option<(String, Moment, String)>,
    /// By whom, and when.
    cleared: Option<(String, Moment)>,
}

impl Line {
    pub(super) fn new(alert: &Alert, now: Timestamp) -> Self {
        let by = |by: Option<&str>| visible(by.unwrap_or("somebody"));
        Self {
            id: alert.id,
            kind: visible(&alert.kind.replace('_', " ")),
            summary: visible(&alert.summary_beside_next()),
            subject: alert.subject.as_deref().map(|subject| person(Some(subject))),
            case: alert.case,
            next: visible(&alert.next),
            raised: Moment::new(alert.raised_at, now),
            last: Moment::new(alert.last_at, now),
            times: alert.times,
            acknowledged: alert.acknowledged_at.map(|at| {
                let note = alert.acknowledged_note.as_deref().map_or(String::new(), visible);
                (by(alert.acknowledged_by.as_deref()), Moment::new(at, now), note)
            }),
            cleared: alert
                .cleared_at
                .map(|at| (by(alert.cleared_by.as_deref()), Moment::new(at, now))),
        }
    }

    /// Whether somebody is to say that they look after it.
    const fn needs_somebody(&self) -> bool {
        self.acknowledged.is_none() && self.cleared.is_none()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The cleared ones too.
    all: Option<String>,
    /// Behind which one: when it was last raised, and its number.
    behind: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let all = given(asked.all.as_ref()).is_some();
    let behind = given(asked.behind.as_ref()).map(place).transpose()?;
    let limit = u32::try_from(SHOWN).unwrap_or(u32::MAX);
    let mut alerts = console.store.alerts_behind(all, behind, limit + 1).await?.rows;
    let is_cut = alerts.len() > SHOWN;
    alerts.truncate(SHOWN);
    let last = alerts.last().filter(|_| is_cut);
    let last = last.map(|alert| format!("{}-{}", alert.last_at.ms(), alert.id));
    render(&Page {
        frame: Frame::new("Alerts", &caller, form_token(&headers), now).at("/alerts"),
        all,
        older: last.map(|last| link("/alerts", &[("all", all.then_some("1")), ("behind", Some(&last))])),
        alerts: alerts.iter().map(|alert| Line::new(alert, now)).collect(),
    })
}

/// The place of an alert in the list.
fn place(text: &str) -> Result<(Timestamp, i64), Refusal> {
    let parts = text.split_once('-');
    let place = parts.and_then(|(at, id)| Some((Timestamp::from_ms(at.parse().ok()?), id.parse().ok()?)));
    place.ok_or_else(|| Refusal::unreadable(format!("behind: {text:?} is no place of this list")))
}

pub(super) async fn acknowledge(
    State(console): State<Console>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let note = said(&headers, &body, false)?;
    console.store.acknowledge_alerts(vec![id], caller.operator, note).await?;
    Ok(Redirect::to("/alerts").into_response())
}
