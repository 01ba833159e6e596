//! One case, one person or one shift as a document: the reports of the commands, as JSON, Markdown or a page that prints.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jiff::tz::TimeZone;
use revoked_trail::CitedEntries;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::instant;
use super::{Number, Path, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::report::{self, Document, Look, ReportError, TrailState, Zone};

/// How far back a handover looks where nothing is said.
const SHIFT: std::time::Duration = std::time::Duration::from_hours(8);

/// What a report is written as.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// For programs, with the entries that it cites and their proofs.
    #[default]
    Json,
    /// For a ticket or a wiki.
    Markdown,
    /// One page that prints well, and needs nothing else.
    Html,
}

/// What a report has in common with every other, as JSON. Its sections are further members: lists of sentences and of rows, each with the numbers of the
/// `entries` that carry it.
#[derive(ToSchema)]
#[schema(as = Report)]
#[expect(dead_code, reason = "only its shape is wanted: crate::report writes it")]
pub(super) struct Shape {
    /// What it is: `case`, `person` or `handover`.
    report: String,
    /// Its title.
    title: String,
    /// When it was made.
    made_at: Timestamp,
    /// In which zone its sentences tell times.
    times: String,
    /// How the trail stands on which it rests. The whole of it is not verified for an answer.
    trail: Option<TrailState>,
    /// The entries that it cites, with their proofs, for `revoked-verify report`.
    inclusion: Option<CitedEntries>,
}

/// As what a report is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Written {
    /// As what it is written; JSON without it. The header `Accept` is not asked.
    #[param(inline)]
    format: Option<Format>,
}

/// The report of a case, built from the trail's entries: what was known when, what was done and proved, what is not covered, and the proofs of the entries.
#[utoipa::path(get, path = "/api/v1/cases/{id}/report", tag = "reports", operation_id = "report_case", params(("id" = Number, Path), Written),
    responses((status = 200, content((Shape = "application/json"), (String = "text/markdown"), (String = "text/html")))))]
pub(super) async fn of_case(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Query(written): Query<Written>,
) -> Result<Response, Refusal> {
    let document = console.case_report(id).await?;
    console.note_read(&caller, "GET /api/v1/cases/{id}/report", vec![id]).await;
    answer(&document, &format!("case-{id}"), written.format)
}

/// About whom, until when, and as what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Certified {
    /// An address, or a name in a form of RFC 9493 as `/api/v1/find` shows it.
    #[param(min_length = 1, max_length = 512)]
    subject: String,
    /// As of then, RFC 3339; now without it.
    #[param(value_type = Option<Timestamp>)]
    until: Option<String>,
    /// As what it is written; JSON without it. The header `Accept` is not asked.
    #[param(inline)]
    format: Option<Format>,
}

/// What a person held where, how it ended, how that was proved, and what is unproved.
#[utoipa::path(get, path = "/api/v1/people/report", tag = "reports", operation_id = "report_person", params(Certified),
    responses((status = 200, content((Shape = "application/json"), (String = "text/markdown"), (String = "text/html")))))]
pub(super) async fn of_person(
    State(console): State<Console>,
    caller: Caller,
    Query(certified): Query<Certified>,
) -> Result<Response, Refusal> {
    let until = instant("until", certified.until.as_deref())?;
    let (document, cases) = console.person_report(&certified.subject, until).await?;
    console.note_read(&caller, "GET /api/v1/people/report", cases).await;
    answer(&document, "person", certified.format)
}

/// Of which time, and as what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Shift {
    /// What happened from then on, RFC 3339; 8 hours ago without it.
    #[param(value_type = Option<Timestamp>)]
    since: Option<String>,
    /// As what it is written; JSON without it. The header `Accept` is not asked.
    #[param(inline)]
    format: Option<Format>,
}

/// What the next shift must know: what could not be revoked, what is held, what came back, who departs, and what closed and came.
#[utoipa::path(get, path = "/api/v1/handover", tag = "reports", operation_id = "hand_over", params(Shift),
    responses((status = 200, content((Shape = "application/json"), (String = "text/markdown"), (String = "text/html")))))]
pub(super) async fn handover(State(console): State<Console>, Query(shift): Query<Shift>) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let since = instant("since", shift.since.as_deref())?.unwrap_or(now.minus(SHIFT));
    let document = report::of_shift(&console.store, since.min(now), &console.zone()).await?;
    answer(&document, "handover", shift.format)
}

/// The document as a file of that name. What a browser is given opens by itself, wherever it is kept.
fn answer(document: &Document, name: &str, format: Option<Format>) -> Result<Response, Refusal> {
    let (kind, extension, text) = match format.unwrap_or_default() {
        Format::Json => (
            "application/json",
            "json",
            document
                .json()
                .and_then(|json| serde_json::to_string(&json))
                .map_err(|error| unwritten(&error))?,
        ),
        Format::Markdown => ("text/markdown; charset=utf-8", "md", report::markdown(document)),
        Format::Html => ("text/html; charset=utf-8", "html", report::html(document, Look::Inside)),
    };
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{extension}\"")) {
        headers.insert(CONTENT_DISPOSITION, named);
    }
    Ok(response)
}

fn unwritten(error: &serde_json::Error) -> Refusal {
    tracing::error!(%error, "a report could not be written as JSON");
    Refusal::new(
        http::StatusCode::INTERNAL_SERVER_ERROR,
        "this report could not be written; the log says why, under this request's id",
    )
}

impl Console {
    /// Reports over HTTP tell their times in UTC: nobody knows the zone of who reads them.
    fn zone(&self) -> Zone {
        Zone::of(TimeZone::UTC, self.store.clock().now())
    }

    /// The report of a case, with its proofs.
    pub(in crate::console) async fn case_report(&self, id: i64) -> Result<Document, Refusal> {
        let document = report::of_case(&self.store, id, &self.zone()).await?;
        self.resting(document).await
    }

    /// The certificate of a person, with its proofs, and the cases that it is made of.
    pub(in crate::console) async fn person_report(
        &self,
        subject: &str,
        until: Option<Timestamp>,
    ) -> Result<(Document, Vec<i64>), Refusal> {
        let subject = super::subject(subject)?;
        let now = self.store.clock().now();
        let until = until.map_or(now, |until| until.min(now));
        let (document, cases) = report::of_person(&self.store, &subject, until, &self.zone()).await?;
        Ok((self.resting(document).await?, cases))
    }

    async fn resting(&self, document: Document) -> Result<Document, Refusal> {
        let anchors = &self.installation.anchors;
        let state = report::as_known(&self.store, anchors).await?;
        let cited = report::cited(&self.store, anchors, &document).await;
        Ok(document.resting_on(state, cited))
    }
}

impl From<ReportError> for Refusal {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::NothingKnown(_) => Self::new(http::StatusCode::NOT_FOUND, error.to_string()),
        }
    }
}
