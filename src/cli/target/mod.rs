//! `revoked target`: descriptions of targets, one file for each of the commands below it. `described` finds the description that is meant.

use clap::Subcommand;

use super::{Exit, StoreArgs};

mod described;
mod explain;
mod lint;
mod trial;

/// `revoked target …`
#[derive(Debug, Clone, Subcommand)]
pub enum TargetCommand {
    /// Check a description of a target: every mistake, with its place
    #[command(after_help = "Example: revoked target lint wiki.toml\n\n\
        Exit codes: 0 it can be used; 2 it cannot, and every mistake is named.")]
    Lint(lint::LintArgs),
    /// Say what a kind, or a description, can end, list and prove, and what it does not cover
    #[command(after_help = "Examples:\n  revoked target explain synapse\n  revoked target explain wiki.toml --json")]
    Explain(explain::ExplainArgs),
    /// Rehearse a description against a server: look somebody up, list what they have, plan; changes nothing
    Try(trial::TryArgs),
}

/// Runs `revoked target …`.
///
/// # Errors
/// What the command could not do.
pub(super) async fn run(command: TargetCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        TargetCommand::Lint(args) => lint::run(&args),
        TargetCommand::Explain(args) => explain::run(&args),
        TargetCommand::Try(args) => Box::pin(trial::run(&args, at)).await,
    }
}
