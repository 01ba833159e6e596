//! `sd_notify` and the watchdog: systemd is told ready, alive, stopping. Outside a unit nothing is sent.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How long the writer may take to prove that it lives.
const WRITER: Duration = Duration::from_secs(10);
/// How often it is asked where no watchdog says how often it wants to know: a lock that another program holds is noticed by it.
const UNWATCHED: Duration = Duration::from_secs(5);
/// How soon a wait for another program's lock is told from a hang.
const LOOK: Duration = Duration::from_millis(500);

/// How the writer is.
enum Writer {
    /// Mutations get through.
    Works,
    /// It answers, and does not do what it is asked. A full disk is no reason to be restarted: signals are refused and what is there is kept.
    Refuses(StoreError),
    /// It lives, and waits for a lock that another program holds. A restart would wait for it too.
    KeptWaiting,
    /// It does not answer.
    Hangs,
    /// It has ended.
    Gone,
}

/// Says that the daemon is ready, and pings the watchdog as long as the writer proves that mutations get through, or would: a ping from a
/// bare timer would say nothing. The future ends only when the writer is gone.
pub(super) fn ready(store: &Store, stop: &CancellationToken) -> impl Future<Output = ()> + use<> {
    tell(&[NotifyState::Ready, NotifyState::Status("")]);
    let (store, stop) = (store.clone(), stop.clone());
    async move {
        let every = sd_notify::watchdog_enabled().map_or(UNWATCHED, |limit| limit / 3);
        let mut ticks = tokio::time::interval(every);
        loop {
            tokio::select! {
                () = stop.cancelled() => return std::future::pending().await,
                _ = ticks.tick() => {}
            }
            match ask(&store).await {
                Writer::Works | Writer::KeptWaiting => tell(&[NotifyState::Watchdog]),
                Writer::Refuses(error) => {
                    tracing::error!(error = %crate::model::error_chain(&error), "the writer refuses work");
                    tell(&[NotifyState::Watchdog]);
                }
                Writer::Hangs => {
                    tracing::error!("the writer has not answered within 10 s; the watchdog is not told that all is well");
                }
                Writer::Gone => return,
            }
        }
    }
}

/// Asks the writer for a proof that it works.
async fn ask(store: &Store) -> Writer {
    let until = Instant::now() + WRITER;
    let mut proof = pin!(store.probe_writer());
    loop {
        match timeout(LOOK, proof.as_mut()).await {
            Ok(Ok(())) => return Writer::Works,
            Ok(Err(StoreError::Stopped)) => return Writer::Gone,
            Ok(Err(error)) => return Writer::Refuses(error),
            Err(_) if store.waits_for_lock() => return Writer::KeptWaiting,
            Err(_) if Instant::now() >= until => return Writer::Hangs,
            Err(_) => {}
        }
    }
}

/// Says that the start waits for room on the disk, and asks for more time than the last time that it was said.
pub(super) fn waiting_for_room() {
    tell(&[
        NotifyState::Status("the disk under the store is full; the start waits for room"),
        NotifyState::ExtendTimeoutUsec(60_000_000),
    ]);
}

/// Says that the config is read anew; systemd counts the service as reloading until it is told that this is over.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "could not tell systemd that the config is read anew"),
    }
}

/// Says that the daemon runs on, by whichever config.
pub(super) fn reloaded() {
    tell(&[NotifyState::Ready]);
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
