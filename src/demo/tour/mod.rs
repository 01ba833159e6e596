//! `revoked demo --tour`: one signal through every kind of source, about another person each, and what came of it.
//!
//! Reading order: [`run`] is the tour, `scenarios` the table of the kinds of source, `scenario` what one of them consists of and works with,
//! `run_scenario` sends its signal and follows it, `told_back` reads what we tell the sender, `identity_provider` is the sender's side. The last stop is `everywhere`: one person at four targets. `loopback_server` serves both.

use std::fmt::Write as _;

use anyhow::Context as _;
use revoked_sandbox::World;
use revoked_trail::key::random_key;

use super::expectation::{Expectation, expect, or};
use super::folder::Folder;
use super::judge;
use super::people::holdings;
use super::{OLD, Options, PEOPLE, Place, Progress, ProgressSender, installation, outcome as record};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::digest::hex;
use crate::model::Actor;
use crate::sources::{NoState, ssf};
use crate::store::{Role, Store};

mod everywhere;
mod identity_provider;
mod loopback_server;
mod outcome;
mod run_scenario;
mod scenario;
mod scenarios;
mod told_back;

pub use everywhere::{AtTarget, Everywhere};
pub use outcome::{ResultingCase, ScenarioLine, ToldBack, TourOutcome};

use identity_provider::IdentityProvider;
use run_scenario::run_scenario;
use scenario::{ScenarioContext, quoted};
use scenarios::SCENARIOS;

/// Goes to every scenario and says what came of it. What goes against expectation is in the outcome; an error is what kept the tour from
/// being made.
///
/// # Errors
/// Where the folder cannot be used, a port cannot be had, or the daemon does not start.
pub async fn run(options: Options, clock: Clock, progress: ProgressSender) -> anyhow::Result<TourOutcome> {
    let folder = Folder::make(options.keep.clone())?;
    let world = World::fixture_since(options.seed, PEOPLE, clock.now().minus(OLD).ms());
    let token = world.operator_token().context("the sandbox has no operator")?;
    let sandbox = installation::stand_in(world, &clock).await?;
    let provider = IdentityProvider::start(&clock).await?;
    let mut contexts = SCENARIOS
        .iter()
        .map(|scenario| ScenarioContext::new(scenario, &folder, &provider, &sandbox.world(), &clock))
        .collect::<anyhow::Result<Vec<_>>>()?;
    folder.folder("elsewhere")?;
    folder.write("chat-token", format!("{token}\n"))?;
    folder.write("trail-key", random_key()?)?;
    let config = folder.write("revoked.toml", config(&folder, &sandbox.url(), &provider, &contexts)?)?;

    let before = holdings(&sandbox.world(), |person| {
        SCENARIOS.iter().any(|scenario| scenario.who == person)
    });
    let checked = Config::load(&config, &clock).context("loading the tour's own config")?;
    connect(&checked, &clock, &progress).await?;
    let daemon = Daemon::start(checked, clock.clone())
        .await
        .context("starting the daemon of the tour")?;
    let place = Place {
        server: sandbox.url(),
        daemon: format!("http://{}", daemon.address()),
        config: folder.is_kept().then_some(config),
    };
    progress.line(format!(
        "a Mattermost stand-in with {PEOPLE} people at {}; an identity provider at {}; the daemon, with {} doors, at {}",
        place.server,
        provider.issuer(),
        SCENARIOS.len(),
        place.daemon
    ));
    let mut lines = Vec::new();
    for context in &mut contexts {
        progress.send(Progress::Cases {
            over: lines.len(),
            all: SCENARIOS.len(),
        });
        context.open(place.daemon.clone());
        lines.push(run_scenario(context, daemon.store(), &clock, &progress).await?);
    }
    daemon.stop().await;

    let store = Store::open(&folder.path().join("revoked.db"), Role::Command, clock.clone()).await?;
    let trail = record::trail(&store, &folder.path().join("elsewhere/checkpoints")).await?;
    store.close().await;
    let after = holdings(&sandbox.world(), |person| {
        SCENARIOS.iter().any(|scenario| scenario.who == person)
    });
    let touched: Vec<&str> = before
        .iter()
        .filter(|(name, had)| after.get(*name) != Some(had))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut expectations: Vec<Expectation> = lines.iter().map(of_a_scenario).collect();
    expectations.push(expect(
        "nobody_else_lost_anything",
        touched.is_empty(),
        or(&touched, || format!("{} other accounts have what they had", before.len())),
    ));
    expectations.push(judge::of_trail(&trail));
    let (everywhere, held) = everywhere::run(&folder, &sandbox, &clock, &progress).await?;
    expectations.extend(held);
    Ok(TourOutcome {
        ok: expectations.iter().all(|expectation| expectation.held),
        stops: lines,
        everywhere,
        trail,
        expectations,
        place,
        elapsed_ms: record::ms(progress.elapsed()),
    })
}

/// Makes the streams that sources have at the transmitter: what `revoked source ssf connect` does.
async fn connect(config: &Config, clock: &Clock, progress: &ProgressSender) -> anyhow::Result<()> {
    let store = Store::open(&config.store, Role::Daemon, clock.clone()).await?;
    for source in &config.sources {
        let Some(stream) = ssf::stream_of(&source.source) else {
            continue;
        };
        let connected = stream
            .connect(&NoState)
            .await
            .with_context(|| format!("connecting the stream of {}", source.name))?;
        let steps = vec![connected.made.keep()?];
        store.change_state(&source.name, steps, Actor::operator("demo", None)).await?;
        progress.line(format!(
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

fn of_a_scenario(line: &ScenarioLine) -> Expectation {
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

/// The config, with a table for each scenario.
fn config(folder: &Folder, server: &str, provider: &IdentityProvider, contexts: &[ScenarioContext<'_>]) -> anyhow::Result<String> {
    let mut config = format!(
        "# What `revoked demo --tour` ran with. The stand-in and the identity provider went away with the tour.\n\n{}",
        installation::base_config(folder.path(), server)
    );
    for context in contexts {
        let keys = (context.scenario.configure)(context)?;
        if !keys.is_empty() {
            let (kind, source) = (context.scenario.kind, context.scenario.source);
            // Writing to a string cannot fail.
            let _ = write!(config, "\n[[source]]\nname = \"{source}\"\nkind = \"{kind}\"\n{keys}");
        }
    }
    let authorization = format!("Bearer {}", hex(&random_key()?));
    provider.expects(&authorization);
    let file = quoted(&folder.write("idp-authorization", format!("{authorization}\n"))?);
    let told: Vec<&str> = SCENARIOS
        .iter()
        .filter(|scenario| scenario.told_back)
        .map(|scenario| scenario.source)
        .collect();
    config.push_str(&told_back::config(provider, &file, &told));
    Ok(config)
}
