//! `revoked demo`: the whole thing on loopback, shown as it happens, and judged.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use super::output::json;
use crate::clock::Clock;
use crate::demo::{self, Options, ProgressSender};
use crate::telemetry::{self, Setup};

mod report;
mod tour;
mod view;

use view::View;

/// `revoked demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Print one JSON object at the end, and nothing else to standard output
    #[arg(long)]
    pub json: bool,
    /// Leave config, database, trail and keys in this folder, which must be new or empty, for the other commands
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Send one signal through every door instead, about another person each, and show what came of it
    #[arg(long)]
    pub tour: bool,
    /// Decides who lives in the town, and every id there
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// What was shown.
enum Played {
    Play(demo::Outcome),
    Tour(demo::tour::TourOutcome),
}

/// Runs the demo. Exits with 0 only if every expectation held.
///
/// # Errors
/// Where it cannot start, or was interrupted.
pub(super) async fn run(args: DemoArgs) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let view = View::new(args.json);
    let _log = telemetry::start(
        Setup {
            filter: "off".to_owned(),
            output: view.log(),
            ..Setup::default()
        },
        &clock,
    )?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let (out, updates) = tokio::sync::mpsc::unbounded_channel();
    let options = Options {
        keep: args.keep,
        seed: args.seed,
    };
    let play = async {
        let progress = ProgressSender::new(out);
        let run = async {
            Ok(if args.tour {
                Played::Tour(Box::pin(demo::tour::run(options, clock, progress)).await?)
            } else {
                Played::Play(Box::pin(demo::run(options, clock, progress)).await?)
            })
        };
        let (outcome, shown) = tokio::join!(run, view.show(updates));
        shown?;
        outcome
    };
    let outcome: anyhow::Result<Played> = tokio::select! {
        outcome = play => outcome,
        _ = terminate.recv() => anyhow::bail!("the demo was interrupted"),
        _ = interrupt.recv() => anyhow::bail!("the demo was interrupted"),
    };
    let ok = match outcome? {
        Played::Play(outcome) => {
            if args.json {
                json(&outcome)?;
            } else {
                report::print(&outcome)?;
            }
            outcome.ok
        }
        Played::Tour(outcome) => {
            if args.json {
                json(&outcome)?;
            } else {
                tour::print(&outcome)?;
            }
            outcome.ok
        }
    };
    Ok(if ok { Exit::Ok } else { Exit::Failed })
}
