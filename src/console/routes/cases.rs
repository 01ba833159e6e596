//! Cases: what follows from signals about one person.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Number, Page, Path, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{CalledOff, CaseDetail, CaseFilter, CaseView, login_of};

/// Which cases are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only this state: `open`, `held`, `closed` or `cancelled`.
    state: Option<String>,
    /// Only this verdict.
    verdict: Option<String>,
    /// Only those with work at this target.
    target: Option<String>,
    /// Only what this source brought.
    source: Option<String>,
    /// Only those older than this one: the member `next` of the page before.
    #[param(value_type = Option<Number>)]
    before: Option<Number>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// Cases, the newest first.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases", operation_id = "list_cases", params(Which), responses((status = 200, body = Page<CaseView>)))]
pub(super) async fn list(State(console): State<Console>, Query(which): Query<Which>) -> Result<Answer<Page<CaseView>>, Refusal> {
    let limit = super::page_size(which.limit)?;
    let filter = CaseFilter {
        states: which.state.into_iter().collect(),
        verdicts: which.verdict.into_iter().collect(),
        target: which.target,
        source: which.source,
        before: which.before.map(|before| before.0),
        limit: limit + 1,
        ..CaseFilter::default()
    };
    let listed = console.store.find_cases(&filter).await?;
    Ok(Answer(Page::cut(listed, limit, |case| case.id)))
}

/// One case with all that belongs to it.
#[utoipa::path(get, path = "/api/v1/cases/{id}", tag = "cases", operation_id = "show_case", params(("id" = Number, Path)),
    responses((status = 200, body = CaseDetail)))]
pub(super) async fn show(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
) -> Result<Answer<CaseDetail>, Refusal> {
    let detail = console.store.case_detail(id).await?;
    console.note_read(&caller, "GET /api/v1/cases/{id}", vec![id]).await;
    Ok(Answer(detail))
}

/// What is written beside a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    /// The note.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// The number of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// Its number.
    id: i64,
}

/// Writes a note beside a case.
#[utoipa::path(post, path = "/api/v1/cases/{id}/notes", tag = "cases", operation_id = "note_case", params(("id" = Number, Path)),
    request_body = NewNote, responses((status = 201, body = Made)))]
pub(super) async fn note(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(new): Json<NewNote>,
) -> Result<(StatusCode, Answer<Made>), Refusal> {
    let note = super::text("note", &new.note, super::LONGEST_NOTE)?;
    let id = console.store.note_case(id, note, caller.operator).await?;
    Ok((StatusCode::CREATED, Answer(Made { id })))
}

/// Why a case is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// The reason.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// Calls a case off: what has not begun does not, what is at work stops before its next change. What was done stays done.
#[utoipa::path(post, path = "/api/v1/cases/{id}/cancellation", tag = "cases", operation_id = "cancel_case",
    params(("id" = Number, Path)), request_body = Why, responses((status = 200, body = CalledOff)))]
pub(super) async fn cancel(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(why): Json<Why>,
) -> Result<Answer<CalledOff>, Refusal> {
    let note = super::text("note", &why.note, super::LONGEST_NOTE)?;
    Ok(Answer(console.store.call_off(id, caller.operator, Some(note)).await?))
}

/// Who is to look after a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOwner {
    /// The login of whoever looks after it; yours without it.
    #[schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9._-]+$")]
    to: Option<String>,
    /// Nobody looks after it any more; without `to`.
    #[serde(default)]
    nobody: bool,
}

/// Who looks after a case.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Assigned {
    /// The case.
    case: i64,
    /// Who looks after it; nobody where there is nothing.
    owner: Option<String>,
    /// Who did before.
    before: Option<String>,
}

/// Says who looks after a case. The same again changes nothing.
#[utoipa::path(post, path = "/api/v1/cases/{id}/assignment", tag = "cases", operation_id = "assign_case", params(("id" = Number, Path)),
    request_body = NewOwner, responses((status = 200, body = Assigned)))]
pub(super) async fn assign(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(new): Json<NewOwner>,
) -> Result<Answer<Assigned>, Refusal> {
    let owner = match (new.to, new.nobody) {
        (Some(_), true) => return Err(Refusal::meaningless("nobody: name somebody, or say that nobody does")),
        (None, true) => None,
        (Some(login), false) if revoked_trail::is_login(&login) => Some(login),
        (Some(_), false) => {
            return Err(Refusal::unreadable(
                "to: write a login: letters, digits and .-_ only, at most 32",
            ));
        }
        (None, false) => login_of(&caller.operator).map(str::to_owned),
    };
    let before = console.store.assign_case(id, owner.clone(), caller.operator).await?;
    Ok(Answer(Assigned { case: id, owner, before }))
}
