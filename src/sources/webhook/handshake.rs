//! How some senders make sure that the endpoint is ours before they send anything: they ask, and the answer repeats what they asked.

use ::http::header::HeaderName;
use ::http::{HeaderMap, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{malformed, reply};
use crate::jose::read_object;
use crate::sources::Rejection;

/// The longest challenge that is repeated, in bytes: what is repeated must not be a way to have us say anything.
const LONGEST: usize = 512;

const OKTA: HeaderName = HeaderName::from_static("x-okta-verification-challenge");

/// The question that a sender asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Handshake {
    /// An Okta event hook: GET with the challenge in a header (Okta, "One-time verification request").
    Okta,
    /// Slack's Events API: a signed POST of the type `url_verification`.
    Slack,
}

impl Handshake {
    /// The answer to a GET.
    ///
    /// # Errors
    /// 400 where there is no challenge, or one that no sender makes.
    pub(super) fn answer_get(headers: &HeaderMap) -> Result<Response<Bytes>, Rejection> {
        let mut values = headers.get_all(&OKTA).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(malformed(format!("a GET must hold the header {OKTA} once")));
        };
        let challenge = value.to_str().ok().filter(|challenge| is_plain(challenge));
        let challenge = challenge.ok_or_else(|| malformed("the challenge is empty, too long or not plain text"))?;
        Ok(reply(&json!({ "verification": challenge })))
    }

    /// The answer to a proven POST, where it is the question.
    ///
    /// # Errors
    /// 400 where it is the question without a challenge that can be repeated.
    pub(super) fn answer_post(self, body: &[u8]) -> Result<Option<Response<Bytes>>, Rejection> {
        if self != Self::Slack {
            return Ok(None);
        }
        let Ok(members) = read_object(body) else { return Ok(None) };
        if members.get("type").and_then(Value::as_str) != Some("url_verification") {
            return Ok(None);
        }
        let challenge = members
            .get("challenge")
            .and_then(Value::as_str)
            .filter(|challenge| is_plain(challenge));
        let challenge = challenge.ok_or_else(|| malformed("the challenge is missing, too long or not plain text"))?;
        Ok(Some(reply(&json!({ "challenge": challenge }))))
    }
}

fn is_plain(challenge: &str) -> bool {
    !challenge.is_empty() && challenge.len() <= LONGEST && challenge.bytes().all(|byte| byte.is_ascii_graphic())
}
