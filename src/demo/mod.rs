//! The whole line on loopback, without any configuration: a Mattermost stand-in, an intruder at work in it, the daemon as it is installed,
//! real signals through the real doors, and what came of them, held against what was expected.
//!
//! Reading order: [`run`] here is the play; `cast` says who is who, `stage` puts up the installation (a config file as a user writes it),
//! `intruder` uses what was stolen, `doors` sends the signals, `narrator` follows the store, `outcome` gathers what is on the record and
//! `judge` holds it against what was expected. [`tour`] is the other mode: one signal through every door. Nothing here prints: what is to be shown goes out as [`Scene`]s.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use revoked_sandbox::World;
use serde::Serialize;

use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;

mod cast;
mod doors;
mod expectation;
mod folder;
mod intruder;
mod judge;
mod narrator;
mod outcome;
mod scene;
mod stage;
pub mod tour;

pub use expectation::Expectation;
pub use intruder::Loot;
pub use outcome::{CaseLine, IntruderLine, Outcome, PlanLine, TrailLine};
pub use scene::{Scene, Teller};

use cast::Cast;
use folder::Folder;
use intruder::Intruder;
use judge::{Facts, judge};
use narrator::Narrator;
use stage::Stage;

/// How many people the town has.
const PEOPLE: usize = 40;
/// How long the town has been there.
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
    /// Decides who lives in the town, and every id there.
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
pub async fn run(options: Options, clock: Clock, teller: Teller) -> anyhow::Result<Outcome> {
    let folder = Folder::make(options.keep.clone())?;
    let world = World::fixture_since(options.seed, PEOPLE, clock.now().minus(OLD).ms());
    let cast = Cast::of(&world, &clock)?;
    let mut stage = Stage::build(folder, world, &cast, &clock).await?;
    let config = Config::load(&stage.config(), &clock).context("loading the demo's own config")?;
    let daemon = Daemon::start(config, clock.clone())
        .await
        .context("starting the daemon of the demo")?;
    stage.open(daemon.address());
    teller.line(format!(
        "a Mattermost {} stand-in with {} people at {}; the daemon at {}",
        stage.sandbox.world().version,
        PEOPLE,
        stage.sandbox.url(),
        stage.daemon_url()
    ));

    teller.send(Scene::Cases {
        over: 0,
        all: cast.cases(),
    });

    let intruder = Intruder::start(&stage.sandbox.url(), &cast, &clock, &teller)?;
    teller.line(format!(
        "an intruder holds a session, an access token, an OAuth refresh token and the password of {}, and calls every 50 ms",
        cast.victim.shown()
    ));
    intruder.at_ease(AT_EASE).await;

    let bystanders = cast.bystanders(&stage.sandbox.world());
    let sent = doors::send_all(&stage, &cast, &clock, &teller).await?;
    let mut narrator = Narrator::new(daemon.store().clone(), &cast, &teller);
    let in_time = tokio::time::timeout(PATIENCE, narrator.follow(&intruder)).await.is_ok();
    let calls = intruder.stop().await;
    let published = doors::try_out(&stage, &cast.published).await?;
    daemon.stop().await;

    let outcome = outcome::gather(&stage, &cast, &sent, &calls, &clock).await?;
    let expectations = judge(Facts {
        outcome: &outcome,
        cast: &cast,
        sent: &sent,
        calls: &calls,
        in_time,
        published,
        bystanders: &bystanders,
        world: &stage.sandbox.world(),
    });
    Ok(outcome.with(expectations, teller.elapsed(), stage.place()))
}
