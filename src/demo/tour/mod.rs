//! `revoked demo --tour`: one signal through every door, about another person each, and what came of it.
//!
//! Reading order: [`run`] is the tour, `stops` the table of the ways in, `ground` what a stop stands on, `provider` the identity provider.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::cast::holdings;
use super::expectations::{self, Expectation, expect, or};
use super::folder::Folder;
use super::{OLD, Options, PEOPLE, Place, Scene, Teller, outcome as record, stage};
use crate::audit::key::random_key;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::model::{Actor, Timestamp};
use crate::sandbox::{self, Sandbox, World};
use crate::sources::{Alone, ssf};
use crate::store::{CaseDetail, ListFilter, Role, Store};

mod ground;
mod outcome;
mod provider;
mod stops;

pub use outcome::{Came, StopLine, TourOutcome};

use ground::Ground;
use provider::Provider;
use stops::STOPS;

/// How long one stop may take, from sending to the verdict.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// Goes to every stop and says what came of it. What goes against expectation is in the outcome; an error is what kept the tour from
/// being made.
///
/// # Errors
/// Where the folder cannot be used, a port cannot be had, or the daemon does not start.
pub async fn run(options: Options, clock: Clock, teller: Teller) -> anyhow::Result<TourOutcome> {
    let folder = Folder::make(options.keep.clone())?;
    let world = World::town_since(options.seed, PEOPLE, clock.now().minus(OLD).ms());
    let token = world.operator_token().context("the town has no operator")?;
    let sandbox = Sandbox::start(
        world,
        sandbox::Options {
            clock: clock.clone(),
            ..sandbox::Options::default()
        },
    )
    .await
    .context("starting the Mattermost stand-in")?;
    let provider = Provider::start(&clock).await?;
    let mut grounds = STOPS
        .iter()
        .map(|stop| Ground::new(stop, &folder, &provider, &sandbox.world(), &clock))
        .collect::<anyhow::Result<Vec<_>>>()?;
    folder.folder("elsewhere")?;
    folder.write("chat-token", format!("{token}\n"))?;
    folder.write("trail-key", random_key()?)?;
    let config = folder.write("revoked.toml", config(&folder, &sandbox.url(), &grounds)?)?;

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
    expectations.push(expectations::of_trail(&trail));
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
            .connect(&Alone)
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

/// Sends the signal of one stop and follows it to the verdict.
async fn visit(ground: &Ground<'_>, store: &Store, clock: &Clock, teller: &Teller) -> anyhow::Result<StopLine> {
    let stop = ground.stop;
    let sent = ground.sends();
    teller.line(format!("{}: {sent}", stop.kind));
    let sent_at = clock.now();
    let answer = (stop.send)(ground)
        .await
        .with_context(|| format!("sending a signal through {}", stop.kind))?;
    teller.line(format!("{}: the sender is answered: {answer}", stop.kind));
    let came = follow(stop.source, store)
        .await?
        .map(|detail| came(&detail, stop.reason, sent_at));
    teller.line(match &came {
        Some(came) => format!(
            "{}: case {} ({}): {} {} ms after it was sent; ended: {}",
            stop.kind,
            came.case,
            came.reason,
            came.verdict.as_deref().unwrap_or("no verdict yet"),
            came.sent_to_verdict_ms.unwrap_or_default(),
            came.ended_in_words()
        ),
        None => format!("{}: no case followed within {} s", stop.kind, PATIENCE.as_secs()),
    });
    Ok(StopLine {
        kind: stop.kind.to_owned(),
        source: stop.source.to_owned(),
        who: stop.who.to_owned(),
        sent,
        answer,
        answer_expected: stop.answer.to_owned(),
        came,
    })
}

/// The case that a source opened: once it is over, or as it is when the patience ends.
async fn follow(source: &str, store: &Store) -> anyhow::Result<Option<CaseDetail>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let cases = store
            .cases(&ListFilter {
                limit: 100,
                ..ListFilter::default()
            })
            .await?;
        let case = cases.iter().find(|case| case.source == source);
        let late = Instant::now() >= until;
        match case {
            Some(case) if late || case.state != "open" => return Ok(Some(store.case_detail(case.id).await?)),
            None if late => return Ok(None),
            _ => tokio::time::sleep(EVERY).await,
        }
    }
}

fn came(detail: &CaseDetail, reason: &str, sent_at: Timestamp) -> Came {
    let case = &detail.case;
    let evidence = || {
        let jobs = detail.jobs.iter().filter(|job| job.kind == "contain");
        jobs.filter_map(|job| job.evidence.as_ref())
    };
    let mut ended = BTreeMap::new();
    for evidence in evidence() {
        for (kind, before) in &evidence.before {
            let gone = before.saturating_sub(evidence.after.get(kind).copied().unwrap_or_default());
            if gone > 0 {
                *ended.entry(*kind).or_default() += gone;
            }
        }
    }
    Came {
        case: case.id,
        reason: case.reason.clone(),
        reason_expected: reason.to_owned(),
        verdict: case.verdict.clone(),
        sent_to_verdict_ms: case.contained_at.map(|at| record::ms(at.since(sent_at))),
        ended,
        suspended: evidence().any(|evidence| evidence.suspended.1),
    }
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
    expect(
        format!("a_signal_through_{}_ends_access", line.source.replace('-', "_")),
        line.is_as_expected(),
        format!("{}; the sender was answered {}", what, line.answer),
    )
}

/// The config, with a table for each stop.
fn config(folder: &Folder, server: &str, grounds: &[Ground<'_>]) -> anyhow::Result<String> {
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
    Ok(config)
}
