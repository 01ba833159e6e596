//! `revoked source`: look at the configured sources, one file for each of the commands below it.

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod hr;
mod list;
mod rehearsed;
mod ssf;
mod test;

/// `revoked source …`
#[derive(Debug, Clone, Subcommand)]
pub enum SourceCommand {
    /// List the configured sources, where their senders come in, and how they are
    #[command(after_help = "Example: revoked source list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a payload would lead to, and do nothing
    Test(test::TestArgs),
    /// Report what a source that only rehearses would have led to
    Rehearsed(rehearsed::RehearsedArgs),
    /// Make, show, try and end a stream of security events
    #[command(subcommand)]
    Ssf(ssf::SsfCommand),
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
        SourceCommand::List { json } => list::run(at, json).await,
        SourceCommand::Rehearsed(args) => rehearsed::run(&args, at).await,
        SourceCommand::Test(args) => test::run(&args, at).await,
        SourceCommand::Ssf(command) => ssf::run(&command, at).await,
        SourceCommand::Hr(command) => hr::run(&command, at).await,
    }
}
