//! `revoked kinds`: what a config may name.

use serde::Serialize;

use super::Exit;
use super::output::{json, table};
use crate::{sources, targets};

#[derive(Serialize)]
struct Row {
    is: &'static str,
    kind: &'static str,
    about: &'static str,
}

/// Runs `revoked kinds`.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn run(as_json: bool) -> anyhow::Result<Exit> {
    let sources = sources::KINDS.iter().map(|kind| Row {
        is: "source",
        kind: kind.name,
        about: kind.about,
    });
    let targets = targets::KINDS.iter().map(|kind| Row {
        is: "target",
        kind: kind.name,
        about: kind.about,
    });
    let rows: Vec<Row> = sources.chain(targets).collect();
    if as_json {
        json(&rows)?;
    } else {
        let cells = rows
            .iter()
            .map(|row| vec![row.is.to_owned(), row.kind.to_owned(), row.about.to_owned()]);
        table(&["", "kind", "what it is"], cells.collect(), "no kinds")?;
    }
    Ok(Exit::Ok)
}
