//! What may be done about a case on its page: a note, and calling it off.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;

use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::page::asked::said;
use crate::console::refusal::Refusal;

/// Writes a note beside a case.
pub(in crate::console::page) async fn note(
    State(console): State<Console>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let note = said(&headers, &body, true)?.unwrap_or_default();
    console.store.note_case(id, note, caller.operator).await?;
    Ok(Redirect::to(&format!("/cases/{id}#notes")).into_response())
}

/// Calls a case off, for a reason that is typed.
pub(in crate::console::page) async fn call_off(
    State(console): State<Console>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let why = said(&headers, &body, true)?;
    console.store.call_off(id, caller.operator, why).await?;
    Ok(Redirect::to(&format!("/cases/{id}")).into_response())
}
