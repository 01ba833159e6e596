//! HTTP responses in the forms of RFC 8936 and SSF 1.0.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, Response, StatusCode};
use serde_json::Value;

/// For how long anybody may keep our metadata and keys: a key that is added is known everywhere after it.
const KEPT: &str = "public, max-age=300";

/// A document that is the same for everybody.
pub(super) fn json_for_all(body: Bytes) -> Response<Bytes> {
    with(
        StatusCode::OK,
        &[(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, KEPT)],
        body,
    )
}

/// A document for one receiver.
pub(super) fn json(body: &Value) -> Response<Bytes> {
    with(
        StatusCode::OK,
        &[(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")],
        body.to_string().into(),
    )
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    with(status, &[], Bytes::new())
}

/// The one answer to whoever shows no token, or a wrong one, or one of another receiver.
pub(super) fn unauthorized() -> Response<Bytes> {
    with(StatusCode::UNAUTHORIZED, &[(WWW_AUTHENTICATE, "Bearer")], Bytes::new())
}

/// What is wrong with a request, in a sentence that quotes none of it.
pub(super) fn invalid_request(why: &'static str) -> Response<Bytes> {
    with(
        StatusCode::BAD_REQUEST,
        &[(CONTENT_TYPE, "application/json")],
        serde_json::json!({ "err": "invalid_request", "description": why })
            .to_string()
            .into(),
    )
}

/// Our own trouble.
pub(super) fn unavailable(error: &dyn std::error::Error) -> Response<Bytes> {
    tracing::error!(error = %crate::model::error_chain(error), "a receiver could not be answered");
    with(
        StatusCode::SERVICE_UNAVAILABLE,
        &[(http::header::RETRY_AFTER, "5")],
        Bytes::new(),
    )
}

fn with(status: StatusCode, headers: &[(HeaderName, &'static str)], body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}
