//! Subjects: which names are one person's, and who is not known anywhere.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, Number, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{LinkOutcome, LinkedName, ScopedName, Unlinked, UnreadableRow, Unresolved};

/// How many names one person is linked by at once, and how many cases are dismissed.
const NAMES: usize = 50;
const CASES: usize = 1000;

/// Names that are one person's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLink {
    /// Two names or more, in the forms of `/api/v1/find`: an address, `username:…`, `employee_id:…`, `iss_sub:…`, `id:…` for an account's id.
    #[schema(min_items = 2, max_items = 50)]
    names: Vec<String>,
    /// The target whose account ids the `id:` names are.
    #[schema(max_length = 64)]
    target: Option<String>,
    /// Make two people one, with all their names.
    #[serde(default)]
    merge: bool,
}

/// Says that names are one person's. Cases about somebody whom no target knew are worked on again. The same again changes nothing.
#[utoipa::path(post, path = "/api/v1/subjects/links", tag = "people", operation_id = "link_names", request_body = NewLink,
    responses((status = 200, body = LinkOutcome)))]
pub(super) async fn link(
    State(console): State<Console>,
    caller: Caller,
    Json(new): Json<NewLink>,
) -> Result<Answer<LinkOutcome>, Refusal> {
    if !(2..=NAMES).contains(&new.names.len()) {
        return Err(Refusal::unreadable(format!("names: write from 2 to {NAMES}")));
    }
    if let Some(target) = &new.target {
        super::targets::known(&console, target)?;
    }
    let subjects = new
        .names
        .iter()
        .map(|name| super::subject(name))
        .collect::<Result<Vec<_>, _>>()?;
    let names = ScopedName::of_person(subjects, new.target.as_deref()).map_err(Refusal::meaningless)?;
    Ok(Answer(console.store.link(names, new.merge, caller.operator).await?))
}

/// A name that is taken from its person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlinking {
    /// The name.
    #[schema(min_length = 1, max_length = 512)]
    name: String,
    /// What it is to be: `alone`, which no source can undo, or `forgotten`, so that sources may link it again.
    becomes: Unlinked,
}

/// Takes a name from its person. What is so already stays so.
#[utoipa::path(post, path = "/api/v1/subjects/unlinking", tag = "people", operation_id = "unlink_name", request_body = Unlinking,
    responses((status = 204)))]
pub(super) async fn unlink(
    State(console): State<Console>,
    caller: Caller,
    Json(asked): Json<Unlinking>,
) -> Result<StatusCode, Refusal> {
    let name = super::subject(&asked.name)?;
    console.store.unlink_to(name, asked.becomes, caller.operator).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which unresolved cases are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// What is over too.
    #[serde(default)]
    all: bool,
}

/// Whom no target knows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nowhere {
    /// Cases about somebody whom no target knows, the oldest first, 1000 at most.
    cases: Vec<Unresolved>,
    /// Names that two sources claim for two people.
    disputed: Vec<LinkedName>,
    /// How many people are planned or held, and no target was asked for yet.
    not_looked_up: usize,
    /// What cannot be read, and is not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableRow>,
}

/// The cases about people whom no target knows, and names in dispute.
#[utoipa::path(get, path = "/api/v1/subjects/unresolved", tag = "people", operation_id = "list_unresolved", params(Which),
    responses((status = 200, body = Nowhere)))]
pub(super) async fn unresolved(
    State(console): State<Console>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Answer<Nowhere>, Refusal> {
    let cases = console.store.unresolved(which.all).await?;
    let read = cases.iter().map(|one| one.case).collect();
    console.note_read(&caller, "GET /api/v1/subjects/unresolved", read).await;
    Ok(Answer(Nowhere {
        cases: cases.rows,
        disputed: console.store.disputed_names().await?,
        not_looked_up: console.store.count_not_looked_up().await?,
        unreadable: cases.unreadable,
    }))
}

/// Cases that need nothing more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dismissal {
    /// The cases.
    #[schema(min_items = 1, max_items = 1000)]
    cases: Vec<Number>,
    /// Why.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Takes cases off the list of the unresolved, all of them or none: nothing is to be done.
#[utoipa::path(post, path = "/api/v1/subjects/dismissal", tag = "people", operation_id = "dismiss_unresolved", request_body = Dismissal,
    responses((status = 204)))]
pub(super) async fn dismiss(
    State(console): State<Console>,
    caller: Caller,
    Json(asked): Json<Dismissal>,
) -> Result<StatusCode, Refusal> {
    if !(1..=CASES).contains(&asked.cases.len()) {
        return Err(Refusal::unreadable(format!("cases: name from 1 to {CASES}")));
    }
    let note = super::note(asked.note.as_deref())?;
    let cases = asked.cases.into_iter().map(|case| case.0).collect();
    console.store.dismiss(cases, note, caller.operator).await?;
    Ok(StatusCode::NO_CONTENT)
}
