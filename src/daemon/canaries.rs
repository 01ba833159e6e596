//! Tries the canaries: where one was never tried, after each change of its target's version, and on its own schedule.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::canary::{Canary, prove};
use crate::store::{Result, Store};
use crate::targets::{CallContext, Target};

/// How often it is looked which of them is due.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// How long after a trial that failed it is tried once more, before anybody is told: what an earlier trial left in the queue when the daemon was
/// stopped may have ended the credentials of this one.
const ONCE_MORE_AFTER: Duration = Duration::from_secs(5);

/// A target with a canary.
pub(super) struct Tried {
    pub(super) name: String,
    pub(super) target: Arc<dyn Target>,
    pub(super) canary: Canary,
}

/// Tries every canary that is due, until `stop`.
pub(super) async fn run(store: Store, canaries: Vec<Tried>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        for tried in &canaries {
            if stop.run_until_cancelled(look(&store, tried)).await.is_none() {
                return;
            }
        }
    }
}

async fn look(store: &Store, tried: &Tried) {
    // An operator's word that nothing is sent there is about the canary too.
    if store
        .paused_targets()
        .await
        .is_ok_and(|paused| paused.contains_key(&tried.name))
    {
        return;
    }
    match is_due(store, tried).await {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => {
            tracing::warn!(target = %tried.name, %error, "could not look when the canary was tried last");
            return;
        }
    }
    let key = format!("target:{}", tried.name);
    let told = match prove_twice(store, tried).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let summary = format!("target {}: the canary could not be tried: {error:#}", tried.name);
            store.raise_alert("canary_untried", key, summary).await
        }
    };
    if let Err(error) = told {
        tracing::error!(target = %tried.name, %error, "could not keep what came of the canary");
    }
}

/// Tries the canary, and once more where that fails.
async fn prove_twice(store: &Store, tried: &Tried) -> anyhow::Result<()> {
    let attempt = || prove(store, &tried.name, tried.target.as_ref(), &tried.canary);
    if let Err(error) = attempt().await {
        tracing::info!(target = %tried.name, error = format!("{error:#}"), "the canary could not be tried; once more in a moment");
        tokio::time::sleep(ONCE_MORE_AFTER).await;
        attempt().await?;
    }
    Ok(())
}

async fn is_due(store: &Store, tried: &Tried) -> Result<bool> {
    let shown = store.observed_delays().await?;
    let Some(last) = shown.into_iter().find(|shown| shown.target == tried.name) else {
        return Ok(true);
    };
    if store.clock().now().since(last.at) >= tried.canary.every {
        return Ok(true);
    }
    // A target that does not answer now is no other version.
    let probe = tried.target.probe(&CallContext::unpaced()).await;
    Ok(probe.is_ok_and(|probe| probe.version.is_some() && probe.version != last.version))
}
