//! Polls the sources that we fetch from, each at its interval, and alerts where one cannot be read.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Intake;
use super::source_state::StoredState;
use crate::sources::Pull;

/// After how many failed looks in a row an alert is raised.
const PATIENCE: u32 = 3;
/// How long a source has for its last word.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(2);

/// Looks at one source until `stop`. What is stored is stored with its cursor; what fails is looked at again after the interval.
pub async fn run(intake: Intake, name: String, pull: Arc<dyn Pull>, stop: CancellationToken) {
    let mut failures = 0_u32;
    // An earlier run may have raised it.
    let mut is_alerted = true;
    loop {
        match look(&intake, &name, pull.as_ref(), &stop).await {
            Ok(()) => {
                // A look that the stop cut short has read nothing.
                if is_alerted && !stop.is_cancelled() {
                    let ended = intake.store.end_alert("source_unreadable", format!("source:{name}")).await;
                    is_alerted = ended.is_err();
                    report(ended);
                }
                failures = 0;
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::warn!(
                    source = name,
                    failures,
                    error = format!("{error:#}"),
                    "could not look at a source"
                );
                if failures == PATIENCE {
                    is_alerted = true;
                    let summary = format!("source {name} cannot be read: {error:#}");
                    report(
                        intake
                            .store
                            .raise_alert("source_unreadable", format!("source:{name}"), summary)
                            .await,
                    );
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pull.interval()) => {}
        }
    }
    if tokio::time::timeout(FAREWELL, leave(&intake, &name, pull.as_ref()))
        .await
        .is_err()
    {
        tracing::debug!(source = name, "no time for a last word to the source");
    }
}

async fn leave(intake: &Intake, name: &str, pull: &dyn Pull) {
    if let Ok(cursor) = intake.store.cursor(name).await {
        pull.before_stop(cursor.as_deref(), &StoredState::new(&intake.store, name))
            .await;
    }
}

/// A look may take long, as a source may answer only once it has something to say. What it has not handed in when the daemon stops is
/// still there at the next look; what it has handed in is stored.
async fn look(intake: &Intake, name: &str, pull: &dyn Pull, stop: &CancellationToken) -> anyhow::Result<()> {
    let cursor = intake.store.cursor(name).await?;
    let state = StoredState::new(&intake.store, name);
    let deliveries = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        deliveries = pull.poll(cursor.as_deref(), &state) => deliveries?,
    };
    for mut delivery in deliveries {
        name.clone_into(&mut delivery.source);
        let storing = intake.store(delivery.clone());
        // A file may be stored in many portions. What is left of it at a stop is read again at the next start.
        let receipt = if delivery.digest.is_some() {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                receipt = storing => receipt?,
            }
        } else {
            storing.await?
        };
        pull.stored(&delivery, &receipt).await?;
    }
    intake.activity.looked(name, intake.store.clock().now());
    Ok(())
}

fn report(outcome: Result<(), crate::store::StoreError>) {
    if let Err(error) = outcome {
        tracing::error!(error = %crate::model::error_chain(&error), "could not record an alert");
    }
}
