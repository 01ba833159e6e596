//! `revoked alert test`: has the running daemon hand one alert to the program of `[alerts] exec`.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::time::Instant;

use crate::cli::output::line;
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Store, daemon_runs};

/// What the alert is about: there is only one at a time.
const KEY: &str = "alerts";
/// How often it is looked what came of it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

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
    if !daemon_runs(store.path()) {
        anyhow::bail!("the daemon does not run, and it is the daemon that hands alerts to {path}; start it and try again");
    }
    let summary = format!("a test of the program that alerts are handed to, asked for by {}", operator());
    store.raise_alert("alert_test", KEY.to_owned(), summary).await?;
    let until = Instant::now() + Duration::from_secs(args.timeout);
    let (taken, error) = loop {
        let (_, is_over, error) = store.hand_over_of("alert_test", KEY).await?;
        if is_over || error.is_some() || Instant::now() >= until {
            break (is_over && error.is_none(), error);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    store.end_alert("alert_test", KEY.to_owned()).await?;
    if taken {
        line(format!("{path} has taken the alert"))?;
        return Ok(Exit::Ok);
    }
    let why = error.unwrap_or_else(|| {
        format!(
            "the daemon has not handed it over within {} s; was it started with this config, or are other alerts before it?",
            args.timeout
        )
    });
    Err(anyhow::anyhow!("{why}; its own words stand in the daemon's log"))
        .with_context(|| format!("{path} has not taken the alert"))
}
