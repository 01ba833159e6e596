//! What a sender is told: 204 with nothing in it, or a status with an `error` and a sentence for people.

use ::http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::model::{Receipt, SignalReceipt};
pub(super) use crate::sources::answers::refusal;
use crate::sources::answers::{bare, later};
use crate::sources::{Rejection, RejectionKind};

/// The sender did not prove who it is: 401.
pub(super) const UNTRUSTED: &str = "invalid_signature";
/// The body is not JSON, or holds too much: 400.
pub(super) const INVALID_BODY: &str = "invalid_body";
/// The body is JSON and no signal can be made of it: 422.
pub(super) const UNMAPPABLE: &str = "not_understood";
/// The key was used for something else: 400.
pub(super) const REUSED: &str = "key_reused";
/// Another method than POST: 405.
pub(super) const METHOD: &str = "method_not_allowed";

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
    match rejection.kind {
        RejectionKind::MediaType => told(StatusCode::UNSUPPORTED_MEDIA_TYPE, rejection),
        RejectionKind::TooLarge => told(StatusCode::PAYLOAD_TOO_LARGE, rejection),
        RejectionKind::NotNow(wait) => later(StatusCode::SERVICE_UNAVAILABLE, wait),
        RejectionKind::TooFast(wait) => later(StatusCode::TOO_MANY_REQUESTS, wait),
        RejectionKind::Malformed if rejection.code == METHOD => {
            let mut response = told(StatusCode::METHOD_NOT_ALLOWED, rejection);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        RejectionKind::Malformed if rejection.code == UNMAPPABLE => told(StatusCode::UNPROCESSABLE_ENTITY, rejection),
        RejectionKind::Malformed => told(StatusCode::BAD_REQUEST, rejection),
        RejectionKind::Unauthenticated => {
            let mut response = told(StatusCode::UNAUTHORIZED, rejection);
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            response
        }
    }
}

/// A JSON body that answers a question of the sender's.
pub(super) fn reply(body: &serde_json::Value) -> Response<Bytes> {
    json(StatusCode::OK, body)
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
