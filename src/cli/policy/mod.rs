//! `revoked policy`: what policy makes of a signal and why, what another policy would have made of past ones, and the groups of people.

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod decided;
mod groups;
mod known;
mod replay;
mod test;

/// `revoked policy …`
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Explain what would become of a signal about somebody, rule by rule, and do nothing
    Test(test::TestArgs),
    /// Run the signals of the past through another config, and show what would be decided otherwise
    Replay(replay::ReplayArgs),
    /// List the groups of people that policy treats apart
    #[command(after_help = "Example: revoked policy groups --json")]
    Groups {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take the list of a group although it names less than half of those that it named
    #[command(after_help = "Example: revoked policy accept executives

The daemon takes exactly the list that lies there now, at its next look; another one after it is judged again.")]
    Accept {
        /// The group's name
        group: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs `revoked policy …`.
///
/// # Errors
/// What the command could not do.
pub(super) async fn run(command: PolicyCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Test(args) => test::run(&args, at).await,
        PolicyCommand::Replay(args) => replay::run(&args, at).await,
        PolicyCommand::Groups { json } => groups::list(at, json).await,
        PolicyCommand::Accept { group, json } => groups::accept(&group, at, json).await,
    }
}
