//! Handshakes: some senders make sure that the endpoint is ours before they send anything. They ask, and the answer repeats what they asked.
//!
//! What is repeated is a short text without control characters, and never becomes markup. Nothing that a question names is ever fetched: an
//! address to be opened is shown to a person.

mod challenge;
mod event_grid;
mod graph;
mod sns;

use ::http::{Method, Request, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::answer::malformed;
use crate::model::{Alarm, Delivery, Timestamp};
use crate::sources::shared::http_answers::bare;
use crate::sources::{Received, Rejection};

/// The longest challenge that is repeated, in bytes: what is repeated must not be a way to have us say anything.
const LONGEST: usize = 512;

/// The question that a sender asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Handshake {
    /// Azure Event Grid: an event that holds a code, or `OPTIONS` of CloudEvents' webhooks.
    EventGrid,
    /// Google's channels: a first message without a body.
    GoogleChannel,
    /// Microsoft Graph: a POST with `?validationToken=`.
    Graph,
    /// HiBob: a ping, which is a bare text of JSON and then an object.
    Hibob,
    /// An Okta event hook: GET with the challenge in a header (Okta, "One-time verification request").
    Okta,
    /// Slack's Events API: a signed POST of the type `url_verification`.
    Slack,
    /// Amazon SNS: a message with an address that somebody opens.
    Sns,
}

impl Handshake {
    /// Those that may be answered to whoever holds the static secret, where the config names none.
    pub(super) const OF_SECRET_HOLDERS: &[Self] = &[Self::EventGrid, Self::GoogleChannel, Self::Graph, Self::Slack, Self::Sns];
}

/// The questions that a source answers.
#[derive(Debug)]
pub(super) struct Handshakes {
    /// The questions.
    asked: Vec<Handshake>,
    /// Whether Graph is answered before anything is proved: its question holds no secret.
    graph_unproven: bool,
}

impl Handshakes {
    /// Answers `asked`; with `graph_unproven` to anybody, where Graph asks.
    pub(super) fn new(asked: Vec<Handshake>, graph_unproven: bool) -> Self {
        Self { asked, graph_unproven }
    }

    fn has(&self, one: Handshake) -> bool {
        self.asked.contains(&one)
    }

    /// The methods that questions and deliveries come by.
    pub(super) fn methods(&self) -> &'static [Method] {
        match (self.has(Handshake::Okta), self.has(Handshake::EventGrid)) {
            (false, false) => &[Method::POST],
            (true, false) => &[Method::GET, Method::POST],
            (false, true) => &[Method::OPTIONS, Method::POST],
            (true, true) => &[Method::GET, Method::OPTIONS, Method::POST],
        }
    }

    /// The answer to a question that is asked without a proof.
    ///
    /// # Errors
    /// 400 where it is the question without anything that can be repeated.
    pub(super) fn before_proof(&self, request: &Request<Bytes>) -> Result<Option<Received>, Rejection> {
        if request.method() == Method::GET && self.has(Handshake::Okta) {
            return challenge::okta(request.headers()).map(|answer| Some(Received::Reply(answer)));
        }
        if self.graph_unproven && self.has(Handshake::Graph) {
            return Ok(graph::answer(request)?.map(Received::Reply));
        }
        Ok(None)
    }

    /// Whether a request is a question that has no body to be checked.
    pub(super) fn has_no_body(&self, request: &Request<Bytes>) -> bool {
        let options = request.method() == Method::OPTIONS && self.has(Handshake::EventGrid);
        options || self.is_google(request)
    }

    /// The answer to a question that is asked by what HTTP says, with the proof.
    ///
    /// # Errors
    /// As [`Handshakes::before_proof`].
    pub(super) fn by_http(&self, request: &Request<Bytes>) -> Result<Option<Received>, Rejection> {
        if request.method() == Method::OPTIONS && self.has(Handshake::EventGrid) {
            return event_grid::consent(request.headers()).map(|answer| Some(Received::Reply(answer)));
        }
        if self.is_google(request) {
            return Ok(Some(Received::Reply(bare(StatusCode::NO_CONTENT))));
        }
        if self.has(Handshake::Graph) {
            return Ok(graph::answer(request)?.map(Received::Reply));
        }
        Ok(None)
    }

    /// The answer to a question that is asked by a body, with the proof, to the source `source`.
    ///
    /// # Errors
    /// As [`Handshakes::before_proof`].
    pub(super) fn by_body(&self, body: &Value, source: &str, now: Timestamp) -> Result<Option<Received>, Rejection> {
        let reply = |answer| Ok(Some(Received::Reply(answer)));
        if self.has(Handshake::Slack)
            && let Some(answer) = challenge::slack(body)?
        {
            return reply(answer);
        }
        if self.has(Handshake::Hibob) && challenge::is_ping(body) {
            return reply(bare(StatusCode::OK));
        }
        if self.has(Handshake::EventGrid)
            && let Some(answer) = event_grid::code(body)?
        {
            return reply(answer);
        }
        if self.has(Handshake::Sns)
            && let Some(alarm) = sns::notice(body, source)
        {
            return Ok(Some(told(alarm, source, now)));
        }
        Ok(None)
    }

    fn is_google(&self, request: &Request<Bytes>) -> bool {
        let state = request.headers().get("x-goog-resource-state");
        self.has(Handshake::GoogleChannel) && request.method() == Method::POST && state.is_some_and(|state| state == "sync")
    }
}

/// An alert, and 200 once it is stored.
fn told(alarm: Alarm, source: &str, now: Timestamp) -> Received {
    let mut delivery = Delivery::of(source, Vec::new(), now);
    delivery.alarms.push(alarm);
    Received::Answered(delivery, bare(StatusCode::OK))
}

/// A challenge that can be repeated in JSON.
fn plain<'v>(challenge: Option<&'v str>, what: &str) -> Result<&'v str, Rejection> {
    let is_plain = |challenge: &&str| {
        !challenge.is_empty() && challenge.len() <= LONGEST && challenge.bytes().all(|byte| byte.is_ascii_graphic())
    };
    challenge
        .filter(is_plain)
        .ok_or_else(|| malformed(format!("the {what} is missing, too long or not plain text")))
}
