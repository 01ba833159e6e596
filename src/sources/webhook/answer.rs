//! What a sender is told: 204 with nothing in it, or a status with an `error` and a sentence for people.

use ::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::model::{Receipt, SignalReceipt};
pub(super) use crate::sources::shared::http_answers::refusal;
use crate::sources::shared::http_answers::{bare, by_http};
use crate::sources::{Rejection, RejectionKind};

/// The sender did not prove who it is: 401.
pub(super) const UNTRUSTED: &str = "invalid_signature";
/// The body is not JSON, or holds too much: 400.
pub(super) const INVALID_BODY: &str = "invalid_body";
/// The body is JSON and no signal can be made of it: 422.
pub(super) const UNMAPPABLE: &str = "not_understood";
/// The key was used for something else: 400.
pub(super) const REUSED: &str = "key_reused";

/// A refusal of what should prove the sender, answered with 401.
pub(super) fn untrusted(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Unauthenticated, UNTRUSTED, description)
}

/// A refusal of the body's form, answered with 400.
pub(super) fn malformed(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Malformed, INVALID_BODY, description)
}

/// A refusal of what the body says, answered with 422.
pub(super) fn unmappable(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Malformed, UNMAPPABLE, description)
}

/// 204 for what is stored, new or seen before; 400 where a key was used before with other content.
pub(super) fn accepted(receipt: &Receipt) -> Response<Bytes> {
    if receipt.signals.contains(&SignalReceipt::Conflict) {
        let why = "this key or id was used before with other content";
        return told(StatusCode::BAD_REQUEST, &refusal(RejectionKind::Malformed, REUSED, why));
    }
    bare(StatusCode::NO_CONTENT)
}

/// The answer to a refusal; who is not known is challenged with `challenge`.
pub(super) fn rejected(rejection: &Rejection, challenge: &'static str) -> Response<Bytes> {
    if let Some(answer) = by_http(rejection, |status| told(status, rejection)) {
        return answer;
    }
    if rejection.kind == RejectionKind::Unauthenticated {
        let mut response = told(StatusCode::UNAUTHORIZED, rejection);
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        return response;
    }
    let unmappable = rejection.code == UNMAPPABLE;
    let status = if unmappable {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::BAD_REQUEST
    };
    told(status, rejection)
}

/// A JSON body that answers a question of the sender's.
pub(super) fn reply(body: &serde_json::Value) -> Response<Bytes> {
    json(StatusCode::OK, body)
}

/// A text that answers a question of the sender's, and is never anything but text.
pub(super) fn text(text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(text.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn told(status: StatusCode, rejection: &Rejection) -> Response<Bytes> {
    json(
        status,
        &serde_json::json!({"error": rejection.code, "error_description": rejection.description}),
    )
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}
