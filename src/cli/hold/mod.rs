//! `revoked hold`: what waits for a human, and the decision about exactly what was shown.
//!
//! `choice` is what a command is about, with `cases` as people name them; `list` and `show` say what waits, `decide` decides.

use std::time::Duration;

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod cases;
mod choice;
mod decide;
mod last_line;
mod limit;
mod list;
mod plans_before;
mod plans_beside;
mod show;
mod two_persons;

/// `revoked hold`
#[derive(Debug, Clone, Subcommand)]
pub enum HoldCommand {
    /// List what waits for a decision
    #[command(after_help = "Example: revoked hold list")]
    List {
        /// The decided ones too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the cases under holds, and the set that an approval must name
    #[command(
        after_help = "Examples:\n  revoked hold show 3\n  revoked hold show 3 4 --except 17,27-52\n  revoked hold show 3 --only alice@example.org"
    )]
    Show {
        #[command(flatten)]
        choice: choice::ChoiceArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let exactly the shown set go on
    #[command(after_help = "\
Examples:
  revoked hold approve 3
  revoked hold approve 3 --set 5f0c1e9a77d2b340 --note \"confirmed with HR\" --wait
  revoked hold approve 3 4 --except 17,27-52 --set 91be0a44c2d1f730
  revoked hold approve 3 --only 53,54 --set 91be0a44c2d1f730
  revoked hold approve --all-of inbox

At a terminal, without --set, it shows the set and asks. With --all-of and
without --set it only shows.")]
    Approve {
        #[command(flatten)]
        choice: choice::ChoiceArgs,
        #[command(flatten)]
        decision: decide::DecisionArgs,
        /// Wait until all of them are over, show progress, and exit by the worst verdict
        #[arg(long, conflicts_with = "json")]
        wait: bool,
        /// How long --wait waits, in seconds
        #[arg(long, default_value_t = 300)]
        timeout: u64,
    },
    /// Call the held cases off
    #[command(after_help = "\
Examples:
  revoked hold reject 3
  revoked hold reject 3 --set 5f0c1e9a77d2b340 --note \"test export, nobody leaves\"
  revoked hold reject 3 4 --except 17 --yes --note \"ticket 812\"

At a terminal, without --set, it shows the set, asks, and asks why. In a
script it takes --set, or --yes for whatever waits by then. With --all-of and
without either it only shows.")]
    Reject {
        #[command(flatten)]
        choice: choice::ChoiceArgs,
        #[command(flatten)]
        decision: decide::DecisionArgs,
        /// Whatever waits by then, without a look at it
        #[arg(long, conflicts_with = "set")]
        yes: bool,
    },
}

/// Runs `revoked hold`.
///
/// # Errors
/// Where the store cannot be read or written, or the decision does not fit.
pub(super) async fn run(command: HoldCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let outcome = match command {
        HoldCommand::List { all, json } => list::list(&store, at, all, json).await,
        HoldCommand::Show { choice, json } => show::run(&store, at, choice, json).await,
        HoldCommand::Approve {
            choice,
            decision,
            wait,
            timeout,
        } => decide::approve(&store, at, choice, decision, wait.then_some(Duration::from_secs(timeout))).await,
        HoldCommand::Reject { choice, decision, yes } => decide::reject(&store, at, choice, decision, yes).await,
    };
    store.close().await;
    outcome
}
