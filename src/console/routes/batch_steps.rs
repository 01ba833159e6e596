//! What is done about a batch that was taken: it is paused, goes on, is called off; and what came of it.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::batches::{key, progress};
use super::{Json, Path, Query};
use crate::console::Console;
use crate::console::batch_sheet::batch_sheet;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Actor, Timestamp};
use crate::store::{BatchCalledOff, BatchPaused, BatchPerson, BatchProgress, BatchRequest, PeopleRead};

/// How long one request goes on calling off: the rest is left to the next.
const CALLING_OFF: Duration = Duration::from_secs(20);

/// Why a batch is paused, or what is left of it called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyBatch {
    /// The reason, for whoever finds it so.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

/// Pauses a batch: no job of it begins until it goes on. What is at work ends; a case for which others have asked too goes on.
#[utoipa::path(post, path = "/api/v1/batches/{id}/pause", tag = "batches", operation_id = "pause_batch", params(("id" = String, Path)),
    request_body = WhyBatch, responses((status = 200, body = BatchPaused)))]
pub(super) async fn pause(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    Json(why): Json<WhyBatch>,
) -> Result<Answer<BatchPaused>, Refusal> {
    let note = super::text("note", &why.note, super::LONGEST_NOTE)?;
    Ok(Answer(pause_batch(&console, &id, caller.operator, note).await?))
}

/// The same by the page.
pub(in crate::console) async fn pause_batch(console: &Console, id: &str, by: Actor, note: String) -> Result<BatchPaused, Refusal> {
    let key = key(id)?;
    progress(console, &key).await?;
    Ok(console.store.pause_batch(&key, by, note).await?)
}

/// Why a batch goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyBatchResumed {
    /// The reason, for the trail.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// What goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchResumed {
    /// How many cases.
    cases: usize,
}

/// Lets a paused batch go on.
#[utoipa::path(post, path = "/api/v1/batches/{id}/resumption", tag = "batches", operation_id = "resume_batch", params(("id" = String, Path)),
    request_body = WhyBatchResumed, responses((status = 200, body = BatchResumed)))]
pub(super) async fn resume(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    Json(why): Json<WhyBatchResumed>,
) -> Result<Answer<BatchResumed>, Refusal> {
    let note = super::note(why.note.as_deref())?;
    let cases = resume_batch(&console, &id, caller.operator, note).await?;
    Ok(Answer(BatchResumed { cases }))
}

/// The same by the page; how many cases go on.
pub(in crate::console) async fn resume_batch(
    console: &Console,
    id: &str,
    by: Actor,
    note: Option<String>,
) -> Result<usize, Refusal> {
    let key = key(id)?;
    // One whose rows have gone may still be paused.
    if !console.store.paused_batches().await?.contains_key(&key) {
        progress(console, &key).await?;
    }
    Ok(console.store.resume_batch(&key, by, note).await?)
}

/// Calls off what of a batch has not ended, case by case. What was done stays done. With the last of it a pause of the batch ends.
#[utoipa::path(post, path = "/api/v1/batches/{id}/cancellation", tag = "batches", operation_id = "cancel_batch", params(("id" = String, Path)),
    request_body = WhyBatch, responses((status = 200, body = BatchCalledOff)))]
pub(super) async fn cancel(
    State(console): State<Console>,
    Path(id): Path<String>,
    caller: Caller,
    Json(why): Json<WhyBatch>,
) -> Result<Answer<BatchCalledOff>, Refusal> {
    let note = super::text("note", &why.note, super::LONGEST_NOTE)?;
    Ok(Answer(cancel_batch(&console, &id, &caller.operator, &note).await?))
}

/// The same by the page.
pub(in crate::console) async fn cancel_batch(
    console: &Console,
    id: &str,
    by: &Actor,
    note: &str,
) -> Result<BatchCalledOff, Refusal> {
    let key = key(id)?;
    progress(console, &key).await?;
    let until = Instant::now() + CALLING_OFF;
    Ok(console.store.cancel_batch(&key, by, note, Some(until)).await?)
}

/// As what a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReportForm {
    /// For programs.
    Json,
    /// For a spreadsheet, as an attachment: a line for each person.
    Csv,
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// `csv` or `json`; without it what the header `Accept` asks for.
    #[param(inline)]
    format: Option<ReportForm>,
}

/// What came of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchReport {
    /// What was asked for.
    #[serde(flatten)]
    request: BatchRequest,
    /// As of when.
    as_of: Timestamp,
    /// How many stand how.
    sums: BatchProgress,
    /// Each person, those first about whom it did not go well.
    people: Vec<BatchPerson>,
}

/// What came of each person of a batch: verdict, times, what is not covered. As JSON, or as CSV by `Accept: text/csv` or `format=csv`.
#[utoipa::path(get, path = "/api/v1/batches/{id}/report", tag = "batches", operation_id = "report_batch", params(("id" = String, Path), Form),
    responses((status = 200, content((BatchReport = "application/json"), (String = "text/csv")))))]
pub(super) async fn report(
    State(console): State<Console>,
    Path(id): Path<String>,
    Query(form): Query<Form>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let key = key(&id)?;
    let sums = progress(&console, &key).await?;
    let people = console.store.batch_report(&key).await?;
    let read = PeopleRead {
        cases: people.iter().filter_map(|person| person.case).collect(),
        people: people.len(),
        ..PeopleRead::new(caller.operator.clone(), "GET /api/v1/batches/{id}/report")
    };
    console.record_read(&read).await;
    let asks_for_csv = || {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut kinds = accepted
            .flat_map(|value| value.split(','))
            .map(|kind| kind.split(';').next().unwrap_or_default().trim());
        kinds.any(|kind| kind.eq_ignore_ascii_case("text/csv"))
    };
    let as_csv = form.format.map_or_else(asks_for_csv, |form| form == ReportForm::Csv);
    if !as_csv {
        let report = BatchReport {
            request: console.store.batch_request(&key).await?,
            as_of: console.store.clock().now(),
            sums,
            people,
        };
        return Ok(Answer(report).into_response());
    }
    let sheet = batch_sheet(&people).map_err(|error| {
        tracing::error!(%error, "a report could not be written down");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the report could not be written down; the log says why, under this request's id",
        )
    })?;
    let named = format!("attachment; filename=\"batch-{id}.csv\"");
    let head = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, named),
    ];
    Ok((head, sheet).into_response())
}
