//! Targets: how each stands, and an operator's pause of one.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Json, Page, Path};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{Listed, TargetState};

/// How every target stands, and what waits for it.
#[utoipa::path(get, path = "/api/v1/targets", tag = "targets", operation_id = "list_targets", responses((status = 200, body = Page<TargetState>)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Answer<Page<TargetState>>, Refusal> {
    let rows = console.store.target_states(&console.installation.targets).await?;
    Ok(Answer(Page::whole(Listed {
        rows,
        unreadable: Vec::new(),
    })))
}

/// Why a target is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyPaused {
    /// The reason, for whoever finds it paused.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// Sends nothing to a target until it is said otherwise: urgent work waits too, what is at work is cut off and gives its job back.
#[utoipa::path(post, path = "/api/v1/targets/{name}/pause", tag = "targets", operation_id = "pause_target",
    params(("name" = String, Path)), request_body = WhyPaused, responses((status = 204)))]
pub(super) async fn pause(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
    Json(why): Json<WhyPaused>,
) -> Result<StatusCode, Refusal> {
    let note = super::text("note", &why.note, super::LONGEST_NOTE)?;
    known(&console, &name)?;
    console.store.pause_target(&name, caller.operator, note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a target goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyResumed {
    /// The reason, for the trail.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Lets a paused target go on.
#[utoipa::path(post, path = "/api/v1/targets/{name}/resumption", tag = "targets", operation_id = "resume_target",
    params(("name" = String, Path)), request_body = WhyResumed, responses((status = 204)))]
pub(super) async fn resume(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
    Json(why): Json<WhyResumed>,
) -> Result<StatusCode, Refusal> {
    let note = super::note(why.note.as_deref())?;
    known(&console, &name)?;
    console.store.resume_target(&name, caller.operator, note).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn known(console: &Console, name: &str) -> Result<(), Refusal> {
    let targets = &console.installation.targets;
    if targets.iter().any(|target| target == name) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::NOT_FOUND,
        format!("no target is called {name:?}; there are: {}", targets.join(", ")),
    ))
}
