//! Answers in the server's form: bodies, headers, errors.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use serde::Serialize;
use serde_json::json;

use super::Id;
use super::app_error::{AppError, AppErrorView, NO_ROUTE};
use super::rate_limiter::Reading;

/// An answer before its headers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(HeaderName, String)>,
    /// Whether the answer has an `X-Request-Id` and the other headers of an API answer.
    pub(super) from_api: bool,
}

pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// What is answered; where it cannot be written, why not.
fn json_body(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| error.to_string().into_bytes())
}

impl Answer {
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self {
            status: 200,
            body: json_body(value),
            content_type: JSON,
            headers: Vec::new(),
            from_api: true,
        }
    }

    /// `{"status":"OK"}`, which says that the server took the request, and no more.
    pub(super) fn ok() -> Self {
        Self::json(&json!({"status": "OK"}))
    }

    pub(super) fn text(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            content_type,
            headers: Vec::new(),
            from_api: true,
        }
    }

    /// An answer that is not the API's: a proxy's page, the rate limiter's refusal.
    pub(super) fn foreign(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            from_api: false,
            ..Self::text(status, content_type, body)
        }
    }

    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer to a refused request.
    pub(super) fn refused(app_error: &AppError, request_id: Id, path: &str) -> Self {
        if app_error.id == NO_ROUTE.id {
            return Self::no_route(path);
        }
        let view = AppErrorView {
            id: app_error.id,
            message: &app_error.message,
            detailed_error: "",
            request_id: Some(request_id),
            status_code: app_error.status,
        };
        let answer = Self::json(&view).status(app_error.status);
        if app_error.drop_cookie {
            return answer.header(header::SET_COOKIE, "MMAUTHTOKEN=; Path=/; Max-Age=0; HttpOnly");
        }
        answer
    }

    /// The answer where no route fits: JSON under a text type, without a request id.
    fn no_route(path: &str) -> Self {
        let detail = format!(
            "There doesn't appear to be an api call for the url='{path}'.  Typo? are you missing a team_id or user_id as part of the url?"
        );
        let view = AppErrorView {
            id: NO_ROUTE.id,
            message: &NO_ROUTE.message,
            detailed_error: &detail,
            request_id: None,
            status_code: NO_ROUTE.status,
        };
        Self::foreign(NO_ROUTE.status, TEXT, json_body(&view))
    }

    /// The rate limiter's refusal.
    pub(super) fn limited(retry_after: u64) -> Self {
        Self::foreign(429, TEXT, "limit exceeded\n")
            .header(header::RETRY_AFTER, retry_after.to_string())
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
    }
}

/// What every answer to one request carries besides its own headers.
#[derive(Debug, Clone)]
pub(super) struct Envelope<'a> {
    pub(super) method: &'a Method,
    pub(super) request_id: Id,
    pub(super) version_id: &'a str,
    pub(super) readings: &'a [Reading],
}

impl Envelope<'_> {
    /// The whole answer as it goes out.
    pub(super) fn seal(&self, answer: Answer) -> Response<Body> {
        let headers = self.headers(&answer);
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = headers;
        response
    }

    pub(super) fn headers(&self, answer: &Answer) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8 + 3 * self.readings.len());
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        };
        put(header::CONTENT_TYPE, answer.content_type);
        if answer.from_api {
            if *self.method == Method::GET {
                put(header::EXPIRES, "0");
            }
            put(header::VARY, "Accept-Encoding");
            put(HeaderName::from_static("x-request-id"), self.request_id.as_str());
            put(HeaderName::from_static("x-version-id"), self.version_id);
        }
        for reading in self.readings {
            put(HeaderName::from_static("x-ratelimit-limit"), &reading.limit.to_string());
            put(
                HeaderName::from_static("x-ratelimit-remaining"),
                &reading.remaining.to_string(),
            );
            put(HeaderName::from_static("x-ratelimit-reset"), &reading.reset.to_string());
        }
        for (name, value) in &answer.headers {
            put(name.clone(), value);
        }
        headers
    }
}
