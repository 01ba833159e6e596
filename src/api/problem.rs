//! Errors as their senders see them: `application/problem+json`.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;

use super::RequestId;

/// An error of RFC 9457, told to the sender.
///
/// It holds what the sender may know and can act on. What happened inside goes into the log under the same request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

/// The members in the order of the RFC; `type` is `about:blank`, so `title` is the status's own phrase.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

impl Problem {
    /// A problem of that status, with a sentence for the sender.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
            allow: None,
        }
    }

    /// The one answer to every path and every source that does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this path")
    }

    /// 405, with the methods that are taken.
    #[must_use]
    pub fn method(allowed: &[Method]) -> Self {
        let allow: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        Self {
            allow: Some(allow.join(", ")),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "this method is not taken here")
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for the sender.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Asks the sender to try again after `wait`, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The body for a request.
    fn body(&self, request: &RequestId) -> Vec<u8> {
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id: request.as_str(),
        };
        // A problem of which nothing more can be said is an empty object (RFC 9457 section 3.1).
        serde_json::to_vec(&members).unwrap_or_else(|_| b"{}".to_vec())
    }
}

impl IntoResponse for Problem {
    /// Leaves the body out: the request's id is known only where the answer leaves.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of an answer that is a [`Problem`]; leaves every other one alone.
pub fn render(response: &mut Response, request: &RequestId) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem.body(request));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.remove(http::header::CONTENT_LENGTH);
    }
}

/// At least one second: `Retry-After: 0` would invite the next try at once.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
}

/// The fallback of a route that is only for reading.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::method(&[Method::GET, Method::HEAD])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_never_zero() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
    }

    #[test]
    fn the_body_has_the_members_of_rfc_9457() {
        let body = Problem::not_found().body(&RequestId::fresh());
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["type"], "about:blank");
        assert_eq!(value["title"], "Not Found");
        assert_eq!(value["status"], 404);
        assert!(value["request_id"].as_str().unwrap().len() == 36);
    }
}
