//! One round of polling (RFC 8936): what is acknowledged, what is asked for, and what became of each token.
//!
//! What a round has read is stored together with what the next round acknowledges (the cursor). A crash anywhere in between leads to the
//! same tokens once more, which their names make harmless, and to the same acknowledgements, which a transmitter expects.

use std::time::Duration;

use ::http::StatusCode;
use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LANGUAGE};
use serde_json::{Value, json};

use super::acknowledgements::{Acknowledgements, Redelivered, SetErr};
use super::stream_config::Stream;
use super::stream_state::StreamState;
use crate::digest::sha256;
use crate::http;
use crate::jose::read_object;
use crate::model::{Delivery, Refused};
use crate::sources::ssf::BODY_CAP;
use crate::sources::ssf::endpoint::answer::malformed;
use crate::sources::ssf::transmitter::management::{ManagementError, wait};
use crate::sources::{Rejection, RejectionKind, SourceState};

/// What an answer may weigh, in bytes.
const CAP: usize = 8 << 20;
/// How long a poll may take that asks to be answered at once.
const AT_ONCE: Duration = Duration::from_secs(30);

/// What a transmitter answered to a poll.
#[derive(Debug, Default)]
pub(in crate::sources::ssf) struct PollResponse {
    /// The tokens by their names.
    sets: Vec<(String, Value)>,
    /// Whether there are more.
    pub(in crate::sources::ssf) more: bool,
}

impl PollResponse {
    /// Whether it brought nothing.
    pub(in crate::sources::ssf) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// How many of its tokens `acks` names.
    fn count(&self, acks: &Acknowledgements) -> usize {
        self.sets.iter().filter(|(name, _)| acks.names(name)).count()
    }
}

/// What came of reading the tokens of one answer.
pub(in crate::sources::ssf) struct PollRound {
    /// What is to be stored; `None` where nothing is new.
    pub(in crate::sources::ssf) delivery: Option<Delivery>,
    /// How long to wait, where some token could not be judged now: it stays with the transmitter.
    pub(in crate::sources::ssf) put_off: Option<Duration>,
    /// The digests of the refused, under their names.
    pub(in crate::sources::ssf) refused: Vec<[u8; 32]>,
    /// How many tokens came again although they are dealt with.
    pub(in crate::sources::ssf) again: Redelivered,
}

/// What a poll asks for, besides what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::ssf) struct PollRequest {
    /// The most tokens; none where it is only to tell.
    pub(in crate::sources::ssf) most: u32,
    /// Whether the transmitter is to answer at once, although it has nothing.
    pub(in crate::sources::ssf) at_once: bool,
}

impl PollRequest {
    /// Nothing: the poll only tells.
    pub(in crate::sources::ssf) const NOTHING: Self = Self { most: 0, at_once: true };
}

/// Polls once. An answer that never came counts as one that brought nothing, where the transmitter may hold it: `None`.
///
/// # Errors
/// [`ManagementError`], with the transmitter's answer where there was one.
pub(in crate::sources::ssf) async fn poll(
    stream: &Stream,
    made: &StreamState,
    acks: &Acknowledgements,
    ask: PollRequest,
) -> Result<Option<PollResponse>, ManagementError> {
    let doing = "polling";
    let unreachable = |error: anyhow::Error| ManagementError::Unreachable { doing, error };
    let odd = |why| ManagementError::Odd { doing, why };
    let endpoint = made.endpoint.as_deref().ok_or(ManagementError::Absent(doing))?;
    let url = stream.discovery.allowed(endpoint).map_err(unreachable)?;
    let body = request(acks, ask);
    let send = async |anew| -> anyhow::Result<reqwest::Result<reqwest::Response>> {
        let header = stream.access_token.header(&stream.client, anew).await?;
        let asked = stream
            .client
            .post(url.clone())
            .header(AUTHORIZATION, header)
            .header(ACCEPT, "application/json");
        let asked = if ask.at_once { asked.timeout(AT_ONCE) } else { asked };
        // The complaints are in a language, and it is to be said which (RFC 8936 section 2.6).
        let asked = if acks.errs.is_empty() {
            asked
        } else {
            asked.header(CONTENT_LANGUAGE, "en")
        };
        Ok(asked.json(&body).send().await.map_err(reqwest::Error::without_url))
    };
    let mut answer = send(false).await.map_err(unreachable)?;
    if answer
        .as_ref()
        .is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
        && stream.access_token.renews()
    {
        answer = send(true).await.map_err(unreachable)?;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.is_timeout() && !error.is_connect() && !ask.at_once => return Ok(None),
        Err(error) => return Err(unreachable(error.into())),
    };
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(ManagementError::Answered {
            doing,
            status,
            wait: wait(&answer),
        });
    }
    let body = http::read_body(answer, CAP).await.map_err(unreachable)?;
    let members = read_object(&body).map_err(|why| unreachable(anyhow::anyhow!("the answer cannot be read: {why}")))?;
    let more = members.get("moreAvailable") == Some(&Value::Bool(true));
    let sets = match members.into_iter().find(|(name, _)| name == "sets") {
        Some((_, Value::Object(sets))) => sets.into_iter().collect(),
        // An answer to a poll that only acknowledges may say nothing.
        None => Vec::new(),
        Some(_) => return Err(odd("its sets are not an object")),
    };
    Ok(Some(PollResponse { sets, more }))
}

fn request(acks: &Acknowledgements, ask: PollRequest) -> Value {
    let mut body = json!({"maxEvents": ask.most, "returnImmediately": ask.at_once});
    if !acks.ack.is_empty() {
        body["ack"] = json!(acks.ack);
    }
    if !acks.errs.is_empty() {
        body["setErrs"] = json!(acks.errs);
    }
    body
}

/// Reads the tokens of an answer. `told` is what this poll told of all that was `pending`, and over now; `known` says of a digest whether
/// that very token was refused and recorded before.
///
/// # Errors
/// Where what is to be acknowledged cannot be written down.
pub(in crate::sources::ssf) async fn read(
    stream: &Stream,
    answer: PollResponse,
    told: &Acknowledgements,
    pending: &Acknowledgements,
    own_state: &dyn SourceState,
    known: impl Fn(&[u8; 32]) -> bool,
) -> anyhow::Result<PollRound> {
    let now = stream.clock.now();
    let mut delivery = Delivery::of(&stream.name, Vec::new(), now);
    let mut acks = Acknowledgements::default();
    let mut round = PollRound {
        delivery: None,
        put_off: None,
        refused: Vec::new(),
        again: Redelivered {
            pending: answer.count(pending),
            told: answer.count(told),
        },
    };
    for (name, token) in answer.sets {
        match take(stream, &name, &token, own_state, &mut delivery).await {
            Ok(()) => acks.take(name),
            Err(rejection) => {
                if let RejectionKind::NotNow(wait) | RejectionKind::TooFast(wait) = rejection.kind {
                    round.put_off = round.put_off.max(Some(wait));
                    continue;
                }
                let digest = sha256(format!("{name}\n{token}").as_bytes());
                if !known(&digest) {
                    tracing::warn!(
                        source = stream.name,
                        token = shown(&name),
                        code = rejection.code,
                        "refused a token: {}",
                        rejection.description
                    );
                    round.refused.push(digest);
                    delivery.refused.push(Refused {
                        place: shown(&name),
                        why: rejection.to_string(),
                    });
                }
                acks.refuse(name, SetErr::of(&rejection));
            }
        }
    }
    acks.keep(pending, told);
    if acks != *pending || !delivery.signals.is_empty() || !delivery.refused.is_empty() {
        delivery.cursor = Some(acks.cursor()?);
        round.delivery = Some(delivery);
    }
    Ok(round)
}

/// Judges one token and takes it into the delivery.
async fn take(
    stream: &Stream,
    name: &str,
    token: &Value,
    own_state: &dyn SourceState,
    delivery: &mut Delivery,
) -> Result<(), Rejection> {
    let token = token.as_str().ok_or_else(|| malformed("the token is not a text"))?;
    if token.len() > BODY_CAP {
        return Err(malformed(format!("a token may weigh {BODY_CAP} bytes")));
    }
    stream.take(token.as_bytes(), Some(name), own_state, delivery).await
}

/// A name for the trail, which holds no text of a transmitter's: what its SHA-256 begins with.
fn shown(name: &str) -> String {
    let [a, b, c, d, ..] = sha256(name.as_bytes());
    format!("token {a:02x}{b:02x}{c:02x}{d:02x}…")
}
