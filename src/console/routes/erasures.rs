//! Erasures: a person is forgotten of whom nothing is open; the trail stays whole.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Json, subject};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;

/// How many names somebody may have who is forgotten over the API.
const NAMES: usize = 200;

/// Who is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewErasure {
    /// One of the names.
    #[schema(min_length = 1, max_length = 512)]
    subject: String,
    /// All of them, as `/api/v1/people` shows them; of somebody who is linked to no other name that one alone. Another set is refused.
    #[schema(min_items = 1, max_items = 200)]
    names: Vec<String>,
}

/// Forgets a person: every name, the notes, and the key behind the reference. There is no way back; the trail's entries stay, without a name.
#[utoipa::path(post, path = "/api/v1/erasures", tag = "people", operation_id = "erase_person", request_body = NewErasure,
    responses((status = 204)))]
pub(super) async fn erase(
    State(console): State<Console>,
    caller: Caller,
    Json(new): Json<NewErasure>,
) -> Result<StatusCode, Refusal> {
    if !(1..=NAMES).contains(&new.names.len()) {
        return Err(Refusal::unreadable(format!("names: write from 1 to {NAMES}")));
    }
    let person = subject(&new.subject)?;
    let names = new.names.iter().map(|name| subject(name)).collect::<Result<Vec<_>, _>>()?;
    if console.store.erase_exactly(&person, names, caller.operator).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, "nobody of that name is in the store"))
}
