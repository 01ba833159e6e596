//! Poll delivery (RFC 8936), a long poll: hands tokens out until they are acknowledged, and waits for new ones.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Delivery, Inner, responses};
use crate::store::{DeliveryOutcome, StoreError};
use crate::telemetry::table;

/// The most tokens in one answer.
const MOST: u32 = 100;
/// The most acknowledgements and errors in one request.
const MOST_ACKS: usize = 1000;
/// How long a request waits for something to be told.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How often a request that waits looks by itself: commits of other processes wake nobody.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a receiver asks for.
struct PollRequest {
    most: u32,
    at_once: bool,
    outcomes: Vec<(String, DeliveryOutcome)>,
}

impl Inner {
    /// Whether a request shows the token of the receiver of that name, which polls.
    pub(super) fn polls(&self, name: &str, request: &Request<Bytes>) -> bool {
        let stream = self.streams.get(name);
        stream.is_some_and(|stream| matches!(stream.settings.delivery, Delivery::Poll) && stream.admits(request))
    }
}

/// Answers a poll.
pub(super) async fn answer(inner: &Inner, name: &str, request: &Request<Bytes>) -> Response<Bytes> {
    if !inner.polls(name, request) {
        return responses::unauthorized();
    }
    if !is_json(request) {
        return responses::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let poll = match PollRequest::read(request.body()) {
        Ok(asked) => asked,
        Err(why) => return responses::invalid_request(why),
    };
    match serve(inner, name, poll).await {
        Ok(body) => responses::json(&body),
        Err(Trouble::Store(error)) => responses::unavailable(&error),
        Err(Trouble::Key(error)) => {
            tracing::error!(error = format!("{error:#}"), "could not sign for a receiver");
            responses::empty(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

enum Trouble {
    Store(StoreError),
    Key(anyhow::Error),
}

/// Records what was acknowledged, then hands out what waits; waits itself where nothing does and the receiver allows it.
async fn serve(inner: &Inner, name: &str, request: PollRequest) -> Result<Value, Trouble> {
    let counts = request.outcomes.iter().map(|(_, outcome)| match outcome {
        DeliveryOutcome::Delivered => "delivered",
        _ => "refused",
    });
    let counts: Vec<&str> = counts.collect();
    if !request.outcomes.is_empty() {
        inner
            .store
            .record_outcomes(name, request.outcomes)
            .await
            .map_err(Trouble::Store)?;
    }
    for outcome in counts {
        table::STATEMENTS.add([name, outcome], 1);
    }
    if request.most == 0 {
        return Ok(json!({ "sets": {} }));
    }
    let wake = inner.store.wake_outbox();
    let until = Instant::now() + LONGEST_WAIT;
    loop {
        // Registered before the query: what is written while it runs wakes us too.
        let mut woken = std::pin::pin!(wake.notified());
        woken.as_mut().enable();
        let events = inner.store.due_events(name, request.most + 1).await.map_err(Trouble::Store)?;
        if !events.is_empty() || request.at_once || Instant::now() >= until || inner.stop.is_cancelled() {
            let most = usize::try_from(request.most).unwrap_or(usize::MAX);
            let mut sets = Map::new();
            for event in events.iter().take(most) {
                let token = inner.signer.sign_text(&event.claims).map_err(Trouble::Key)?;
                sets.insert(event.jti.clone(), token.into());
            }
            return Ok(json!({ "sets": sets, "moreAvailable": events.len() > most }));
        }
        tracing::trace!(receiver = name, "handed nothing out yet");
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)) => {}
            () = inner.stop.cancelled() => {}
        }
    }
}

impl PollRequest {
    /// Reads a request's body strictly: an acknowledgement that is not understood must not be taken for one.
    fn read(body: &[u8]) -> Result<Self, &'static str> {
        let body = crate::jose::read_object(body).map_err(|_| "the body is not a JSON object")?;
        let most = match body.get("maxEvents") {
            None => MOST,
            Some(count) => {
                let count = count.as_u64().ok_or("maxEvents is not a whole number from 0 up")?;
                u32::try_from(count).unwrap_or(MOST).min(MOST)
            }
        };
        let at_once = match body.get("returnImmediately") {
            None => false,
            Some(Value::Bool(at_once)) => *at_once,
            Some(_) => return Err("returnImmediately is neither true nor false"),
        };
        let mut outcomes = Vec::new();
        match body.get("ack") {
            None => {}
            Some(Value::Array(acks)) => {
                for jti in acks {
                    let jti = jti.as_str().ok_or("ack holds something that is not a text")?;
                    outcomes.push((jti.to_owned(), DeliveryOutcome::Delivered));
                }
            }
            Some(_) => return Err("ack is not a list"),
        }
        match body.get("setErrs") {
            None => {}
            Some(Value::Object(errors)) => {
                for (jti, error) in errors {
                    let code = error.get("err").and_then(Value::as_str);
                    let code = code.ok_or("an entry of setErrs has no err")?;
                    outcomes.push((jti.clone(), DeliveryOutcome::Refused(plain_code(code))));
                }
            }
            Some(_) => return Err("setErrs is not an object"),
        }
        if outcomes.len() > MOST_ACKS {
            return Err("more than 1000 tokens are acknowledged at once");
        }
        Ok(Self { most, at_once, outcomes })
    }
}

/// A receiver's error code for our records: its description may quote the token, so it is not kept, and what is no code is no code.
pub(super) fn plain_code(code: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if !code.is_empty() && code.len() <= 40 && code.chars().all(plain) {
        code.to_owned()
    } else {
        "unknown_code".to_owned()
    }
}

/// Whether the body says that it is JSON.
pub(super) fn is_json(request: &Request<Bytes>) -> bool {
    let media = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let media = media.and_then(|value| value.split(|byte| *byte == b';').next());
    media.is_some_and(|media| media.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_rfc_8936_are_read() {
        let read = |body: &str| PollRequest::read(body.as_bytes()).unwrap();
        assert!(read(r#"{"returnImmediately": true}"#).at_once);
        let plain = read("{}");
        assert!(!plain.at_once && plain.most == MOST);
        let acks = read(
            r#"{"ack":["4d3559ec67504aaba65d40b0363faad8","3d0c3cf797584bd193bd0fb1bd4e7d30"],"maxEvents":0,"returnImmediately":true}"#,
        );
        assert_eq!((acks.most, acks.outcomes.len()), (0, 2));
        let errors = read(
            r#"{"ack":["3d0c3cf797584bd193bd0fb1bd4e7d30"],"setErrs":{"4d3559ec67504aaba65d40b0363faad8":
               {"err":"authentication_failed","description":"The SET could not be authenticated"}},"returnImmediately":true}"#,
        );
        assert_eq!(
            errors.outcomes[1].1,
            DeliveryOutcome::Refused("authentication_failed".to_owned())
        );
        assert_eq!(read(r#"{"maxEvents":5000000000}"#).most, MOST);
    }

    #[test]
    fn what_is_not_understood_acknowledges_nothing() {
        for body in [
            "",
            "[]",
            r#"{"ack":"x"}"#,
            r#"{"ack":[7]}"#,
            r#"{"ack":[],"ack":["x"]}"#,
            r#"{"setErrs":[]}"#,
            r#"{"setErrs":{"x":"bad"}}"#,
            r#"{"setErrs":{"x":{"description":"bad"}}}"#,
            r#"{"maxEvents":-1}"#,
            r#"{"maxEvents":"1"}"#,
            r#"{"returnImmediately":1}"#,
        ] {
            assert!(PollRequest::read(body.as_bytes()).is_err(), "{body}");
        }
        let many = format!(r#"{{"ack":[{}"x"]}}"#, r#""x","#.repeat(1000));
        assert!(PollRequest::read(many.as_bytes()).is_err());
    }

    #[test]
    fn a_code_that_is_none_is_not_kept() {
        assert_eq!(plain_code("invalid_key"), "invalid_key");
        for code in ["", "unknown subject bob@example.org", "A", &"a".repeat(41)] {
            assert_eq!(plain_code(code), "unknown_code");
        }
    }
}
