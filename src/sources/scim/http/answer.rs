//! What a client is told: SCIM's JSON, and its error messages (RFC 7644 section 3.12). `status` is a string there.

use std::time::Duration;

use ::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::NoFault;
use crate::sources::scim::protocol::error::ScimError;
pub(in crate::sources::scim) use crate::sources::shared::http_answers::refusal;
use crate::sources::shared::http_answers::{bare, later};
use crate::sources::{Rejection, RejectionKind};

/// There is no bearer token: 401, and no error code in the challenge (RFC 6750 section 3.1).
pub(in crate::sources::scim) const NO_TOKEN: &str = "no_token";
/// The bearer token is not one of ours: 401.
pub(in crate::sources::scim) const INVALID_TOKEN: &str = "invalid_token";

/// The URN of an error message.
const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a request leads to nothing.
#[derive(Debug)]
pub(in crate::sources::scim) enum RequestError {
    /// It is refused, which is recorded.
    Refused(Rejection),
    /// It is in order, and this is the answer.
    Told(Box<Response<Bytes>>),
}

impl From<ScimError> for RequestError {
    fn from(scim_error: ScimError) -> Self {
        Self::Refused(refusal(RejectionKind::Malformed, scim_error.word, scim_error.why))
    }
}

impl From<Rejection> for RequestError {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<anyhow::Error> for RequestError {
    /// The store could not be read: our trouble, of which the client learns no more than that.
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "could not read what a SCIM source keeps");
        let why = "what is kept here cannot be read now; send it again";
        Self::Refused(refusal(RejectionKind::NotNow(Duration::from_secs(5)), "not_read", why))
    }
}

/// An answer that is in order and yet an error: `status`, with a `scimType` where there is one.
pub(in crate::sources::scim) fn told(status: StatusCode, word: Option<&str>, detail: &str) -> RequestError {
    RequestError::Told(Box::new(faultless(error(status, word, detail))))
}

fn faultless(mut response: Response<Bytes>) -> Response<Bytes> {
    response.extensions_mut().insert(NoFault);
    response
}

/// There is nothing at that path.
pub(in crate::sources::scim) fn not_found() -> RequestError {
    RequestError::Told(Box::new(nothing()))
}

/// The same, as an answer.
pub(in crate::sources::scim) fn nothing() -> Response<Bytes> {
    faultless(error(StatusCode::NOT_FOUND, None, "there is no such resource"))
}

/// The methods that the path takes are `allowed`.
pub(in crate::sources::scim) fn method(allowed: &'static str) -> RequestError {
    let mut response = faultless(error(
        StatusCode::METHOD_NOT_ALLOWED,
        None,
        "this path does not take that method",
    ));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    RequestError::Told(Box::new(response))
}

/// `body` under `status`.
pub(in crate::sources::scim) fn with(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One resource: `body`, with its address and its entity tag in the header too.
pub(in crate::sources::scim) fn resource(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = with(status, body);
    for (name, value) in [(LOCATION, &body["meta"]["location"]), (ETAG, &body["meta"]["version"])] {
        // Both are made here of plain characters.
        if let Some(value) = value.as_str().and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// 204.
pub(in crate::sources::scim) fn gone() -> Response<Bytes> {
    bare(StatusCode::NO_CONTENT)
}

/// The answer to a refusal.
pub(in crate::sources::scim) fn rejected(rejection: &Rejection) -> Response<Bytes> {
    let said = |status| error(status, None, &rejection.description);
    match rejection.kind {
        RejectionKind::MediaType => said(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        RejectionKind::TooLarge => said(StatusCode::PAYLOAD_TOO_LARGE),
        RejectionKind::NotNow(wait) => wait_for(StatusCode::SERVICE_UNAVAILABLE, wait, &rejection.description),
        RejectionKind::TooFast(wait) => wait_for(StatusCode::TOO_MANY_REQUESTS, wait, &rejection.description),
        RejectionKind::Malformed => error(StatusCode::BAD_REQUEST, Some(rejection.code), &rejection.description),
        RejectionKind::Unauthenticated => {
            let challenge = if rejection.code == NO_TOKEN {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            let mut response = said(StatusCode::UNAUTHORIZED);
            let challenge = HeaderValue::from_static(challenge);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
    }
}

fn wait_for(status: StatusCode, wait: Duration, detail: &str) -> Response<Bytes> {
    let mut response = error(status, None, detail);
    response.headers_mut().extend(later(status, wait).headers().clone());
    response
}

fn error(status: StatusCode, word: Option<&str>, detail: &str) -> Response<Bytes> {
    let mut body = json!({"schemas": [ERROR_URN], "status": status.as_str(), "detail": detail});
    if let Some(word) = word {
        body["scimType"] = word.into();
    }
    with(status, &body)
}
