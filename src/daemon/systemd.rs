//! What systemd is told: ready, alive, stopping. Outside a unit nothing is sent.

use std::future::Future;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::store::Store;

/// How long the writer may take to prove that it lives.
const WRITER: Duration = Duration::from_secs(10);

/// Says that the daemon is ready, and pings the watchdog as long as the writer proves that mutations get through: a ping from a bare timer
/// would say nothing. The future ends only when the writer is gone.
pub(super) fn ready(store: &Store, _tracker: &TaskTracker, stop: &CancellationToken) -> impl Future<Output = ()> + use<> {
    tell(&[NotifyState::Ready]);
    let (store, stop) = (store.clone(), stop.clone());
    async move {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(limit / 3);
        loop {
            tokio::select! {
                () = stop.cancelled() => return std::future::pending().await,
                _ = ticks.tick() => {}
            }
            match tokio::time::timeout(WRITER, store.prove_writer()).await {
                Ok(Ok(())) => tell(&[NotifyState::Watchdog]),
                Ok(Err(crate::store::StoreError::Stopped)) => return,
                // A full disk is no reason to be restarted: signals are refused and what is there is kept.
                Ok(Err(error)) => {
                    tracing::error!(error = %crate::model::chain(&error), "the writer refuses work");
                    tell(&[NotifyState::Watchdog]);
                }
                Err(_) => tracing::error!("the writer has not answered within 10 s; the watchdog is not told that all is well"),
            }
        }
    }
}

/// Says that the daemon is stopping.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "could not tell systemd");
    }
}
