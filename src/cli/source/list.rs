//! `revoked source list`: the configured sources, and where their senders come in.

use serde::Serialize;

use crate::cli::output::{json, table};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::sources::Source;

#[derive(Serialize)]
struct Row {
    source: String,
    kind: &'static str,
    door: Option<String>,
}

/// Runs `revoked source list`.
///
/// # Errors
/// A config that is wrong, with every complaint.
pub(super) fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = Config::load(&at.config, &Clock::system())?;
    let rows: Vec<Row> = config
        .sources
        .iter()
        .map(|source| Row {
            source: source.name.clone(),
            kind: source.kind,
            door: door(&source.name, &source.source),
        })
        .collect();
    if as_json {
        json(&rows)?;
        return Ok(Exit::Ok);
    }
    let cells = rows.into_iter().map(|row| {
        let comes_in = row.door.unwrap_or_else(|| "we go and look".to_owned());
        vec![row.source, row.kind.to_owned(), comes_in]
    });
    table(&["source", "kind", "its sender comes in at"], cells.collect(), "no sources")?;
    Ok(Exit::Ok)
}

fn door(name: &str, source: &Source) -> Option<String> {
    source.push().map(|_| format!("/signals/{name}"))
}
