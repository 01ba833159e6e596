//! `revoked demo --tour`: one signal through every door, about another person each, and what came of it.
//!
//! Reading order: [`run`] is the tour, `stops` the table of the ways in, `ground` what a stop stands on, `provider` the identity provider.

use std::fmt::Write as _;

use anyhow::Context as _;
use revoked_sandbox::World;
use revoked_trail::key::random_key;

use super::cast::holdings;
use super::expectation::{Expectation, expect, or};
use super::folder::Folder;
use super::judge;
use super::{
    OLD, Options, PEOPLE, Place, Scene, Teller, outcome as record,
    stage::{self, hex},
};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::model::Actor;
use crate::sources::{NoState, ssf};
use crate::store::{Role, Store};

mod echo;
mod ground;
mod outcome;
mod provider;
mod stops;
mod visit;

pub use outcome::{Came, StopLine, Told, TourOutcome};

use ground::{Ground, quoted};
use provider::Provider;
use stops::STOPS;
use visit::visit;

/// Goes to every stop and says what came of it. What goes against expectation is in the outcome; an error is what kept the tour from
/// being made.
///
/// # Errors
/// Where the folder cannot be used, a port cannot be had, or the daemon does not start.
pub async fn run(options: Options, clock: Clock, teller: Teller) -> anyhow::Result<TourOutcome> {
    let folder = Folder::make(options.keep.clone())?;
    let world = World::fixture_since(options.seed, PEOPLE, clock.now().minus(OLD).ms());
    let token = world.operator_token().context("the town has no operator")?;
    let sandbox = stage::stand_in(world, &clock).await?;
    let provider = Provider::start(&clock).await?;
    let mut grounds = STOPS
        .iter()
        .map(|stop| Ground::new(stop, &folder, &provider, &sandbox.world(), &clock))
        .collect::<anyhow::Result<Vec<_>>>()?;
    folder.folder("elsewhere")?;
    folder.write("chat-token", format!("{token}\n"))?;
    folder.write("trail-key", random_key()?)?;
    let config = folder.write("revoked.toml", config(&folder, &sandbox.url(), &provider, &grounds)?)?;

    let before = holdings(&sandbox.world(), |person| STOPS.iter().any(|stop| stop.who == person));
    let checked = Config::load(&config, &clock).context("loading the tour's own config")?;
    connect(&checked, &clock, &teller).await?;
    let daemon = Daemon::start(checked, clock.clone())
        .await
        .context("starting the daemon of the tour")?;
    let place = Place {
        server: sandbox.url(),
        daemon: format!("http://{}", daemon.address()),
        config: folder.is_kept().then_some(config),
    };
    teller.line(format!(
        "a Mattermost stand-in with {PEOPLE} people at {}; an identity provider at {}; the daemon, with {} doors, at {}",
        place.server,
        provider.issuer(),
        STOPS.len(),
        place.daemon
    ));
    let mut lines = Vec::new();
    for ground in &mut grounds {
        teller.send(Scene::Cases {
            over: lines.len(),
            all: STOPS.len(),
        });
        ground.open(place.daemon.clone());
        lines.push(visit(ground, daemon.store(), &clock, &teller).await?);
    }
    daemon.stop().await;

    let store = Store::open(&folder.path().join("revoked.db"), Role::Command, clock.clone()).await?;
    let trail = record::trail(&store, &folder.path().join("elsewhere/checkpoints")).await?;
    store.close().await;
    let after = holdings(&sandbox.world(), |person| STOPS.iter().any(|stop| stop.who == person));
    let touched: Vec<&str> = before
        .iter()
        .filter(|(name, had)| after.get(*name) != Some(had))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut expectations: Vec<Expectation> = lines.iter().map(of_a_stop).collect();
    expectations.push(expect(
        "nobody_else_lost_anything",
        touched.is_empty(),
        or(&touched, || format!("{} other accounts have what they had", before.len())),
    ));
    expectations.push(judge::of_trail(&trail));
    Ok(TourOutcome {
        ok: expectations.iter().all(|expectation| expectation.held),
        stops: lines,
        trail,
        expectations,
        place,
        elapsed_ms: record::ms(teller.elapsed()),
    })
}

/// Makes the streams that sources have at the transmitter: what `revoked source ssf connect` does.
async fn connect(config: &Config, clock: &Clock, teller: &Teller) -> anyhow::Result<()> {
    let store = Store::open(&config.store, Role::Daemon, clock.clone()).await?;
    for source in &config.sources {
        let Some(stream) = ssf::stream_of(&source.source) else {
            continue;
        };
        let connected = stream
            .connect(&NoState)
            .await
            .with_context(|| format!("connecting the stream of {}", source.name))?;
        let steps = vec![connected.made.keep()];
        store.remember(&source.name, steps, Actor::operator("demo", None)).await?;
        teller.line(format!(
            "{}: a stream is {} at the identity provider, by {} (revoked source ssf connect {})",
            source.kind,
            connected.way.word(),
            connected.made.method.word(),
            source.name
        ));
    }
    store.close().await;
    Ok(())
}

fn of_a_stop(line: &StopLine) -> Expectation {
    let what = line.came.as_ref().map_or_else(
        || "no case".to_owned(),
        |came| {
            format!(
                "case {} is {}, for the reason {}",
                came.case,
                came.verdict.as_deref().unwrap_or("open"),
                came.reason
            )
        },
    );
    let told = match &line.told {
        Some(told) => format!(", and told {} about {}", told.event, told.subject),
        None if line.told_expected => ", and told nothing".to_owned(),
        None => String::new(),
    };
    expect(
        format!("a_signal_through_{}_ends_access", line.source.replace('-', "_")),
        line.is_as_expected(),
        format!("{what}; the sender was answered {}{told}", line.answer),
    )
}

/// The config, with a table for each stop.
fn config(folder: &Folder, server: &str, provider: &Provider, grounds: &[Ground<'_>]) -> anyhow::Result<String> {
    let mut config = format!(
        "# What `revoked demo --tour` ran with. The stand-in and the identity provider went away with the tour.\n\n{}",
        stage::installation(folder.path(), server)
    );
    for ground in grounds {
        let keys = (ground.stop.furnish)(ground)?;
        if !keys.is_empty() {
            let (kind, source) = (ground.stop.kind, ground.stop.source);
            // Writing to a string cannot fail.
            let _ = write!(config, "\n[[source]]\nname = \"{source}\"\nkind = \"{kind}\"\n{keys}");
        }
    }
    let authorization = format!("Bearer {}", hex(&random_key()?));
    provider.expects(&authorization);
    let file = quoted(&folder.write("idp-authorization", format!("{authorization}\n"))?);
    let told: Vec<&str> = STOPS.iter().filter(|stop| stop.told_back).map(|stop| stop.source).collect();
    config.push_str(&echo::config(provider, &file, &told));
    Ok(config)
}
