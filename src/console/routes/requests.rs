//! Requests: what `revoked revoke` asks for, through the same inbox.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Number, Path, subject};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Reason;
use crate::store::{InboxAnswer, InboxRow};

/// How long a request waits for what becomes of it, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends what somebody still holds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRequest {
    /// Whom it is about: an address, or a name in a form of RFC 9493 as `revoked find` shows it.
    #[schema(min_length = 1, max_length = 512)]
    subject: String,
    /// Why: `compromised`, `departed`, `logout`, …
    #[schema(min_length = 1, max_length = 64)]
    reason: String,
    /// What is known of it.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// Another playbook than the reason's.
    #[schema(max_length = 64)]
    playbook: Option<String>,
    /// One target of the playbook alone.
    #[schema(max_length = 64)]
    target: Option<String>,
}

/// A request, and what has become of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asked {
    /// Its number.
    request: i64,
    /// `new` until somebody has looked at it, then `accepted` or `rejected`.
    state: String,
    /// The case that it led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<i64>,
    /// Why it was rejected, held or ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Asked {
    fn new(request: i64, answer: InboxAnswer) -> Self {
        Self {
            request,
            state: answer.state,
            case: answer.case.map(|case| case.0),
            why: answer.why,
        }
    }
}

/// Asks for a revocation. With the header `Idempotency-Key` the same request again is the same one.
#[utoipa::path(post, path = "/api/v1/requests", tag = "requests", operation_id = "request_revocation", request_body = NewRequest,
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$")), responses((status = 202, body = Asked)))]
pub(super) async fn submit(
    State(console): State<Console>,
    caller: Caller,
    headers: HeaderMap,
    Json(new): Json<NewRequest>,
) -> Result<(StatusCode, Answer<Asked>), Refusal> {
    let (subject, reason) = (subject(&new.subject)?, reason(&new.reason)?);
    let row = InboxRow {
        subject: subject.to_string(),
        reason: reason.word().to_owned(),
        requested_by: caller.operator.to_string(),
        note: super::note(new.note.as_deref())?,
        playbook: new.playbook,
        target: new.target,
        request_key: idempotency_key(&headers, &caller)?,
        ..InboxRow::default()
    };
    submitted(&console, row).await
}

/// The reason of that name.
pub(super) fn reason(word: &str) -> Result<Reason, Refusal> {
    Reason::from_word(word).ok_or_else(|| Refusal::meaningless(format!("reason: {word:?} is none: see revoked kinds")))
}

/// Writes a request, and waits a moment for what becomes of it.
pub(super) async fn submitted(console: &Console, row: InboxRow) -> Result<(StatusCode, Answer<Asked>), Refusal> {
    let request = console.store.submit_request(row).await?;
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = console.store.inbox_answer(request).await?;
        if answer.state != "new" || tokio::time::Instant::now() >= until {
            return Ok((StatusCode::ACCEPTED, Answer(Asked::new(request, answer))));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What has become of a request.
#[utoipa::path(get, path = "/api/v1/requests/{id}", tag = "requests", operation_id = "show_request", params(("id" = Number, Path)),
    responses((status = 200, body = Asked)))]
pub(super) async fn show(State(console): State<Console>, Path(Number(id)): Path<Number>) -> Result<Answer<Asked>, Refusal> {
    Ok(Answer(Asked::new(id, console.store.inbox_answer(id).await?)))
}

/// The key of a request, told apart from those of other callers.
pub(super) fn idempotency_key(headers: &HeaderMap, caller: &Caller) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let key = key.ok_or_else(|| Refusal::unreadable("Idempotency-Key: it is a text of 1 to 128 plain characters"))?;
    Ok(Some(format!("api:{}:{key}", caller.operator)))
}
