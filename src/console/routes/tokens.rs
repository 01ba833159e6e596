//! Tokens: for programs, and for people who have no account at this host.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Number, Page, Path};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Role;
use crate::store::{ApiToken, LONGEST_TOKEN_DAYS};

/// Every token, the newest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens", responses((status = 200, body = Page<ApiToken>)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Answer<Page<ApiToken>>, Refusal> {
    Ok(Answer(Page::whole(console.store.tokens().await?)))
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    name: String,
    /// What it may do: no more than whoever makes it.
    role: Role,
    /// After how many days it ends by itself.
    #[schema(value_type = i64, minimum = 1, maximum = 366)]
    days: Number,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Its number.
    id: i64,
    /// Its text, which is shown this once.
    token: String,
}

/// Makes a token. It acts for whoever makes it.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "make_token", request_body = NewToken,
    responses((status = 201, body = MadeToken)))]
pub(super) async fn make(
    State(console): State<Console>,
    caller: Caller,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Answer<MadeToken>), Refusal> {
    let name = super::text("name", &new.name, 100)?;
    let days = u64::try_from(new.days.0).unwrap_or_default();
    if !(1..=LONGEST_TOKEN_DAYS).contains(&days) {
        return Err(Refusal::unreadable(format!("days: it is from 1 to {LONGEST_TOKEN_DAYS}")));
    }
    let life = Duration::from_hours(24 * days);
    let (id, token) = console.store.make_token(name, new.role, life, caller.operator).await?;
    Ok((StatusCode::CREATED, Answer(MadeToken { id, token })))
}

/// Ends a token.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "end_token", params(("id" = Number, Path)),
    responses((status = 204)))]
pub(super) async fn end(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    console.store.end_token(id, caller.operator).await?;
    Ok(StatusCode::NO_CONTENT)
}
