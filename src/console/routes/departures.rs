//! Departures: who leaves when, and calling one off.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Json, Number, Page, Path, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{DepartureDetail, DepartureFilter, DepartureView};

/// Which departures are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only in this state: `planned`, `held`, `blocked`, `executed`, `rescinded` or `cancelled`.
    state: Option<String>,
    /// Only of this source.
    source: Option<String>,
    /// Only of this person: one of their names, or `employee_id:` with HR's number.
    #[param(min_length = 1, max_length = 512)]
    subject: Option<String>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// Who leaves, the next first.
#[utoipa::path(get, path = "/api/v1/departures", tag = "departures", operation_id = "list_departures", params(Which),
    responses((status = 200, body = Page<DepartureView>)))]
pub(super) async fn list(
    State(console): State<Console>,
    Query(which): Query<Which>,
) -> Result<Answer<Page<DepartureView>>, Refusal> {
    let filter = DepartureFilter {
        state: which.state,
        source: which.source,
        person: which.subject.as_deref().map(super::subject).transpose()?,
        limit: super::page_size(which.limit)?,
        ..DepartureFilter::default()
    };
    Ok(Answer(Page::whole(console.store.departures(&filter).await?)))
}

/// One departure with its history.
#[utoipa::path(get, path = "/api/v1/departures/{id}", tag = "departures", operation_id = "show_departure", params(("id" = Number, Path)),
    responses((status = 200, body = DepartureDetail)))]
pub(super) async fn show(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
) -> Result<Answer<DepartureDetail>, Refusal> {
    Ok(Answer(console.store.departure(id).await?))
}

/// Why a departure is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyNot {
    /// The reason.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// Calls off what has not happened.
#[utoipa::path(post, path = "/api/v1/departures/{id}/cancellation", tag = "departures", operation_id = "cancel_departure",
    params(("id" = Number, Path)), request_body = WhyNot, responses((status = 204)))]
pub(super) async fn cancel(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(why): Json<WhyNot>,
) -> Result<StatusCode, Refusal> {
    let note = super::text("note", &why.note, super::LONGEST_NOTE)?;
    console.store.cancel_departure(id, caller.operator, note).await?;
    Ok(StatusCode::NO_CONTENT)
}
