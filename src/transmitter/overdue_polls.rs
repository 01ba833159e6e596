//! Alerts when a receiver stops polling, and gives up what it has not fetched for a week: whoever should poll and does not is as deaf as one
//! that is down.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::push::GIVE_UP_AFTER;
use super::{Delivery, Transmitter};
use crate::model::error_chain;
use crate::store::{DeliveryOutcome, StoreError};
use crate::telemetry::table;

/// How often the backlog is looked at.
const EVERY: Duration = Duration::from_mins(1);
/// How old the oldest token may be before somebody should know.
const PATIENCE: Duration = Duration::from_mins(15);

/// Looks at the receivers that poll, until `stop`.
pub async fn run(transmitter: Transmitter, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for (name, stream) in &transmitter.0.streams {
            if !matches!(stream.settings.delivery, Delivery::Poll) {
                continue;
            }
            if let Err(error) = look(&transmitter, name).await {
                tracing::warn!(receiver = name, error = %error_chain(&error), "could not look at the outbox");
            }
        }
    }
}

async fn look(transmitter: &Transmitter, name: &str) -> Result<(), StoreError> {
    let store = &transmitter.0.store;
    let now = store.clock().now();
    let Some(oldest) = store.pending(name).await?.oldest else {
        return Ok(());
    };
    let age = now.since(oldest);
    let key = format!("receiver:{name}");
    // Raised once; an acknowledgement ends it.
    if age >= PATIENCE && !store.alert_is_open("receiver_down", &key).await? {
        let summary = format!(
            "receiver {name} does not fetch what it is to be told; the oldest token waits for {} minutes",
            age.as_secs() / 60
        );
        store.raise_alert("receiver_down", key, summary).await?;
    }
    if age < GIVE_UP_AFTER {
        return Ok(());
    }
    let old = store.due_events(name, 100).await?.into_iter();
    let old = old.filter(|event| now.since(event.created_at) >= GIVE_UP_AFTER);
    let why = "it was never fetched";
    let given_up: Vec<(String, DeliveryOutcome)> = old
        .map(|event| (event.jti, DeliveryOutcome::GivenUp { why: why.to_owned() }))
        .collect();
    table::STATEMENTS.add([name, "given_up"], given_up.len() as u64);
    store.record_outcomes(name, given_up).await?;
    Ok(())
}
