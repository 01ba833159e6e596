//! `revoked target`: how the targets stand, an operator's pause of one, and descriptions of targets; one file for each of the commands below it.
//! `described` finds the description that is meant, `obstacle` says why the work of a case waits.

use clap::Subcommand;

use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;

mod described;
mod explain;
mod lint;
mod list;
mod obstacle;
mod pause;
mod trial;

pub(super) use obstacle::{Obstacle, obstacle_of, tell_stopped};

/// `revoked target …`
#[derive(Debug, Clone, Subcommand)]
pub enum TargetCommand {
    /// List the targets: up, down, refused or paused, why, since when, and what waits for them
    List(list::ListArgs),
    /// Pause a target: nothing is sent to it, urgent work waits too, until you let it go on
    Pause(pause::PauseArgs),
    /// Let a target go on that an operator has paused
    Resume(pause::ResumeArgs),
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
        TargetCommand::List(args) => Box::pin(list::list(&args, at)).await,
        TargetCommand::Pause(args) => Box::pin(pause::pause(args, at)).await,
        TargetCommand::Resume(args) => Box::pin(pause::resume(args, at)).await,
        TargetCommand::Lint(args) => lint::run(&args),
        TargetCommand::Explain(args) => explain::run(&args),
        TargetCommand::Try(args) => Box::pin(trial::run(&args, at)).await,
    }
}

/// The names of the targets in the config; nothing where it cannot be read here.
fn names(at: &StoreArgs) -> Option<Vec<String>> {
    let config = Config::load_without_secrets(&at.config, &Clock::system());
    config.ok().map(|config| config.target_names)
}
