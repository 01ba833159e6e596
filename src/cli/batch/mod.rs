//! `revoked batch`: lists of people that were asked for as one: how far each is, pausing one, calling the rest off, and what came of it.
//!
//! `list` and `show` look, `change` pauses, resumes and cancels, `report` writes; `counts` says in words how one stands, for `revoke --from` too.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::{Exit, StoreArgs, UsageError};
use crate::store::{Store, id_of_batch, key_of_batch};

mod change;
mod counts;
mod list;
mod report;
mod show;

pub(super) use counts::{counts, pace};

/// `revoked batch`
#[derive(Debug, Clone, Subcommand)]
pub enum BatchCommand {
    /// List the batches, the newest last
    #[command(after_help = "Examples:\n  revoked batch list\n  revoked batch list --json")]
    List {
        /// How many, the newest
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how far a batch is, how fast it goes, and about whom it did not go well
    #[command(after_help = "Examples:
  revoked batch show 5f0c1e9a77d2b340-1764000000000
  revoked batch show 5f0c --follow

A batch is named by its id, or by as much of its beginning as no other has.")]
    Show {
        /// The batch, or the beginning of its id
        batch: String,
        /// Go on until all of it has ended, waits for a decision, or is paused
        #[arg(long)]
        follow: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Pause a batch: no job of it begins until you let it go on
    #[command(
        after_help = "Example: revoked batch pause 5f0c --note \"half of them are not phished, ticket 812\"

What is at work ends. A case for which another source or request has asked too
goes on. A restart changes nothing about it, and it alerts until it goes on."
    )]
    Pause {
        /// The batch, or the beginning of its id
        batch: String,
        /// Why, for whoever finds it paused, and for the trail
        #[arg(long)]
        note: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a paused batch go on
    #[command(after_help = "Example: revoked batch resume 5f0c --note \"the list is right\"")]
    Resume {
        /// The batch, or the beginning of its id
        batch: String,
        /// Why, for the trail
        #[arg(long)]
        note: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call off what of a batch has not ended; what was done stays done
    #[command(after_help = "Examples:
  revoked batch cancel 5f0c --note \"the wrong list, ticket 812\"
  revoked batch cancel 5f0c --yes --note \"the wrong list, ticket 812\"

At a terminal the number of cases is to be typed; in a script --yes says it.")]
    Cancel {
        /// The batch, or the beginning of its id
        batch: String,
        /// Why, for the trail
        #[arg(long)]
        note: String,
        /// Whatever has not ended by then, without asking
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Report what came of each person of a batch: verdict, times, what is not covered
    #[command(after_help = "Examples:
  revoked batch report 5f0c
  revoked batch report 5f0c --format csv --out phished.csv")]
    Report {
        /// The batch, or the beginning of its id
        batch: String,
        #[command(flatten)]
        output: BatchReportOutput,
    },
}

/// What a report of a batch is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SheetFormat {
    /// For a ticket or a wiki
    Markdown,
    /// For a spreadsheet: a line for each person
    Csv,
    /// For programs
    Json,
}

/// How and where a report of a batch is written.
#[derive(Debug, Clone, clap::Args)]
pub struct BatchReportOutput {
    /// What to write
    #[arg(long, value_enum, default_value_t = SheetFormat::Markdown)]
    format: SheetFormat,
    /// Print JSON: as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file, which only you may read, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `revoked batch`.
///
/// # Errors
/// Where the store cannot be read or written, there is no such batch, or it is not so that the command fits.
pub(super) async fn run(command: BatchCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let outcome = match command {
        BatchCommand::List { limit, json } => list::list(&store, limit, json).await,
        BatchCommand::Show { batch, follow, json } => show::show(&store, &key(&store, &batch).await?, follow, json).await,
        BatchCommand::Pause { batch, note, json } => change::pause(&store, &key(&store, &batch).await?, note, json).await,
        BatchCommand::Resume { batch, note, json } => change::resume(&store, &key(&store, &batch).await?, note, json).await,
        BatchCommand::Cancel { batch, note, yes, json } => {
            let key = key(&store, &batch).await?;
            change::cancel(&store, &key, &note, yes, json).await
        }
        BatchCommand::Report { batch, output } => report::report(&store, at, &key(&store, &batch).await?, &output).await,
    };
    store.close().await;
    outcome
}

/// The key of the batch that is meant: by its id, or by a beginning of it that no other has.
async fn key(store: &Store, text: &str) -> Result<String, anyhow::Error> {
    let is_beginning = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let found = if is_beginning {
        store.batches_called(&text.to_ascii_lowercase()).await?
    } else {
        Vec::new()
    };
    match found.as_slice() {
        [only] => Ok(only.clone()),
        // A batch that is over for long is found no more, but may still be paused.
        [] => {
            key_of_batch(text).ok_or_else(|| UsageError(format!("no batch is called {text:?}; revoked batch list has them")).into())
        }
        several => {
            let named: Vec<String> = several.iter().map(|key| id_of_batch(key)).collect();
            Err(UsageError(format!("several begin with {text}: {}", named.join(", "))).into())
        }
    }
}
