//! `revoked source list`: the configured sources, where their senders come in, and how they are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cli::asked::Reach;
use crate::cli::output::{Cell, LocalTimes, Meaning, answer, json_line, name_unreadable, plain, sentence, table};
use crate::cli::source_health;
use crate::cli::store::open_if_there;
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::policy::Mode;
use crate::settings::Period;
use crate::sources::{Awaited, Source, ssf};
use crate::store::SourceHealth;

#[derive(Serialize)]
struct Row {
    source: String,
    kind: &'static str,
    #[serde(rename = "door")]
    endpoint: Option<String>,
    silent_after: Option<String>,
    /// Whether it is acted on, as the config has it: `act`, or `rehearse`.
    mode: &'static str,
    health: Option<SourceHealth>,
    /// Why it cannot be read, where the daemon has found that.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// What lies before it and is not taken yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    awaited: Vec<Awaited>,
}

/// Runs `revoked source list`.
///
/// # Errors
/// A config that is wrong, with every complaint; a store that cannot be read.
pub(super) async fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let config = Reach::new(at)?.config;
    let path = at.store.clone().unwrap_or_else(|| config.store.clone());
    let (mut known, mut unreadable) = (Vec::new(), BTreeMap::new());
    // Before the daemon's first start there is no store, and nothing to say of any source.
    if let Some(store) = open_if_there(&path).await? {
        let health = store.source_health().await?;
        name_unreadable(&health.unreadable);
        known = health.rows;
        unreadable = source_health::unreadable(&store).await?;
        store.close().await;
    }
    let health = |name: &str| known.iter().find(|health| health.source == name).cloned();
    let mode = |name: &str| config.policy.mode_of(name);
    let told = |silent_after: Option<Duration>| silent_after.map(|length| Period(length).to_string());
    let built = config.sources.iter().map(|source| Row {
        source: source.name.clone(),
        kind: source.kind,
        endpoint: endpoint(&source.name, &source.source),
        silent_after: told(source.silent_after),
        mode: mode(&source.name).word(),
        health: health(&source.name),
        trouble: unreadable.get(&source.name).cloned(),
        awaited: awaited(&source.source),
    });
    // Those whose secrets the daemon alone may read are sources all the same. Which of the two ways a stream comes by stands behind its secrets.
    let unbuilt = config.unbuilt_sources.iter().map(|source| Row {
        source: source.name.clone(),
        kind: source.kind,
        endpoint: (source.kind != ssf::KIND.name).then(|| format!("/signals/{}", source.name)),
        silent_after: told(source.silent_after),
        mode: mode(&source.name).word(),
        health: health(&source.name),
        trouble: unreadable.get(&source.name).cloned(),
        awaited: Vec::new(),
    });
    let rows: Vec<Row> = built.chain(unbuilt).collect();
    if as_json {
        rows.iter().try_for_each(json_line)?;
        return Ok(Exit::Ok);
    }
    let times = LocalTimes::at(clock.now());
    let headings = ["source", "kind", "spoke", "last signal?", "comes in at?", "refused?", "lag?"];
    let awaited: Vec<String> = rows
        .iter()
        .flat_map(|row| row.awaited.iter().map(|awaited| told_of(&row.source, awaited, &times)))
        .collect();
    let troubled: Vec<String> = rows.iter().filter_map(|row| row.trouble.clone()).collect();
    table(
        &headings,
        rows.into_iter().map(|row| cells(row, &times)).collect(),
        "no sources",
    )?;
    for text in awaited {
        sentence(&text, 2)?;
    }
    for trouble in troubled {
        // The alert's own sentence, which says what to do, stands where a terminal ends.
        answer(Meaning::Bad, "", &plain(&trouble))?;
    }
    Ok(Exit::Ok)
}

fn cells(row: Row, times: &LocalTimes) -> Vec<Cell> {
    let dash = || "-".to_owned();
    let known = row.health.as_ref();
    let away = |at: Option<Timestamp>| at.map_or_else(dash, |at| times.away(at));
    let spoke = away(known.and_then(|health| health.spoke_at));
    let is_silent = known.is_some_and(|health| health.alerted_at.is_some());
    vec![
        row.source.into(),
        if row.mode == Mode::Act.word() {
            row.kind.into()
        } else {
            Cell::meaning(format!("{} (rehearses)", row.kind), Meaning::Strong)
        },
        if is_silent {
            Cell::meaning(spoke, Meaning::Bad)
        } else {
            spoke.into()
        },
        away(known.and_then(|health| health.signal_at)).into(),
        row.endpoint.unwrap_or_else(|| "we go and look".to_owned()).into(),
        known.and_then(source_health::refused).unwrap_or_else(dash).into(),
        known.and_then(source_health::lag).unwrap_or_else(dash).into(),
    ]
}

fn awaited(source: &Source) -> Vec<Awaited> {
    match source {
        Source::Pull(pull) => pull.awaited(),
        _ => Vec::new(),
    }
}

fn told_of(source: &str, awaited: &Awaited, times: &LocalTimes) -> String {
    plain(&format!(
        "{source}: {} is waited for until {}: {}",
        awaited.what,
        times.time(awaited.until),
        awaited.why
    ))
}

fn endpoint(name: &str, source: &Source) -> Option<String> {
    source.push().map(|_| format!("/signals/{name}"))
}
