//! Azure Event Grid, in both of its schemas (Microsoft, "Endpoint validation with Event Grid event schema" and "… CloudEvents schema").

use ::http::header::{ALLOW, HeaderName};
use ::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::plain;
use crate::sources::Rejection;
use crate::sources::shared::http_answers::bare;
use crate::sources::webhook::answer::{malformed, reply};

const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";
const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// The answer to the event that holds a code, where `body` is it: always alone, in a list or without one. Its `validationUrl` is for people.
///
/// # Errors
/// 400 where it is the event without a code that can be repeated.
pub(super) fn code(body: &Value) -> Result<Option<Response<Bytes>>, Rejection> {
    let only = match body {
        Value::Array(events) => match events.as_slice() {
            [only] => only,
            _ => return Ok(None),
        },
        only => only,
    };
    if only.get("eventType").and_then(Value::as_str) != Some(VALIDATION) {
        return Ok(None);
    }
    let code = plain(only.pointer("/data/validationCode").and_then(Value::as_str), "validationCode")?;
    Ok(Some(reply(&json!({ "validationResponse": code }))))
}

/// The consent that CloudEvents' webhooks ask for (CNCF, "HTTP 1.1 Web Hooks for Event Delivery", section 4): to whoever asks, who has proved
/// who it is, as the clouds of other countries ask under other names. A callback is never called.
///
/// # Errors
/// 400 where nobody asks.
pub(super) fn consent(headers: &HeaderMap) -> Result<Response<Bytes>, Rejection> {
    let mut values = headers.get_all(&ORIGIN).iter();
    let (Some(origin), None) = (values.next(), values.next()) else {
        return Err(malformed(format!("an OPTIONS must hold the header {ORIGIN} once")));
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    if origin.is_empty() || origin.len() > 255 || !origin.as_bytes().iter().copied().all(name) {
        return Err(malformed(format!("the header {ORIGIN} is not a name of the DNS")));
    }
    let mut response = bare(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("POST"));
    headers.insert(ALLOWED_ORIGIN, origin.clone());
    headers.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    Ok(response)
}
