//! `revoked target list`: how each target stands, and what waits for it.

use clap::Args;
use serde::Serialize;

use super::names;
use crate::cli::output::{Cell, LocalTimes, Meaning, coarse, json_line, line, table};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Timestamp;
use crate::store::TargetState;

/// `revoked target list`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked target list --json")]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A target as programs have it.
#[derive(Serialize)]
struct ListedTarget {
    /// `up`, `down`, `refused` (our credential, or a permission is missing) or `paused` (by an operator).
    state: &'static str,
    why: Option<String>,
    since: Option<Timestamp>,
    /// How often the config lets it be called: `10/s`.
    rate: Option<String>,
    #[serde(flatten)]
    target: TargetState,
}

pub(super) async fn list(args: &ListArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let named = names(at).unwrap_or_default();
    let config = Config::load_without_secrets(&at.config, &Clock::system()).ok();
    let rate = |name: &str| {
        let targets = config.iter().flat_map(|config| &config.targets);
        let mut found = targets.filter(|target| target.name == name);
        found.next().map(|target| target.rate.to_string())
    };
    let states = store.target_states(&named).await?;
    let targets: Vec<ListedTarget> = states
        .into_iter()
        .map(|target| listed(rate(&target.target), target))
        .collect();
    let now = store.clock().now();
    store.close().await;
    if args.json {
        for target in &targets {
            json_line(target)?;
        }
        return Ok(Exit::Ok);
    }
    let times = LocalTimes::at(now);
    let rows = targets.iter().map(|target| row(target, &times));
    let headings = [
        "target", "state", "since", "at work?", "waiting", "oldest", "permits?", "why…",
    ];
    table(&headings, rows.collect(), "no target is configured")?;
    for target in targets.iter().filter(|target| target.state == "paused") {
        line(format!("to let it go on: revoked target resume {}", target.target.target))?;
    }
    Ok(Exit::Ok)
}

/// What weighs most is told: an operator's word, then what the daemon cannot work with, then what does not answer.
fn listed(rate: Option<String>, target: TargetState) -> ListedTarget {
    let (state, why, since) = if let Some(pause) = &target.paused {
        ("paused", Some(pause.sentence()), Some(pause.since))
    } else if let Some(why) = &target.refused {
        ("refused", Some(why.clone()), target.refused_since)
    } else if let Some(why) = &target.down {
        ("down", Some(why.clone()), target.down_since)
    } else {
        ("up", None, None)
    };
    ListedTarget {
        state,
        why,
        since,
        rate,
        target,
    }
}

fn row(listed: &ListedTarget, times: &LocalTimes) -> Vec<Cell> {
    let target = &listed.target;
    let meaning = match listed.state {
        "up" => Meaning::Good,
        "paused" => Meaning::Waiting,
        _ => Meaning::Bad,
    };
    let age = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| coarse(times.now().since(at)));
    let permits = match target.next_permit_at.filter(|at| *at > times.now()) {
        Some(at) => format!("next {}", times.away(at)),
        None => listed.rate.clone().unwrap_or_else(|| "-".to_owned()),
    };
    vec![
        target.target.clone().into(),
        Cell::meaning(listed.state, meaning),
        age(listed.since).into(),
        target.running.to_string().into(),
        target.waiting.to_string().into(),
        age(target.oldest_waiting).into(),
        permits.into(),
        listed.why.clone().unwrap_or_else(|| "-".to_owned()).into(),
    ]
}
