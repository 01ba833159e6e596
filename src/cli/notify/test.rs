//! `revoked notify test`: has the running daemon send one message to a channel, or to each, and says what came of it.

use std::time::Duration;

use clap::Args;

use crate::cli::output::{line, plain};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Store, TrialOutcome, daemon_runs};

/// `revoked notify test`
#[derive(Debug, Clone, Args)]
pub struct NotifyTestArgs {
    /// The channel; all of them without it
    channel: Option<String>,
    /// How many seconds to wait for what comes of it
    #[arg(long, default_value_t = 90)]
    timeout: u64,
}

pub(super) async fn run(args: &NotifyTestArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let config = Config::load_without_secrets(&at.config, &Clock::system())?;
    let mut channels: Vec<(String, String)> = config
        .channels
        .iter()
        .map(|channel| {
            let place = channel.carrier.as_ref().map(|carrier| carrier.place()).unwrap_or_default();
            (channel.rules.name.clone(), place)
        })
        .collect();
    if let Some(name) = &args.channel {
        channels.retain(|(channel, _)| channel == name);
    }
    if channels.is_empty() {
        let why = match &args.channel {
            Some(name) => format!("no channel is called {name:?} in the config; revoked notify list lists them"),
            None => "no channel is configured; write a [[notify]] (docs/notifications.md)".to_owned(),
        };
        return Err(UsageError(why).into());
    }
    let store = at.open().await?;
    let outcomes = try_channels(&store, &channels, Duration::from_secs(args.timeout)).await;
    store.close().await;
    let mut works = true;
    for ((name, place), outcome) in channels.iter().zip(outcomes?) {
        works &= outcome.refused.is_empty() && outcome.waiting == 0;
        for said in told(&outcome, place, args.timeout) {
            line(plain(&format!("{name}: {said}")))?;
        }
    }
    Ok(if works { Exit::Ok } else { Exit::Failed })
}

/// Sends a trial to each channel, and waits what comes of them.
///
/// # Errors
/// Where the daemon does not run, or the store cannot be read or written.
pub(in crate::cli) async fn try_channels(
    store: &Store,
    channels: &[(String, String)],
    patience: Duration,
) -> anyhow::Result<Vec<TrialOutcome>> {
    if !daemon_runs(store.path()) {
        let all: Vec<&str> = channels.iter().map(|(name, _)| name.as_str()).collect();
        anyhow::bail!(
            "the daemon does not run, and it is the daemon that tells {} of alerts; start it and try again",
            all.join(", ")
        );
    }
    let names: Vec<&str> = channels.iter().map(|(name, _)| name.as_str()).collect();
    Ok(crate::notify::try_channels(store, &names, &operator(), patience).await?)
}

fn told(outcome: &TrialOutcome, place: &str, timeout: u64) -> Vec<String> {
    let to = |recipient: &str| match (recipient, place) {
        ("", "") => String::new(),
        ("", place) => format!(" ({place})"),
        (recipient, _) => format!(" to {recipient}"),
    };
    let taken = outcome.taken.iter().map(|recipient| format!("handed over{}", to(recipient)));
    let refused = outcome
        .refused
        .iter()
        .map(|(recipient, why)| format!("not taken{}: {why}", to(recipient)));
    let waiting = (outcome.waiting > 0)
        .then(|| format!("nothing came of it within {timeout} s; was the daemon started with this config? Its log says more"));
    taken.chain(refused).chain(waiting).collect()
}
