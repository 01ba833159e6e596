//! The stored state of a stream: its id at the transmitter, its status, the verifications that we asked for. None of it is a secret: of a verification's state only the digest.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::digest::{hex, sha256};
use crate::model::{StateChange, StateEntry, Timestamp};
use crate::sources::SourceState;
use crate::sources::ssf::transmitter::management::StreamDescription;
use crate::sources::ssf::transmitter::metadata::Method;

/// The namespace of what is known of the stream.
const STREAM: &str = "stream";
/// The namespace of the verifications that we asked for, by the digest of their state.
const VERIFICATION: &str = "verification";
/// How many asked verifications are kept: an answer may come late, and after the one to a later question.
const KEPT: usize = 8;

/// A stream that we have made or taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// Its id at the transmitter.
    pub id: String,
    /// How its tokens come.
    pub method: Method,
    /// Where they are polled from, or pushed to.
    pub endpoint: Option<String>,
    /// What `aud` of its tokens is.
    pub aud: Vec<String>,
    /// The event types that will come.
    pub delivered: Vec<String>,
    /// The shortest time between two verifications, in seconds.
    pub min_verification_interval: Option<u64>,
    /// How long we may be silent before the transmitter stops the stream, in seconds.
    pub inactivity_timeout: Option<u64>,
    /// The members of a complex subject without which the transmitter wants no event acted on.
    #[serde(default)]
    pub critical: Vec<String>,
    /// When we made it or took it over.
    pub at: Timestamp,
}

/// What the transmitter last said of the stream's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// `enabled`, `paused` or `disabled`; `gone` where it does not know the stream any more.
    pub status: String,
    /// Why, in the transmitter's words.
    pub reason: Option<String>,
}

/// A verification that we asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationRequest {
    /// When.
    pub asked_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

impl StreamState {
    /// What is to be remembered of a stream.
    #[must_use]
    pub fn of(stream: StreamDescription, method: Method, critical: Vec<String>, at: Timestamp) -> Self {
        Self {
            id: stream.id,
            method,
            endpoint: stream.endpoint,
            aud: stream.aud,
            delivered: stream.delivered,
            min_verification_interval: stream.min_verification_interval,
            inactivity_timeout: stream.inactivity_timeout,
            critical,
            at,
        }
    }

    /// The stream that the source has.
    ///
    /// # Errors
    /// Where the store cannot be read, or holds something else.
    pub async fn recall(own_state: &dyn SourceState) -> anyhow::Result<Option<Self>> {
        recall(own_state, STREAM, "made").await
    }

    /// The step that keeps it.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn keep(&self) -> anyhow::Result<StateChange> {
        keep(STREAM, "made", self)
    }

    /// The steps that forget the stream and all that was known of it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn forget(own_state: &dyn SourceState) -> anyhow::Result<Vec<StateChange>> {
        let mut steps = vec![forget(STREAM, "made"), forget(STREAM, "status"), forget(STREAM, "verified")];
        let asked = own_state.state_entries_after(VERIFICATION, "", 1000).await?;
        steps.extend(asked.iter().map(|entry| forget(VERIFICATION, &entry.key)));
        Ok(steps)
    }
}

impl StreamStatus {
    /// What is known of it.
    ///
    /// # Errors
    /// As [`StreamState::recall`].
    pub async fn recall(own_state: &dyn SourceState) -> anyhow::Result<Option<Self>> {
        recall(own_state, STREAM, "status").await
    }

    /// The step that keeps it.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn keep(&self) -> anyhow::Result<StateChange> {
        keep(STREAM, "status", self)
    }

    /// Whether tokens come.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }
}

impl VerificationRequest {
    /// The verification that was asked for with `state`.
    ///
    /// # Errors
    /// As [`StreamState::recall`].
    pub async fn recall(own_state: &dyn SourceState, state: &str) -> anyhow::Result<Option<Self>> {
        recall(own_state, VERIFICATION, &name(state)).await
    }

    /// The steps that keep it under `state`, and forget those that are too old to matter.
    ///
    /// # Errors
    /// Where the store cannot be read, or a step not be written down.
    pub async fn first(own_state: &dyn SourceState, state: &str, at: Timestamp) -> anyhow::Result<Vec<StateChange>> {
        let entries = own_state.state_entries_after(VERIFICATION, "", 1000).await?;
        let mut older: Vec<(Timestamp, String)> = entries
            .into_iter()
            .map(|entry| {
                let asked = serde_json::from_str::<Self>(&entry.body);
                (asked.map_or(Timestamp::from_ms(0), |asked| asked.asked_at), entry.key)
            })
            .collect();
        older.sort();
        let gone = older.len().saturating_sub(KEPT - 1);
        let mut steps: Vec<StateChange> = older[..gone].iter().map(|(_, key)| forget(VERIFICATION, key)).collect();
        let asked = Self {
            asked_at: at,
            answered_at: None,
        };
        steps.push(keep(VERIFICATION, &name(state), &asked)?);
        Ok(steps)
    }

    /// Since when the last verification that was asked for is not answered; `None` where it is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unanswered_since(own_state: &dyn SourceState) -> anyhow::Result<Option<Timestamp>> {
        let entries = own_state.state_entries_after(VERIFICATION, "", 1000).await?;
        let asked = entries
            .iter()
            .filter_map(|entry| serde_json::from_str::<Self>(&entry.body).ok());
        let last = asked.max_by_key(|asked| asked.asked_at);
        Ok(last.filter(|last| last.answered_at.is_none()).map(|last| last.asked_at))
    }

    /// The steps that note the answer to the verification asked for with `state`.
    ///
    /// # Errors
    /// Where one cannot be written down.
    pub fn answered(self, state: &str, at: Timestamp) -> anyhow::Result<Vec<StateChange>> {
        let asked = Self {
            answered_at: Some(at),
            ..self
        };
        Ok(vec![
            keep(VERIFICATION, &name(state), &asked)?,
            keep(STREAM, "verified", &at)?,
        ])
    }
}

/// When the stream last proved that it is alive.
///
/// # Errors
/// As [`StreamState::recall`].
pub async fn verified_at(own_state: &dyn SourceState) -> anyhow::Result<Option<Timestamp>> {
    recall(own_state, STREAM, "verified").await
}

/// The digest that stands for a state.
fn name(state: &str) -> String {
    hex(&sha256(state.as_bytes()))
}

async fn recall<T: for<'d> Deserialize<'d>>(own_state: &dyn SourceState, namespace: &str, key: &str) -> anyhow::Result<Option<T>> {
    let Some(entry) = own_state.state_entry(namespace, key).await? else {
        return Ok(None);
    };
    let read = serde_json::from_str(&entry.body);
    if let Err(error) = &read {
        // As good as forgotten: to connect again mends it.
        tracing::warn!(namespace, key, %error, "what is remembered of a stream cannot be read");
    }
    Ok(read.ok())
}

fn keep<T: Serialize>(namespace: &str, key: &str, value: &T) -> anyhow::Result<StateChange> {
    let body = serde_json::to_string(value).context("what is to be remembered of a stream cannot be written down")?;
    Ok(StateChange::Put(StateEntry {
        namespace: namespace.to_owned(),
        key: key.to_owned(),
        look_up: None,
        about: None,
        body,
    }))
}

fn forget(namespace: &str, key: &str) -> StateChange {
    StateChange::Delete {
        namespace: namespace.to_owned(),
        key: key.to_owned(),
    }
}
