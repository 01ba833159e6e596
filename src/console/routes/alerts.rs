//! Alerts: what needs somebody.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Json, Number, Page, Path, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::Alert;

/// Which alerts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The cleared ones too, the newest 200.
    #[serde(default)]
    all: bool,
}

/// Open alerts, the newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts", params(Which), responses((status = 200, body = Page<Alert>)))]
pub(super) async fn list(State(console): State<Console>, Query(which): Query<Which>) -> Result<Answer<Page<Alert>>, Refusal> {
    Ok(Answer(Page::whole(console.store.alerts(which.all).await?)))
}

/// What is said to an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledgement {
    /// What is done about it.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Clears an alert that has been dealt with.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/clearance", tag = "alerts", operation_id = "clear_alert",
    params(("id" = Number, Path)), request_body = Acknowledgement, responses((status = 204)))]
pub(super) async fn clear(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(said): Json<Acknowledgement>,
) -> Result<StatusCode, Refusal> {
    let note = super::note(said.note.as_deref())?;
    console.store.clear_alerts(vec![id], caller.operator, note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that somebody looks after it. It stays open, and needs nobody else until it is raised anew.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledgement", tag = "alerts", operation_id = "acknowledge_alert",
    params(("id" = Number, Path)), request_body = Acknowledgement, responses((status = 204)))]
pub(super) async fn acknowledge(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(said): Json<Acknowledgement>,
) -> Result<StatusCode, Refusal> {
    let note = super::note(said.note.as_deref())?;
    console.store.acknowledge_alerts(vec![id], caller.operator, note).await?;
    Ok(StatusCode::NO_CONTENT)
}
