//! One round of polling (RFC 8936): what is acknowledged, what is asked for, and what became of each token.
//!
//! What a round has read is stored together with what the next round acknowledges (the cursor). A crash anywhere in between leads to the
//! same tokens once more, which their names make harmless, and to the same acknowledgements, which a transmitter expects.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::StatusCode;
use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LANGUAGE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::BODY_CAP;
use super::answer::malformed;
use super::management::{Trouble, wait};
use super::memory::Made;
use super::stream::Stream;
use crate::http;
use crate::jose::read_object;
use crate::model::{Delivery, Refused};
use crate::sources::digest::sha256;
use crate::sources::{House, Rejection, RejectionKind};

/// What an answer may weigh, in bytes.
const CAP: usize = 8 << 20;

/// What the next poll tells the transmitter: kept as the source's cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Acks {
    /// The names of the tokens that are stored.
    pub(super) ack: Vec<String>,
    /// The names of those that are refused, and why.
    #[serde(rename = "setErrs")]
    pub(super) errs: BTreeMap<String, SetErr>,
}

/// Why a token is refused (RFC 8936 section 2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetErr {
    /// The code.
    pub(super) err: String,
    /// What was wrong.
    pub(super) description: String,
}

impl SetErr {
    pub(super) fn of(rejection: &Rejection) -> Self {
        Self {
            err: rejection.code.to_owned(),
            description: rejection.description.clone(),
        }
    }
}

impl Acks {
    /// The cursor as it was stored.
    pub(super) fn read(cursor: Option<&str>) -> Self {
        let read = cursor.map(serde_json::from_str).transpose();
        // One that cannot be read costs a redelivery.
        read.ok().flatten().unwrap_or_default()
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.ack.is_empty() && self.errs.is_empty()
    }

    fn cursor(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a transmitter answered to a poll.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The tokens by their names.
    sets: Vec<(String, Value)>,
    /// Whether there are more.
    pub(super) more: bool,
}

impl Answer {
    /// Whether it brought nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

/// What came of reading the tokens of one answer.
pub(super) struct Round {
    /// What is to be stored; `None` where nothing is new.
    pub(super) delivery: Option<Delivery>,
    /// How long to wait, where some token could not be judged now: it stays with the transmitter.
    pub(super) put_off: Option<Duration>,
    /// The digests of the refused, under their names.
    pub(super) refused: Vec<[u8; 32]>,
}

/// What a poll asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Tokens, as the config says.
    Tokens,
    /// Nothing: only what was stored is acknowledged.
    Nothing,
}

/// Polls once. An answer that never came counts as one that brought nothing, where the transmitter may hold it: `None`.
///
/// # Errors
/// [`Trouble`], with the transmitter's answer where there was one.
pub(super) async fn poll(stream: &Stream, made: &Made, acks: &Acks, ask: Ask) -> Result<Option<Answer>, Trouble> {
    let doing = "polling";
    let unreachable = |error: anyhow::Error| Trouble::Unreachable { doing, error };
    let odd = |why| Trouble::Odd { doing, why };
    let endpoint = made.endpoint.as_deref().ok_or(Trouble::Absent(doing))?;
    let url = stream.discovery.allowed(endpoint).map_err(unreachable)?;
    let body = request(stream, acks, ask);
    let send = async |anew| -> anyhow::Result<reqwest::Result<reqwest::Response>> {
        let header = stream.bearer.header(&stream.client, anew).await?;
        let asked = stream
            .client
            .post(url.clone())
            .header(AUTHORIZATION, header)
            .header(ACCEPT, "application/json");
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
        && stream.bearer.renews()
    {
        answer = send(true).await.map_err(unreachable)?;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.is_timeout() && !error.is_connect() && stream.intent.long_poll => return Ok(None),
        Err(error) => return Err(unreachable(error.into())),
    };
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(Trouble::Answered {
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
    Ok(Some(Answer { sets, more }))
}

fn request(stream: &Stream, acks: &Acks, ask: Ask) -> Value {
    let mut body = match ask {
        Ask::Tokens => json!({"maxEvents": stream.intent.max_events, "returnImmediately": !stream.intent.long_poll}),
        Ask::Nothing => json!({"maxEvents": 0, "returnImmediately": true}),
    };
    if !acks.ack.is_empty() {
        body["ack"] = json!(acks.ack);
    }
    if !acks.errs.is_empty() {
        body["setErrs"] = json!(acks.errs);
    }
    body
}

/// Reads the tokens of an answer. `told` is what this poll acknowledged, which is over now; `known` says of a digest whether that very
/// token was refused and recorded before.
pub(super) async fn read(
    stream: &Stream,
    answer: Answer,
    told: &Acks,
    house: &dyn House,
    known: impl Fn(&[u8; 32]) -> bool,
) -> Round {
    let now = stream.clock.now();
    let mut delivery = Delivery::of(&stream.name, Vec::new(), now);
    let mut acks = Acks::default();
    let mut round = Round {
        delivery: None,
        put_off: None,
        refused: Vec::new(),
    };
    for (name, token) in answer.sets {
        match take(stream, &name, &token, house, &mut delivery).await {
            Ok(()) => acks.ack.push(name),
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
                acks.errs.insert(name, SetErr::of(&rejection));
            }
        }
    }
    if acks != *told || !delivery.signals.is_empty() || !delivery.refused.is_empty() {
        delivery.cursor = Some(acks.cursor());
        round.delivery = Some(delivery);
    }
    round
}

/// Judges one token and takes it into the delivery.
async fn take(stream: &Stream, name: &str, token: &Value, house: &dyn House, delivery: &mut Delivery) -> Result<(), Rejection> {
    let token = token.as_str().ok_or_else(|| malformed("the token is not a text"))?;
    if token.len() > BODY_CAP {
        return Err(malformed(format!("a token may weigh {BODY_CAP} bytes")));
    }
    stream.take(token.as_bytes(), Some(name), house, delivery).await
}

/// A name for the trail, which holds no text of a transmitter's: what its SHA-256 begins with.
fn shown(name: &str) -> String {
    let [a, b, c, d, ..] = sha256(name.as_bytes());
    format!("token {a:02x}{b:02x}{c:02x}{d:02x}…")
}
