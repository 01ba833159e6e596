//! `revoked hold list`: three lines a hold, with its cause, whom it is about and the command that shows the rest.

use std::collections::BTreeMap;

use serde::Serialize;

use super::last_line::last_line;
use super::limit::SourceLimits;
use crate::cli::output::{LocalTimes, Meaning, bare, fit, fit_words, json_lines, line, name_unreadable, plain, terminal, width_of};
use crate::cli::{Exit, StoreArgs};
use crate::store::{Hold, Listed, ShownNames, Store};

/// What stands before the lines below the first of a hold.
const INDENT: &str = "    ";
/// What stands between people and the command.
const GAP: usize = 2;

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
    let holds = store.holds_with_approvals(all).await?;
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
    if holds.rows.is_empty() {
        line("nothing waits for a decision")?;
        return Ok(Exit::Ok);
    }
    let times = LocalTimes::at(store.clock().now());
    let names = store
        .shown_names(holds.iter().flat_map(|hold| &hold.first).map(String::as_str))
        .await?;
    let width = terminal().width.map(usize::from);
    for hold in &holds.rows {
        for text in lines(hold, limits.of(hold).as_deref(), &names, &times, width) {
            line(text)?;
        }
    }
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

/// A hold on three lines, whatever the width: how many people wait for whom and since when; why; who they are, and what to type.
fn lines(hold: &Hold, limit: Option<&str>, names: &ShownNames, times: &LocalTimes, width: Option<usize>) -> [String; 3] {
    let is_open = hold.state == "open";
    let people = match hold.people {
        1 => "1 person".to_owned(),
        people => format!("{people} people"),
    };
    let limit = limit.map_or(String::new(), |limit| format!(" · limit {limit}"));
    let given = hold
        .approvals_given()
        .map_or(String::new(), |given| format!(" · {}", plain(&given)));
    let head = format!(
        "hold {} · {people}{given} · source {} · {}{limit}",
        hold.id,
        hold.source,
        times.away(hold.placed_at)
    );
    let meaning = if is_open { Meaning::Waiting } else { Meaning::Quiet };
    let room = width.map(|width| width.saturating_sub(INDENT.len()));
    let (next, next_meaning) = if is_open {
        (next(hold), Meaning::Strong)
    } else {
        (fit(&hold.state, None), Meaning::of_state(&hold.state))
    };
    let left = room.map(|room| room.saturating_sub(width_of(&next) + GAP));
    let who = fit_words(&people_named(hold, names), left);
    let gap = " ".repeat(if who.is_empty() { 0 } else { GAP });
    [
        meaning.paint(fit(&head, width)),
        format!("{INDENT}{}", fit_words(&times.told(&cause(hold)), room)),
        format!("{INDENT}{who}{gap}{}", next_meaning.paint(next)),
    ]
}

/// The first of them: `a@example.org, b, …`
fn people_named(hold: &Hold, names: &ShownNames) -> String {
    let mut first: Vec<String> = hold.first.iter().map(|name| bare(names.of(name))).collect();
    if !first.is_empty() && usize::try_from(hold.people).is_ok_and(|people| people > first.len()) {
        first.push("…".to_owned());
    }
    first.join(", ")
}

/// Why a human is asked, and about which delivery.
fn cause(hold: &Hold) -> String {
    match &hold.batch {
        Some(batch) => format!("{} (in {batch})", hold.detail),
        None => hold.detail.clone(),
    }
}
