//! `revoked notify`: the channels on which people are told of alerts, whether they work, and a test of each.

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod list;
mod test;

pub(super) use test::try_channels;

/// `revoked notify`
#[derive(Debug, Clone, Subcommand)]
pub enum NotifyCommand {
    /// List the channels: when each last took something, what waits, and what is wrong
    #[command(after_help = "Example: revoked notify list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon send a test to a channel, or to all, and say what came of it
    #[command(after_help = "Example: revoked notify test pager")]
    Test(test::NotifyTestArgs),
}

/// Runs `revoked notify`.
///
/// # Errors
/// Where the config or the store cannot be read, or a channel has not taken its test.
pub(super) async fn run(command: NotifyCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        NotifyCommand::List { json } => list::run(at, json).await,
        NotifyCommand::Test(args) => test::run(&args, at).await,
    }
}
