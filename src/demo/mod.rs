//! The whole line on loopback, without any configuration: a Mattermost stand-in, an intruder at work in it, the daemon as it is installed,
//! real signals through real sources, and what came of them, held against what was expected.
//!
//! Reading order: [`run`] here is the whole of it; `people` says who is who, `installation` starts the stand-in and writes the config as a user
//! would, `intruder` uses what was stolen, `send_signals` sends the signals, `case_follower` follows the cases in the store, `outcome` gathers
//! what is on the record, and `judge` holds it against what was expected. [`tour`] is the other mode: one signal through every kind of source.
//! Nothing here prints: what is to be shown goes out as [`Progress`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use revoked_sandbox::World;
use serde::Serialize;

use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;

mod case_follower;
mod expectation;
mod folder;
mod installation;
mod intruder;
mod judge;
mod outcome;
mod people;
mod progress;
mod send_signals;
pub mod tour;

pub use expectation::Expectation;
pub use intruder::StolenCredential;
pub use outcome::{CaseLine, IntruderLine, Outcome, PlanLine, TrailLine};
pub use progress::{Progress, ProgressSender};

use case_follower::CaseFollower;
use folder::Folder;
use installation::Installation;
use intruder::Intruder;
use judge::{Facts, judge};
use people::People;

/// How many people the sandbox has.
const PEOPLE: usize = 40;
/// How long they have been there.
const OLD: Duration = Duration::from_hours(7 * 24);
/// How often the intruder uses each stolen thing before the first signal.
const AT_EASE: usize = 20;
/// How long everything may take, from the first signal to the last sweep: some forty times what it takes, as the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(3);
/// A midnight that is nearer than this might strike while the demo runs.
const MARGIN: Duration = Duration::from_mins(5);

/// How to run the demo.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where config, database, trail and keys are to stay; a temporary folder that goes away where absent.
    pub keep: Option<PathBuf>,
    /// Decides who the people are, and every id.
    pub seed: u64,
}

/// What the operator of the demo wants to know of the place where it happened.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// The stand-in's URL.
    pub server: String,
    /// The daemon's own address.
    pub daemon: String,
    /// The config, where it is kept.
    pub config: Option<PathBuf>,
}

/// Runs the demo and says what came of it. Whatever goes against expectation is in the outcome; an error is what kept the demo itself
/// from running.
///
/// # Errors
/// Where the folder cannot be used, a port cannot be had, or the daemon does not start.
pub async fn run(options: Options, clock: Clock, progress: ProgressSender) -> anyhow::Result<Outcome> {
    let folder = Folder::make(options.keep.clone())?;
    let world = World::fixture_since(options.seed, PEOPLE, clock.now().minus(OLD).ms());
    let people = People::of(&world, &clock)?;
    let mut installation = Installation::build(folder, world, &people, &clock).await?;
    let config = Config::load(&installation.config(), &clock).context("loading the demo's own config")?;
    let daemon = Daemon::start(config, clock.clone())
        .await
        .context("starting the daemon of the demo")?;
    installation.open(daemon.address());
    progress.line(format!(
        "a Mattermost {} stand-in with {} people at {}; the daemon at {}",
        installation.sandbox.world().version,
        PEOPLE,
        installation.sandbox.url(),
        installation.daemon_url()
    ));

    progress.send(Progress::Cases {
        over: 0,
        all: people.cases(),
    });

    let intruder = Intruder::start(&installation.sandbox.url(), &people, &clock, &progress)?;
    progress.line(format!(
        "an intruder holds a session, an access token, an OAuth refresh token and the password of {}, and calls every 50 ms",
        people.victim.shown()
    ));
    intruder.at_ease(AT_EASE).await;

    let bystanders = people.bystanders(&installation.sandbox.world());
    let sent = send_signals::send_all(&installation, &people, &clock, &progress).await?;
    let mut follower = CaseFollower::new(daemon.store().clone(), &people, &progress);
    let in_time = tokio::time::timeout(PATIENCE, follower.follow(&intruder)).await.is_ok();
    let calls = intruder.stop().await;
    let published = send_signals::try_out(&installation, &people.published).await?;
    daemon.stop().await;

    let outcome = outcome::gather(&installation, &people, &sent, &calls, &clock).await?;
    let expectations = judge(Facts {
        outcome: &outcome,
        people: &people,
        sent: &sent,
        calls: &calls,
        in_time,
        published,
        bystanders: &bystanders,
        world: &installation.sandbox.world(),
    });
    Ok(outcome.with(expectations, progress.elapsed(), installation.place()))
}
