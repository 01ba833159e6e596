//! People: which names are one person's, and what was done about them.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Query;
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{CaseView, LinkedName, ListFilter};

/// How many cases are shown, the newest first.
const CASES: u32 = 20;

/// Who is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Whom {
    /// An address, or a name in a form of RFC 9493 as `/api/v1/find` shows it.
    #[param(min_length = 1, max_length = 512)]
    subject: String,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Every name that is known to be theirs.
    names: Vec<LinkedName>,
    /// Their newest cases, 20 at most.
    cases: Vec<CaseView>,
}

/// A person by one of their names.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", operation_id = "show_person", params(Whom), responses((status = 200, body = Person)))]
pub(super) async fn show(
    State(console): State<Console>,
    caller: Caller,
    Query(whom): Query<Whom>,
) -> Result<Answer<Person>, Refusal> {
    let subject = super::subject(&whom.subject)?;
    let filter = ListFilter {
        subject_refs: Some(console.store.references_with_accounts(&subject).await?),
        limit: CASES,
        ..ListFilter::default()
    };
    let cases = console.store.cases(&filter).await?.rows;
    let read = cases.iter().map(|case| case.id).collect();
    console.note_read(&caller, "GET /api/v1/people", read).await;
    Ok(Answer(Person {
        names: console.store.names_of(&subject).await?,
        cases,
    }))
}
