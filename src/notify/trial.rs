//! A test of channels, on an operator's word: each is sent a message without an alert.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Actor;
use crate::store::{Result, Store, TrialOutcome};

/// How often it is looked what came of it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Has the running daemon send a trial to each channel, and waits what comes of them.
///
/// # Errors
/// Where the store cannot be read or written.
pub async fn try_channels(store: &Store, channels: &[&str], by: &Actor, patience: Duration) -> Result<Vec<TrialOutcome>> {
    let mut trials = Vec::with_capacity(channels.len());
    for name in channels {
        let sentence = format!("a test of channel {name}, asked for by {by}; nothing is wrong");
        trials.push(store.try_channel(name, sentence).await?);
    }
    let until = Instant::now() + patience;
    let outcomes = loop {
        let mut outcomes = Vec::with_capacity(trials.len());
        for trial in &trials {
            outcomes.push(store.outcome_of_trial(*trial).await?);
        }
        if outcomes.iter().all(|outcome| outcome.waiting == 0) || Instant::now() >= until {
            break outcomes;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    store.take_back_trials(trials).await?;
    Ok(outcomes)
}
