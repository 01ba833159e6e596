//! What a sender is told: 200 with nothing in it, or 400 with an OAuth error object (section 2.8). Nothing of it may be cached.

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::model::{Receipt, SignalReceipt};
pub(super) use crate::sources::shared::http_answers::refusal;
use crate::sources::shared::http_answers::{self, by_http};
use crate::sources::{Rejection, RejectionKind};

/// The one error that the protocol knows. The trail and the metric name the cause more closely.
pub(super) const INVALID_REQUEST: &str = "invalid_request";

/// A refusal of the request's or the token's content, answered with 400.
pub(super) fn malformed(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Malformed, INVALID_REQUEST, description)
}

/// 200 for what is stored, new or seen before; 400 where the same `jti` came with other content.
pub(super) fn accepted(receipt: &Receipt) -> Response<Bytes> {
    if receipt.signals.contains(&SignalReceipt::Conflict) {
        return refused("this jti was used before with other content");
    }
    bare(StatusCode::OK)
}

/// The answer to a refusal: an HTTP status where HTTP has one, else 400 with the error object.
pub(super) fn rejected(rejection: &Rejection) -> Response<Bytes> {
    let answer = by_http(rejection, http_answers::bare).map(uncached);
    answer.unwrap_or_else(|| refused(&rejection.description))
}

fn refused(description: &str) -> Response<Bytes> {
    let body = serde_json::json!({"error": INVALID_REQUEST, "error_description": description});
    let mut response = bare(StatusCode::BAD_REQUEST);
    *response.body_mut() = Bytes::from(body.to_string());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn bare(status: StatusCode) -> Response<Bytes> {
    uncached(http_answers::bare(status))
}

fn uncached(mut response: Response<Bytes>) -> Response<Bytes> {
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, never);
    response
}
