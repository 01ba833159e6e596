//! A credential in the wrong hands: what `revoked leaked` asks for. Its value is in the body alone, and in no answer and no log.

use axum::Json as Answer;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::{Asked, idempotency_key, submitted};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::intake::{CREDENTIAL, OWNER};
use crate::model::{LeakedValue, Reason};
use crate::store::InboxRow;

/// The longest credential, in bytes.
const LONGEST: usize = 2000;

/// A credential that has leaked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLeak {
    /// Where it is good.
    #[schema(min_length = 1, max_length = 64)]
    target: String,
    /// The credential itself.
    #[schema(min_length = 1, max_length = 2000, pattern = "^[!-~]+$")]
    value: String,
    /// Whether its owner is contained too.
    #[serde(default)]
    contain: bool,
    /// A playbook other than `compromised`, for its owner.
    #[schema(max_length = 64)]
    playbook: Option<String>,
    /// Where it was found. Not the credential.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// Ends a leaked credential, and proves it by trying the credential again. With the header `Idempotency-Key` the same request again is the same one.
#[utoipa::path(post, path = "/api/v1/leaked", tag = "requests", operation_id = "end_leaked_credential", request_body = NewLeak,
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$")), responses((status = 202, body = Asked)))]
pub(super) async fn submit(
    State(console): State<Console>,
    caller: Caller,
    headers: HeaderMap,
    new: Result<axum::Json<NewLeak>, JsonRejection>,
) -> Result<(StatusCode, Answer<Asked>), Refusal> {
    // What a reader of JSON complains about may quote what was sent.
    let axum::Json(new) =
        new.map_err(|rejection| Refusal::new(rejection.status(), "the body is not what the description asks for"))?;
    if new.value.is_empty() || new.value.len() > LONGEST || !new.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refusal::unreadable(
            "value: it is one credential of up to 2000 plain characters",
        ));
    }
    let targets = &console.installation.targets;
    if !targets.contains(&new.target) {
        return Err(Refusal::unreadable(format!(
            "target: there is none of that name; there are: {}",
            targets.join(", ")
        )));
    }
    let value = LeakedValue(SecretString::from(new.value));
    let row = InboxRow {
        subject: if new.contain { OWNER } else { CREDENTIAL }.to_owned(),
        reason: Reason::Compromised.word().to_owned(),
        requested_by: caller.operator.to_string(),
        note: super::note(new.note.as_deref())?,
        request_key: idempotency_key(&headers, &caller)?,
        playbook: new.playbook.filter(|_| new.contain),
        target: Some(new.target),
        leaked: Some(value.digest()),
        value: Some(value),
        ..InboxRow::default()
    };
    submitted(&console, row).await
}
