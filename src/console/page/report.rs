//! The reports of a case and of a person as pages that print: the document of the command under the style sheet of the console.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;

use super::asked::Query;
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::report::{self, Document, Look};

/// Where the console serves the look of reports.
const SHEET: &str = "/static/report.css";

pub(super) async fn of_case(State(console): State<Console>, Path(id): Path<i64>, caller: Caller) -> Result<Response, Refusal> {
    let document = console.case_report(id).await?;
    console.note_read(&caller, "the report of a case", vec![id]).await;
    Ok(page(&document))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    subject: String,
}

pub(super) async fn of_person(
    State(console): State<Console>,
    Query(whom): Query<Whom>,
    caller: Caller,
) -> Result<Response, Refusal> {
    let (document, cases) = console.person_report(&whom.subject, None).await?;
    console.note_read(&caller, "the report of a person", cases).await;
    Ok(page(&document))
}

fn page(document: &Document) -> Response {
    Html(report::html(document, Look::Sheet(SHEET))).into_response()
}
