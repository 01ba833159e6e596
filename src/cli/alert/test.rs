//! `revoked alert test`: has the running daemon hand one alert to the program of `[alerts] exec`.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::cli::notify::try_channels;
use crate::cli::output::line;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{EXEC_CHANNEL, Store};

/// `revoked alert test`
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// How many seconds to wait for the program
    #[arg(long, default_value_t = 30)]
    timeout: u64,
}

pub(super) async fn run(store: &Store, at: &StoreArgs, args: &TestArgs) -> anyhow::Result<Exit> {
    let config = Config::load_without_secrets(&at.config, &Clock::system())?;
    let program = config.alerts.program.ok_or_else(|| {
        UsageError(
            "no program is configured that alerts are handed to; write exec = \"/path/to/program\" under [alerts]".to_owned(),
        )
    })?;
    let path = program.program.path.display();
    let channel = (EXEC_CHANNEL.to_owned(), String::new());
    let outcomes = try_channels(store, &[channel], Duration::from_secs(args.timeout)).await?;
    let outcome = outcomes.into_iter().next().unwrap_or_default();
    if !outcome.taken.is_empty() {
        line(format!("{path} has taken the alert"))?;
        return Ok(Exit::Ok);
    }
    let why = outcome.refused.into_iter().next().map_or_else(
        || {
            format!(
                "the daemon has not handed it over within {} s; was it started with this config, or are other alerts before it?",
                args.timeout
            )
        },
        |(_, why)| why,
    );
    Err(anyhow::anyhow!("{why}; its own words stand in the daemon's log"))
        .with_context(|| format!("{path} has not taken the alert"))
}
