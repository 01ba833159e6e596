//! `revoked hold list`: one line a cause, with whom it is about and the command that decides.

use std::collections::BTreeMap;

use serde::Serialize;

use super::limit::SourceLimits;
use super::show::last_line;
use crate::cli::output::{Cell, LocalTimes, Meaning, coarse, json_lines, name_unreadable, plain, table};
use crate::cli::{Exit, StoreArgs};
use crate::store::{Hold, Listed, ShownNames, Store};

/// A hold as programs have it.
#[derive(Serialize)]
struct ListedHold<'h> {
    #[serde(flatten)]
    hold: &'h Hold,
    /// The limit of its source, where it is about one.
    limit: Option<String>,
    /// The command that shows what an approval must name.
    next: Option<String>,
}

pub(super) async fn list(store: &Store, at: &StoreArgs, all: bool, as_json: bool) -> anyhow::Result<Exit> {
    let holds = store.holds(all).await?;
    let limits = SourceLimits::read(at);
    if as_json {
        let rows = holds.rows.iter().map(|hold| ListedHold {
            hold,
            limit: limits.of(hold),
            next: (hold.state == "open").then(|| next(hold)),
        });
        let listed = Listed {
            rows: rows.collect(),
            unreadable: holds.unreadable.clone(),
        };
        json_lines(&listed)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&holds.unreadable);
    let times = LocalTimes::at(store.clock().now());
    let names = store
        .shown_names(holds.iter().flat_map(|hold| &hold.first).map(String::as_str))
        .await?;
    let rows = holds.iter().map(|hold| row(hold, &limits, &names, &times));
    let headings = ["hold", "source", "people…", "age?", "cause…", "limit?", "next"];
    table(&headings, rows.collect(), "nothing waits for a decision")?;
    let mut of_source: BTreeMap<&str, usize> = BTreeMap::new();
    for hold in holds.iter().filter(|hold| hold.state == "open") {
        *of_source.entry(&hold.source).or_default() += 1;
    }
    for (source, count) in of_source.into_iter().filter(|(_, count)| *count > 1) {
        let (source, what) = (plain(source), format!("all {count} of {} as one decision:", plain(source)));
        last_line(&what, &format!("revoked hold approve --all-of {source}"))?;
    }
    Ok(Exit::Ok)
}

/// What to type about an open hold.
fn next(hold: &Hold) -> String {
    format!("revoked hold show {}", hold.id)
}

fn row(hold: &Hold, limits: &SourceLimits, names: &ShownNames, times: &LocalTimes) -> Vec<Cell> {
    let is_open = hold.state == "open";
    vec![
        hold.id.to_string().into(),
        hold.source.clone().into(),
        Cell::meaning(people(hold, names), if is_open { Meaning::Waiting } else { Meaning::Quiet }),
        coarse(times.now().since(hold.placed_at)).into(),
        times.told(&cause(hold)).into(),
        limits.of(hold).unwrap_or_else(|| "-".to_owned()).into(),
        if is_open {
            next(hold).into()
        } else {
            Cell::state(&hold.state)
        },
    ]
}

/// `26: email:a@example.org, username:b, …`
fn people(hold: &Hold, names: &ShownNames) -> String {
    let mut text = hold.people.to_string();
    if !hold.first.is_empty() {
        text.push_str(": ");
        let first: Vec<&str> = hold.first.iter().map(|name| names.of(name)).collect();
        text.push_str(&first.join(", "));
        if usize::try_from(hold.people).is_ok_and(|people| people > hold.first.len()) {
            text.push_str(", …");
        }
    }
    text
}

/// Why a human is asked, and about which delivery.
fn cause(hold: &Hold) -> String {
    match &hold.batch {
        Some(batch) => format!("{} (in {batch})", hold.detail),
        None => hold.detail.clone(),
    }
}
