//! One case: from the signal to the proof.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::now::CaseLine;
use super::words::{Frame, Moment, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Action, Timestamp};
use crate::store::CaseDetail;

#[derive(Template)]
#[template(path = "case.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    case: CaseLine,
    steps: Vec<Step>,
    notes: Vec<(String, String, Moment)>,
}

/// A step of the case, by the time at which it happened.
struct Step {
    at: Timestamp,
    when: Moment,
    what: String,
    said: String,
}

pub(super) async fn show(
    State(console): State<Console>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let detail = console.store.case_detail(id).await?;
    console.note_read(&caller, "the page of a case", vec![id]).await;
    render(&Page {
        frame: Frame::new(format!("Case {id}"), &caller, form_token(&headers), now),
        case: CaseLine::new(&detail.case, now),
        steps: steps(&detail, now),
        notes: detail
            .notes
            .iter()
            .map(|note| {
                (
                    visible(&note.note),
                    visible(&note.written_by),
                    Moment::new(note.written_at, now),
                )
            })
            .collect(),
    })
}

fn steps(detail: &CaseDetail, now: Timestamp) -> Vec<Step> {
    let step = |at: Timestamp, what: &str, said: String| Step {
        at,
        when: Moment::new(at, now),
        what: what.to_owned(),
        said: visible(&said),
    };
    let signals = detail.signals.iter().map(|signal| {
        let why = signal.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
        step(
            signal.received_at,
            "signal",
            format!("{} said {}; decision: {}{why}", signal.source, signal.reason, signal.decision),
        )
    });
    let actions = detail.actions.iter().map(|action| {
        let outcome = action.outcome.as_deref().unwrap_or("under way");
        let what = serde_json::from_value::<Action>(action.action.clone());
        let what = what.map_or_else(|_| action.action.to_string(), |action| action.to_string());
        step(action.started_at, "action", format!("{what}: {}", outcome.replace('_', " ")))
    });
    let verdicts = detail.jobs.iter().filter_map(|job| {
        let at = job.finished_at?;
        let what = if job.kind == "watch" { "sweep" } else { "verdict" };
        let said = job
            .verdict
            .as_ref()
            .map_or_else(|| job.state.clone(), |verdict| verdict.word().to_owned());
        Some(step(at, what, format!("{}: {said}", job.target)))
    });
    let mut steps: Vec<Step> = signals.chain(actions).chain(verdicts).collect();
    steps.sort_by_key(|step| step.at);
    steps
}
