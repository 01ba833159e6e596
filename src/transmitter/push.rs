//! Push delivery (RFC 8935): one sender for each receiver, with backoff, which goes on where it was whatever happened in between.

use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::poll::plain_code;
use super::{Delivery, Transmitter};
use crate::backoff::{Backoff, Jitter};
use crate::http::read_body;
use crate::model::{Timestamp, error_chain};
use crate::store::{DeliveryOutcome, OutboxEvent, Store};
use crate::telemetry::table;

/// How the waits between attempts grow, for the receiver as a whole.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_mins(10),
};
/// The shortest wait that a receiver may ask for: 0 would have us try again at once, and again.
const SHORTEST_ASKED: Duration = Duration::from_secs(1);
/// The longest wait that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// After how many failures in a row somebody should know.
const PATIENCE: u32 = 3;
/// For how long a token is tried: whoever has not heard of it within a week has other sources by then.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_hours(24 * 7);
/// The longest sleep: commits of other processes wake nobody.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);
/// How many tokens are read at once.
const BATCH: u32 = 16;
/// What an answer may weigh.
const ANSWER_CAP: usize = 16 << 10;

/// Tells one push receiver what waits for it, until `stop`.
pub async fn run(transmitter: Transmitter, name: String, stop: CancellationToken) {
    let store = transmitter.0.store.clone();
    let jitter = Jitter::new(None);
    let wake = store.wake_outbox();
    let mut failures = 0_u32;
    let mut not_before = Instant::now();
    loop {
        // Registered before the query: what is written while it runs wakes us too.
        let mut woken = std::pin::pin!(wake.notified());
        woken.as_mut().enable();
        let mut sleep = LONGEST_SLEEP;
        if Instant::now() >= not_before {
            match round(&transmitter, &name, &jitter, &mut failures, &stop).await {
                Ok(Some(pause)) => not_before = Instant::now() + pause,
                Ok(None) => {}
                Err(error) => tracing::warn!(receiver = name, error = %error_chain(&error), "could not work on the outbox"),
            }
        } else {
            sleep = sleep.min(not_before - Instant::now());
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(sleep) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Sends what is due, in order, until the receiver is in trouble: then answers for how long to leave it alone.
async fn round(
    transmitter: &Transmitter,
    name: &str,
    jitter: &Jitter,
    failures: &mut u32,
    stop: &CancellationToken,
) -> Result<Option<Duration>, crate::store::StoreError> {
    let store = &transmitter.0.store;
    loop {
        let events = store.due_events(name, BATCH).await?;
        if events.is_empty() {
            return Ok(None);
        }
        for event in events {
            let Some(answered) = stop.run_until_cancelled(post(transmitter, name, &event)).await else {
                return Ok(None);
            };
            let (outcome, pause) = judge(store.clock().now(), &event, answered, jitter, *failures);
            table::STATEMENTS.add([name, word(&outcome)], 1);
            let why = match &outcome {
                DeliveryOutcome::Retry { why, .. } => Some(why.clone()),
                _ => None,
            };
            store.record_outcomes(name, vec![(event.jti, outcome)]).await?;
            let Some(pause) = pause else {
                *failures = 0;
                continue;
            };
            *failures = failures.saturating_add(1);
            tracing::warn!(receiver = name, failures = *failures, why, "could not tell a receiver");
            if *failures == PATIENCE {
                alert(store, name, why.as_deref().unwrap_or("it does not answer")).await?;
            }
            return Ok(Some(pause));
        }
    }
}

async fn alert(store: &Store, name: &str, why: &str) -> Result<(), crate::store::StoreError> {
    let summary = format!("receiver {name} cannot be told what was contained ({why}); it is tried again for a week");
    store.raise_alert("receiver_down", format!("receiver:{name}"), summary).await
}

/// What a receiver answered to one token.
#[derive(Debug, PartialEq, Eq)]
enum PushResult {
    /// 202: it has it.
    Taken,
    /// 400 with a code: it will never take it.
    Refused(String),
    /// Anything else, and how long it asks us to wait.
    Trouble(String, Option<Duration>),
}

/// What an answer means for the token, and for how long the receiver is left alone.
fn judge(
    now: Timestamp,
    event: &OutboxEvent,
    answered: PushResult,
    jitter: &Jitter,
    failures: u32,
) -> (DeliveryOutcome, Option<Duration>) {
    match answered {
        PushResult::Taken => (DeliveryOutcome::Delivered, None),
        PushResult::Refused(code) => (DeliveryOutcome::Refused(code), None),
        PushResult::Trouble(why, asked) => {
            let wait = asked.map_or_else(
                || BACKOFF.wait(failures.saturating_add(1), jitter),
                |asked| asked.clamp(SHORTEST_ASKED, LONGEST_ASKED),
            );
            let outcome = if now.since(event.created_at) >= GIVE_UP_AFTER {
                DeliveryOutcome::GivenUp { why }
            } else {
                DeliveryOutcome::Retry {
                    due: now.plus(wait),
                    why,
                }
            };
            (outcome, Some(wait))
        }
    }
}

async fn post(transmitter: &Transmitter, name: &str, event: &OutboxEvent) -> PushResult {
    let stream = transmitter.0.streams.get(name);
    let Some(Delivery::Push {
        endpoint,
        authorization,
        client,
    }) = stream.map(|stream| &stream.settings.delivery)
    else {
        return PushResult::Trouble("the receiver is not one that is sent to".to_owned(), None);
    };
    let token = match transmitter.0.signer.sign_text(&event.claims) {
        Ok(token) => token,
        Err(error) => return PushResult::Trouble(format!("{error:#}"), None),
    };
    let mut asked = client
        .post(endpoint.clone())
        .header(CONTENT_TYPE, "application/secevent+jwt")
        .header(ACCEPT, "application/json")
        .body(token);
    if let Some(secret) = authorization {
        match http::HeaderValue::from_str(secret.expose_secret()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                asked = asked.header(AUTHORIZATION, value);
            }
            Err(_) => return PushResult::Trouble("the authorization is not one that a header can hold".to_owned(), None),
        }
    }
    match asked.send().await {
        Ok(answer) => understood(answer, transmitter.0.store.clock().now()).await,
        Err(error) => {
            let what = if error.is_timeout() {
                "it did not answer in time"
            } else {
                "it cannot be reached"
            };
            PushResult::Trouble(what.to_owned(), None)
        }
    }
}

/// Reads an answer as RFC 8935 section 2.2 to 2.4 means it.
async fn understood(answer: reqwest::Response, now: Timestamp) -> PushResult {
    let status = answer.status();
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| wait(text, now));
    match status {
        StatusCode::ACCEPTED => PushResult::Taken,
        StatusCode::BAD_REQUEST => match read_body(answer, ANSWER_CAP).await {
            Ok(body) => match refusal(&body) {
                Some(code) => PushResult::Refused(code),
                None => PushResult::Trouble("it answered 400 without a code of RFC 8935".to_owned(), None),
            },
            Err(_) => PushResult::Trouble("its answer broke off".to_owned(), None),
        },
        status if status.is_success() => {
            PushResult::Trouble(format!("it answered {} where RFC 8935 asks for 202", status.as_u16()), asked)
        }
        status => PushResult::Trouble(format!("it answered {}", status.as_u16()), asked),
    }
}

/// A `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp::from(at).since(now))
}

/// The code of a refusal.
fn refusal(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("err")?.as_str().map(plain_code)
}

const fn word(outcome: &DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Refused(_) => "refused",
        DeliveryOutcome::Retry { .. } => "retried",
        DeliveryOutcome::GivenUp { .. } => "given_up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

    fn judged(age: Duration, answered: PushResult, failures: u32) -> (DeliveryOutcome, Option<Duration>) {
        let event = OutboxEvent {
            jti: "j".to_owned(),
            event_type: "session-revoked".to_owned(),
            claims: "{}".to_owned(),
            attempts: 0,
            created_at: NOW.minus(age),
        };
        judge(NOW, &event, answered, &Jitter::new(Some(1)), failures)
    }

    fn trouble(asked: Option<u64>) -> PushResult {
        PushResult::Trouble("it answered 503".to_owned(), asked.map(Duration::from_secs))
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_up_to_an_hour() {
        for (asked, wait) in [(7, 7), (100_000, 3600)] {
            let (outcome, pause) = judged(Duration::ZERO, trouble(Some(asked)), 0);
            let wait = Duration::from_secs(wait);
            assert_eq!(pause, Some(wait));
            let why = "it answered 503".to_owned();
            assert_eq!(
                outcome,
                DeliveryOutcome::Retry {
                    due: NOW.plus(wait),
                    why
                }
            );
        }
    }

    #[test]
    fn waits_grow_and_a_week_ends_them() {
        let longest = (0..200)
            .map(|failures| judged(Duration::ZERO, trouble(None), failures).1.unwrap())
            .max()
            .unwrap();
        assert!(longest > Duration::from_mins(2) && longest <= BACKOFF.longest, "{longest:?}");
        assert!(judged(Duration::ZERO, trouble(None), 0).1.unwrap() <= BACKOFF.first);
        assert!(matches!(
            judged(GIVE_UP_AFTER, trouble(None), 9).0,
            DeliveryOutcome::GivenUp { .. }
        ));
        assert_eq!(
            judged(GIVE_UP_AFTER, PushResult::Taken, 9),
            (DeliveryOutcome::Delivered, None)
        );
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_as_a_date() {
        assert_eq!(wait(" 7 ", NOW), Some(Duration::from_secs(7)));
        assert_eq!(wait("Mon, 24 Nov 2025 16:01:00 GMT", NOW), Some(Duration::from_mins(1)));
        assert_eq!(wait("Mon, 24 Nov 2025 15:00:00 GMT", NOW), Some(Duration::ZERO));
        for text in ["", "-1", "soon", "1.5"] {
            assert_eq!(wait(text, NOW), None, "{text:?}");
        }
    }

    #[test]
    fn a_refusal_is_known_by_its_code_alone() {
        assert_eq!(
            refusal(br#"{"err":"invalid_key","description":"bob@example.org"}"#).as_deref(),
            Some("invalid_key")
        );
        assert_eq!(refusal(br#"{"error":"invalid_key"}"#), None);
        assert_eq!(refusal(b"<html>"), None);
    }
}
