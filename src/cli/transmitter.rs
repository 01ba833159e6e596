//! `revoked transmitter`: whom we tell what was proved, whether it arrives, and the keys that others check it with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;

use super::asked::Reach;
use super::output::{Cell, LocalTimes, Meaning, json, line, plain, table};
use super::store::{open, operator};
use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::secret::SecretSource;
use crate::store::Store;
use crate::transmitter::{Handshake, ReceiverSettings, Settings, key_file, published, receiver_states, shake_hands, signer};

/// `revoked transmitter`
#[derive(Debug, Clone, Subcommand)]
pub enum TransmitterCommand {
    /// List the receivers: what waits for each, since when, and what went wrong last
    #[command(after_help = "Example: revoked transmitter status --json")]
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send a receiver a handshake (a verification event), and wait until it has it
    #[command(after_help = "Example: revoked transmitter verify idp")]
    Verify {
        /// The receiver's name
        receiver: String,
        /// How long to wait, in seconds
        #[arg(long, default_value_t = 30)]
        timeout: u64,
    },
    /// Send a receiver again what it refused, or what was given up
    #[command(after_help = "Example: revoked transmitter retry idp")]
    Retry {
        /// The receiver's name
        receiver: String,
    },
    /// Print the public keys that receivers check our tokens with
    #[command(after_help = "Example: revoked transmitter keys --key new-key.pem > more-keys.json")]
    Keys {
        /// Those of this private key instead; no config is needed
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// Runs `revoked transmitter`.
///
/// # Errors
/// A config without a transmitter, or a store that cannot be read or written.
pub(super) async fn run(command: TransmitterCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    if let TransmitterCommand::Keys { key: Some(key) } = command {
        let source = SecretSource::File(key);
        json(&published(&signer(Some(&source), Path::new(""))?, &[])?)?;
        return Ok(Exit::Ok);
    }
    let config = if matches!(command, TransmitterCommand::Keys { .. }) {
        Config::load(&at.config, &Clock::system())?
    } else {
        Reach::new(at)?.config
    };
    let path = at.store.clone().unwrap_or_else(|| config.store.clone());
    let settings = config
        .transmitter
        .context("the config has no [transmitter]: nobody is told what was contained (docs/transmitter.md)")?;
    if matches!(command, TransmitterCommand::Keys { .. }) {
        // A key that is made by a command would belong to whoever runs it.
        anyhow::ensure!(
            settings.key.is_some() || key_file(&path).exists(),
            "there is no key yet; the daemon makes it at its first start"
        );
        json(&published(&signer(settings.key.as_ref(), &path)?, &settings.more_keys)?)?;
        return Ok(Exit::Ok);
    }
    let store = open(&path).await?;
    let exit = match command {
        TransmitterCommand::Status { json } => status(&store, &settings, json).await,
        TransmitterCommand::Verify { receiver, timeout } => verify(&store, named(&settings, &receiver)?, timeout).await,
        TransmitterCommand::Retry { receiver } => {
            let count = store
                .retry_events(&named(&settings, &receiver)?.receiver.name, operator())
                .await?;
            line(format!("{count} tokens are sent to {} again", plain(&receiver)))?;
            Ok(Exit::Ok)
        }
        TransmitterCommand::Keys { .. } => Ok(Exit::Ok),
    };
    store.close().await;
    exit
}

async fn status(store: &Store, settings: &Settings, as_json: bool) -> anyhow::Result<Exit> {
    let rows = receiver_states(store, &settings.receivers).await?;
    if as_json {
        json(&rows)?;
        return Ok(Exit::Ok);
    }
    let times = LocalTimes::at(store.clock().now());
    let cells = rows.into_iter().map(|row| {
        let trouble = |count: i64| match count {
            0 => Cell::from("0"),
            count => Cell::meaning(count.to_string(), Meaning::Bad),
        };
        let backlog = row.backlog;
        vec![
            row.receiver.into(),
            row.delivery.into(),
            backlog.waiting.pending.to_string().into(),
            backlog
                .waiting
                .oldest
                .map_or_else(|| "-".to_owned(), |at| times.away(at))
                .into(),
            backlog
                .last_delivered
                .map_or_else(|| "-".to_owned(), |at| times.away(at))
                .into(),
            trouble(backlog.refused),
            trouble(backlog.dead),
            backlog.last_error.unwrap_or_else(|| "-".to_owned()).into(),
        ]
    });
    let headings = [
        "receiver",
        "delivery?",
        "waiting",
        "oldest",
        "acknowledged?",
        "refused",
        "given up",
        "last trouble?…",
    ];
    table(&headings, cells.collect(), "no receivers")?;
    Ok(Exit::Ok)
}

async fn verify(store: &Store, settings: &ReceiverSettings, timeout: u64) -> anyhow::Result<Exit> {
    let name = plain(&settings.receiver.name);
    let shaken = shake_hands(store, settings, operator(), Duration::from_secs(timeout)).await?;
    let Handshake { jti, state, error } = shaken;
    if state == "pending" {
        let why = match error {
            Some(error) => plain(&error),
            None if !crate::store::daemon_runs(store.path()) => "the daemon does not run; it is sent when it does".to_owned(),
            None => "it waits to be sent, or to be fetched".to_owned(),
        };
        line(format!("{name} has not acknowledged the verification yet: {why}"))?;
        return Ok(Exit::Failed);
    }
    if state == "delivered" {
        line(format!("{name} has acknowledged the verification {jti}"))?;
        return Ok(Exit::Ok);
    }
    let why = plain(&error.unwrap_or_default());
    line(format!("{name} did not take the verification: {why}"))?;
    Ok(Exit::Failed)
}

fn named<'a>(settings: &'a Settings, name: &str) -> anyhow::Result<&'a ReceiverSettings> {
    let settings = settings.receivers.iter().find(|settings| settings.receiver.name == name);
    settings.with_context(|| format!("no receiver is called {name:?}; revoked transmitter status lists them"))
}
