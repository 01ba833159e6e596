//! `revoked target pause` and `revoked target resume`: an operator's word that nothing is sent to a target, which outlives a restart.

use clap::Args;

use super::names;
use crate::cli::output::{line, plain};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::settings::nearest;
use crate::store::daemon_runs;

/// `revoked target pause`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked target pause chat --note \"upgrade until 05:00, ticket 812\"

Nothing is sent to it, urgent work waits too. What is at work is cut off at its
present call and gives its job back, without using an attempt up.")]
pub struct PauseArgs {
    /// The target's name in the config
    target: String,
    /// Why, for whoever finds it paused, and for the trail
    #[arg(long)]
    note: String,
}

/// `revoked target resume`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked target resume chat")]
pub struct ResumeArgs {
    /// The target's name in the config
    target: String,
    /// Why, for the trail
    #[arg(long)]
    note: Option<String>,
}

pub(super) async fn pause(args: PauseArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    if let Some(known) = names(at).filter(|known| !known.contains(&args.target)) {
        let meant = nearest(&args.target, known.iter().map(String::as_str));
        let hint = meant.map_or_else(
            || format!("there are: {}", known.join(", ")),
            |meant| format!("did you mean {meant}?"),
        );
        return Err(UsageError(format!("no target is called {:?}; {hint}", args.target)).into());
    }
    store.pause_target(&args.target, operator(), args.note).await?;
    line(format!(
        "target {} is paused: its jobs wait, urgent ones too",
        plain(&args.target)
    ))?;
    if !daemon_runs(store.path()) {
        line("the daemon does not run; it will find the target paused")?;
    }
    line(format!("to let it go on: revoked target resume {}", plain(&args.target)))?;
    store.close().await;
    Ok(Exit::Ok)
}

pub(super) async fn resume(args: ResumeArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    store.resume_target(&args.target, operator(), args.note).await?;
    line(format!("target {} goes on", plain(&args.target)))?;
    if let Some(why) = store.lane_paused(&args.target).await? {
        line(format!(
            "it refuses us still, and its jobs wait: {}; mend that, then run revoked check",
            plain(&why)
        ))?;
    }
    store.close().await;
    Ok(Exit::Ok)
}
