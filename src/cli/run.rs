//! `revoked run`: the daemon, until SIGTERM or SIGINT.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::daemon::Daemon;
use crate::telemetry::{self, Format, Setup};

/// Runs the daemon.
///
/// # Errors
/// A config or a store that is refused, a start that failed, or a stop that the daemon did not choose.
pub(super) async fn run(at: &StoreArgs) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let mut config = Config::load(&at.config, &clock)?;
    if let Some(store) = &at.store {
        config.store.clone_from(store);
    }
    let format = match config.log.format {
        LogFormat::Human => Format::Human,
        LogFormat::Json => Format::Json,
    };
    let _log = telemetry::start(
        Setup {
            format,
            filter: config.log.level.clone(),
            ..Setup::default()
        },
        &clock,
    )?;
    for (_, warning) in config.warnings.iter() {
        tracing::warn!("{warning}");
    }
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let daemon = Daemon::start(config, clock).await?;
    daemon
        .run(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
    Ok(Exit::Ok)
}
