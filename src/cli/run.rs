//! `revoked run`: the daemon, until SIGTERM or SIGINT.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, StoreArgs, by_socket};
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::console::commands::Commands;
use crate::daemon::Daemon;
use crate::model::Actor;
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
    let log = telemetry::start(
        Setup {
            format,
            filter: config.log_filter(),
            ..Setup::default()
        },
        &clock,
    )?;
    for (_, warning) in config.warnings.iter() {
        tracing::warn!("{warning}");
    }
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    // Its default would end the daemon.
    let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let told_to_stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let commands = Commands {
        reads: by_socket::meant,
        config: std::path::absolute(&at.config).context("finding the config's whole path")?,
        store: at
            .store
            .as_ref()
            .map(std::path::absolute)
            .transpose()
            .context("finding the store's whole path")?,
    };
    let Some(daemon) = Daemon::start_unless(config, clock, commands, told_to_stop).await? else {
        tracing::info!("told to stop while the start waited for room on the disk");
        return Ok(Exit::Ok);
    };
    let reloader = daemon.reloader();
    let stopping = CancellationToken::new();
    let told = stopping.clone();
    let orders = async {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => {
                    let reloader = reloader.clone();
                    // Beside us: whoever says stop meanwhile is heard. What came of it is logged, and an alert where it was refused.
                    tokio::spawn(async move { reloader.reload(Actor::Daemon).await });
                    continue;
                }
            }
            if told.is_cancelled() {
                return;
            }
            told.cancel();
        }
    };
    tokio::select! {
        ended = daemon.run(stopping.cancelled_owned()) => ended?,
        () = orders => {
            super::output::remark("told to stop a second time: stopped at once, without waiting for what was under way");
            drop(log);
            // As after a power cut: the next start knows that what was under way is unknown, and brings it back. To end the runtime would
            // take as long as what it waits for.
            std::process::exit(i32::from(Exit::Failed.code()));
        }
    }
    Ok(Exit::Ok)
}
