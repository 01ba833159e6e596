//! Sources that we go and look at.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Intake;
use super::house::Around;
use crate::sources::Pull;

/// After how many failed looks in a row an alert is raised.
const PATIENCE: u32 = 3;

/// Looks at one source until `stop`. What is stored is stored with its cursor; what fails is looked at again after the interval.
pub async fn run(intake: Intake, name: String, pull: Arc<dyn Pull>, stop: CancellationToken) {
    let mut failures = 0_u32;
    loop {
        match look(&intake, &name, pull.as_ref()).await {
            Ok(()) => {
                if failures >= PATIENCE {
                    report(intake.store.over("source_unreadable", format!("source:{name}")).await);
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
                    let summary = format!("source {name} cannot be read: {error:#}");
                    report(
                        intake
                            .store
                            .raise("source_unreadable", format!("source:{name}"), summary)
                            .await,
                    );
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pull.interval()) => {}
        }
    }
}

async fn look(intake: &Intake, name: &str, pull: &dyn Pull) -> anyhow::Result<()> {
    let cursor = intake.store.cursor(name).await?;
    let house = Around { intake, source: name };
    for mut delivery in pull.poll(cursor.as_deref(), &house).await? {
        name.clone_into(&mut delivery.source);
        let receipt = intake.store(delivery.clone()).await?;
        pull.stored(&delivery, &receipt).await?;
    }
    intake.notes.looked(name, intake.store.clock().now());
    Ok(())
}

fn report(outcome: Result<(), crate::store::StoreError>) {
    if let Err(error) = outcome {
        tracing::error!(error = %crate::model::chain(&error), "could not record an alert");
    }
}
