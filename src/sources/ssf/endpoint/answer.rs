//! What a sender is told: 202 with nothing in it, or the error forms of RFC 8935 sections 2.3 and 2.4.

use ::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::model::{Receipt, SignalReceipt};
pub(in crate::sources::ssf) use crate::sources::shared::http_answers::{AUTHENTICATION_FAILED, INVALID_REQUEST, refusal};
use crate::sources::shared::http_answers::{bare, by_http};
use crate::sources::{Rejection, RejectionKind};

/// The issuer is not the stream's.
pub(in crate::sources::ssf) const INVALID_ISSUER: &str = "invalid_issuer";
/// The audience is not ours.
pub(in crate::sources::ssf) const INVALID_AUDIENCE: &str = "invalid_audience";
/// A verification event with a state that nobody asked for (SSF 1.0).
pub(in crate::sources::ssf) const INVALID_STATE: &str = "invalid_state";

/// A refusal of the token's content, answered with 400.
pub(in crate::sources::ssf) fn malformed(description: impl Into<String>) -> Rejection {
    refusal(RejectionKind::Malformed, INVALID_REQUEST, description)
}

/// 202 for what is stored, new or seen before; 400 where the same `jti` came with other content.
pub(in crate::sources::ssf) fn accepted(receipt: &Receipt) -> Response<Bytes> {
    if receipt.signals.contains(&SignalReceipt::Conflict) {
        return rejected(&malformed("this jti was used before with other content"));
    }
    bare(StatusCode::ACCEPTED)
}

/// The answer to a refusal: an HTTP status where HTTP has one, else 400 with the RFC's error object.
pub(in crate::sources::ssf) fn rejected(rejection: &Rejection) -> Response<Bytes> {
    by_http(rejection, bare).unwrap_or_else(|| {
        let body = serde_json::json!({"err": rejection.code, "description": rejection.description});
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
        response
    })
}
