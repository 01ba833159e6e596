//! Release: undoing a suspension that a case has made, about exactly what a rehearsal has shown.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Number, Path, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::worker::{ReleasePlan, Unreleasable};

/// Where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// Only at this target.
    #[param(max_length = 64)]
    target: Option<String>,
}

/// What undoing a case's suspension would bring back to life, with the hash that the release must name. The targets are asked; nothing is changed.
#[utoipa::path(get, path = "/api/v1/cases/{id}/release", tag = "cases", operation_id = "rehearse_release", params(("id" = Number, Path), At),
    responses((status = 200, body = ReleasePlan)))]
pub(super) async fn rehearse(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    Query(at): Query<At>,
) -> Result<Answer<ReleasePlan>, Refusal> {
    Ok(Answer(plan(&console, id, at.target.as_deref()).await?))
}

/// A release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRelease {
    /// The hash of what was shown: a release of anything else is refused.
    #[schema(min_length = 16, max_length = 16, pattern = "^[0-9a-f]{16}$")]
    set: String,
    /// Only at this target, where only that was shown.
    #[schema(max_length = 64)]
    target: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// A release that is queued.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Released {
    /// The case.
    case: i64,
    /// The jobs that do it.
    jobs: Vec<i64>,
}

/// Undoes exactly what was shown. What came of it stands in the case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/release", tag = "cases", operation_id = "release_case", params(("id" = Number, Path)),
    request_body = NewRelease, responses((status = 202, body = Released)))]
pub(super) async fn release(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(new): Json<NewRelease>,
) -> Result<(StatusCode, Answer<Released>), Refusal> {
    let note = super::text("note", &new.note, super::LONGEST_NOTE)?;
    let plan = plan(&console, id, new.target.as_deref()).await?;
    if plan.set != new.set {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            format!(
                "what would come back to life, or who else asks for the suspension, is another set now ({}): look again",
                plan.set
            ),
        ));
    }
    let jobs = console
        .store
        .release(id, plan.into_requests(), caller.operator, Some(note))
        .await?;
    Ok((StatusCode::ACCEPTED, Answer(Released { case: id, jobs })))
}

async fn plan(console: &Console, case: i64, target: Option<&str>) -> Result<ReleasePlan, Refusal> {
    let asks = console.installation.reactivations.as_ref();
    ReleasePlan::of(&console.store, case, target, asks)
        .await
        .map_err(|error| match error {
            Unreleasable::Store(error) => error.into(),
            Unreleasable::Refused(why) => Refusal::new(StatusCode::CONFLICT, why),
            Unreleasable::Unasked(error) => Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("a target could not be asked: {error:#}"),
            ),
        })
}
