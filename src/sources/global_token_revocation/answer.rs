//! What a sender is told: 204 with nothing in it, or the statuses of the draft. Only the status counts there; the body is for people.

use std::time::Duration;

use ::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::jose::TokenError;
use crate::model::{Receipt, SignalReceipt};
pub(super) use crate::sources::shared::http_answers::refusal;
use crate::sources::shared::http_answers::{KEYS_UNAVAILABLE, UNKNOWN_KEY, bare, by_http};
use crate::sources::{Rejection, RejectionKind, SubjectLookup};

/// The body is not of the draft's form, or the `jti` was used for something else: 400.
pub(super) const INVALID_REQUEST: &str = "invalid_request";
/// The subject's format is not taken here: 400.
pub(super) const UNSUPPORTED_FORMAT: &str = "unsupported_format";
/// There is no bearer token: 401, and no error code in the challenge (RFC 6750 section 3.1).
pub(super) const NO_TOKEN: &str = "no_token";
/// The bearer token is not good: 401.
pub(super) const INVALID_TOKEN: &str = "invalid_token";
/// The issuer may not speak about this subject: 403.
pub(super) const ACCESS_DENIED: &str = "access_denied";
/// No target knows the subject: 404.
const USER_NOT_FOUND: &str = "user_not_found";
/// It is not clear who is meant, or nothing can be done about the subject: 422.
const UNABLE: &str = "unable_to_log_out";

/// A refusal of the body, answered with 400.
pub(super) fn malformed(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Malformed, INVALID_REQUEST, description)
}

/// A refusal of the bearer token, answered with 401.
pub(super) fn untrusted(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Unauthenticated, INVALID_TOKEN, description)
}

/// A token that is not believed is 401 whatever is wrong with it; keys that cannot be had are our trouble.
pub(super) fn token_refused(error: &TokenError) -> Rejection {
    let not_now = |wait: Duration, code| refusal(RejectionKind::NotNow(wait), code, error.to_string());
    match error {
        TokenError::KeysUnavailable(wait) => not_now(*wait, KEYS_UNAVAILABLE),
        TokenError::UnknownKey(wait) => not_now(*wait, UNKNOWN_KEY),
        other => untrusted(other.to_string()),
    }
}

/// 204 for what is stored, new or seen before; 400 where the same `jti` came with other content.
pub(super) fn accepted(receipt: &Receipt) -> Response<Bytes> {
    if receipt.signals.contains(&SignalReceipt::Conflict) {
        return rejected(&malformed("this jti was used before with other content"));
    }
    bare(StatusCode::NO_CONTENT)
}

/// The answer by what the targets know, where the delivery is stored all the same: 204 where the work has begun or a target must come back
/// first, 404 where each of them was asked and knows nobody, 422 where nobody can be logged out until a human has said who is meant.
pub(super) fn answered(receipt: &Receipt, known: SubjectLookup) -> Response<Bytes> {
    if receipt.signals.contains(&SignalReceipt::Conflict) {
        return accepted(receipt);
    }
    match known {
        SubjectLookup::Somebody | SubjectLookup::Unreachable => accepted(receipt),
        SubjectLookup::Nobody => {
            let why = "no target knows this subject; it is kept until somebody says who it is";
            told(StatusCode::NOT_FOUND, &refusal(RejectionKind::Malformed, USER_NOT_FOUND, why))
        }
        SubjectLookup::Unclear => {
            let why = "it is not clear which account is meant; it waits for an operator";
            told(
                StatusCode::UNPROCESSABLE_ENTITY,
                &refusal(RejectionKind::Malformed, UNABLE, why),
            )
        }
    }
}

/// The answer to a refusal.
pub(super) fn rejected(rejection: &Rejection) -> Response<Bytes> {
    if let Some(answer) = by_http(rejection, |status| told(status, rejection)) {
        return answer;
    }
    if rejection.kind == RejectionKind::Malformed {
        return told(StatusCode::BAD_REQUEST, rejection);
    }
    if rejection.code == ACCESS_DENIED {
        return told(StatusCode::FORBIDDEN, rejection);
    }
    let challenge = if rejection.code == NO_TOKEN {
        "Bearer"
    } else {
        "Bearer error=\"invalid_token\""
    };
    let mut response = told(StatusCode::UNAUTHORIZED, rejection);
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The members that OAuth uses for its errors.
fn told(status: StatusCode, rejection: &Rejection) -> Response<Bytes> {
    let body = serde_json::json!({"error": rejection.code, "error_description": rejection.description});
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
