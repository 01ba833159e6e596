//! Challenges that are repeated in JSON, and pings.

use ::http::header::HeaderName;
use ::http::{HeaderMap, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::plain;
use crate::sources::Rejection;
use crate::sources::webhook::answer::{malformed, reply};

const OKTA: HeaderName = HeaderName::from_static("x-okta-verification-challenge");

/// The answer to Okta's GET.
///
/// # Errors
/// 400 where there is no challenge, or one that no sender makes.
pub(super) fn okta(headers: &HeaderMap) -> Result<Response<Bytes>, Rejection> {
    let mut values = headers.get_all(&OKTA).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(malformed(format!("a GET must hold the header {OKTA} once")));
    };
    let challenge = plain(value.to_str().ok(), "challenge")?;
    Ok(reply(&json!({ "verification": challenge })))
}

/// The answer to Slack's question, where `body` is one.
///
/// # Errors
/// 400 where it is the question without a challenge that can be repeated.
pub(super) fn slack(body: &Value) -> Result<Option<Response<Bytes>>, Rejection> {
    if body.get("type").and_then(Value::as_str) != Some("url_verification") {
        return Ok(None);
    }
    let challenge = plain(body.get("challenge").and_then(Value::as_str), "challenge")?;
    Ok(Some(reply(&json!({ "challenge": challenge }))))
}

/// Whether `body` is one of the two pings that HiBob sends when a webhook is made: a bare text, then an object with nothing but a `text`.
pub(super) fn is_ping(body: &Value) -> bool {
    match body {
        Value::String(_) => true,
        Value::Object(members) => members.len() == 1 && members.get("text").is_some_and(Value::is_string),
        _ => false,
    }
}
