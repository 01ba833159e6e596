//! How receivers stand, and a handshake on an operator's word.

use std::time::Duration;

use serde::Serialize;

use super::ReceiverSettings;
use crate::model::Actor;
use crate::store::{Backlog, Result, Store};

/// How often it is looked whether a handshake has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How a receiver stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReceiverState {
    /// Its name.
    pub receiver: String,
    /// `push` or `poll`.
    pub delivery: &'static str,
    /// What it calls itself.
    pub audience: String,
    /// What waits for it, and what became of the rest.
    #[serde(flatten)]
    pub backlog: Backlog,
}

/// How each of these receivers stands.
///
/// # Errors
/// Where the store cannot be read.
pub async fn receiver_states(store: &Store, receivers: &[ReceiverSettings]) -> Result<Vec<ReceiverState>> {
    let mut states = Vec::with_capacity(receivers.len());
    for settings in receivers {
        states.push(ReceiverState {
            receiver: settings.receiver.name.clone(),
            delivery: settings.delivery.word(),
            audience: settings.receiver.audience.clone(),
            backlog: store.backlog(&settings.receiver.name).await?,
        });
    }
    Ok(states)
}

/// A handshake (a verification event), and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Handshake {
    /// The id of its token.
    pub jti: String,
    /// `pending` until the receiver has it, then `delivered`; or `refused`, or `dead` where it was given up.
    pub state: String,
    /// What went wrong with it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Sends a receiver a handshake, and waits until it has it, or for so long.
///
/// # Errors
/// Where the store cannot be read or written.
pub async fn shake_hands(store: &Store, receiver: &ReceiverSettings, by: Actor, patience: Duration) -> Result<Handshake> {
    let jti = store.queue_verification(receiver.receiver.clone(), None, by).await?;
    let until = tokio::time::Instant::now() + patience;
    loop {
        let (state, error) = store.event_state(&jti).await?.unwrap_or_default();
        if state != "pending" || tokio::time::Instant::now() >= until {
            return Ok(Handshake { jti, state, error });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
