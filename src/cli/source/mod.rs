//! `revoked source`: look at the configured sources, one file for each of the commands below it.

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod hr;
mod list;

/// `revoked source …`
#[derive(Debug, Clone, Subcommand)]
pub enum SourceCommand {
    /// List the configured sources, and where their senders come in
    #[command(after_help = "Example: revoked source list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at files for a drop folder of the kind hr-csv
    #[command(subcommand)]
    Hr(hr::HrCommand),
}

/// Runs `revoked source …`.
///
/// # Errors
/// What the command could not do.
pub(super) async fn run(command: SourceCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        SourceCommand::List { json } => list::run(at, json),
        SourceCommand::Hr(command) => hr::run(command, at).await,
    }
}
