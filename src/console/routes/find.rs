//! Finding: everything that is known by a part of a name.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Query;
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{HitKind, PeopleRead, SearchHit, SearchWord};

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// A part of a name, an address, an account's id, an employee number; or the number of a case.
    #[param(min_length = 1, max_length = 256, pattern = "\\S")]
    word: String,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Found {
    /// At most 50 of each kind, what fits exactly last.
    items: Vec<SearchHit>,
    /// Of which kinds there is more.
    more: Vec<HitKind>,
}

/// Everything that is known by a word: cases, names, departures, alerts, accounts.
#[utoipa::path(get, path = "/api/v1/find", tag = "people", operation_id = "find", params(Wanted), responses((status = 200, body = Found)))]
pub(super) async fn find(
    State(console): State<Console>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Answer<Found>, Refusal> {
    let word = super::text("word", &wanted.word, 256)?;
    let word = SearchWord::new(&word).ok_or_else(|| Refusal::unreadable("word: it holds nothing to look for"))?;
    let found = console.store.search(&word).await?;
    let read = PeopleRead::new(caller.operator, "GET /api/v1/find").of_found(&found);
    console.record_read(&read).await;
    Ok(Answer(Found {
        items: found.hits,
        more: found.more,
    }))
}
