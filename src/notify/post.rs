//! One request over HTTP, and what every receiver means by its answers where it does not say otherwise.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;

use super::Answer;
use super::answer::asked_wait;
use crate::http::read_body;
use crate::model::Timestamp;

/// What an answer may weigh.
const ANSWER_CAP: usize = 16 << 10;

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) wait: Option<Duration>,
    pub(super) body: Bytes,
}

impl Reply {
    /// Its body as text, without the white space around it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    /// What an answer other than a success means: slow down, try again, or never. A redirect is not followed: it could carry a secret away.
    pub(super) fn failure(&self, said: &str) -> Answer {
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {}", crate::telemetry::sanitized(said, 200))
        };
        let why = format!("it answered {}{said}", self.status.as_u16());
        match self.status.as_u16() {
            408 | 429 | 500..=599 => Answer::Later(why, self.wait),
            _ => Answer::Refused(why),
        }
    }
}

/// Sends a JSON body.
///
/// # Errors
/// What came of it where nobody answered. Never names the address: it may be a secret.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &Url,
    headers: HeaderMap,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<Reply, Answer> {
    let sent = client
        .post(url.clone())
        .header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .headers(headers)
        .body(body)
        .send()
        .await;
    let answer = sent.map_err(|error| {
        let why = if error.is_timeout() {
            "it did not answer in time"
        } else {
            "it cannot be reached"
        };
        Answer::Later(why.to_owned(), None)
    })?;
    let (status, wait) = (answer.status(), asked_wait(answer.headers(), now));
    // A body that breaks off says nothing; the status stands.
    let body = read_body(answer, ANSWER_CAP).await.unwrap_or_default();
    Ok(Reply { status, wait, body })
}

/// Where requests go, without what may be secret of it.
pub(super) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Host and port of it.
pub(super) fn address_of(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}
