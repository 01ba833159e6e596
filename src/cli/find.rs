//! `revoked find`: a word, in everything that is known, with the command that shows each thing that was found.

use clap::Args;
use serde::Serialize;

use super::output::{Cell, LocalTimes, Meaning, json_line, line, name_unreadable, plain, table};
use super::whom::{nearest_names, quoted};
use super::{Exit, StoreArgs, UsageError};
use crate::store::{Found, FoundAll, FoundKind};

/// `revoked find`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked find amara
  revoked find 4711

Looks in the names of people, cases, departures, alerts, files, notes and what was seen at targets. What the word names as a whole stands last.")]
pub struct FindArgs {
    /// A part of a name, an address, a number, an account's id, a file
    pub word: String,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// What was found, for programs.
#[derive(Serialize)]
struct Row<'f> {
    #[serde(flatten)]
    found: &'f Found,
    next: Option<String>,
}

/// Runs `revoked find`.
///
/// # Errors
/// Where the store cannot be read, or no word was given.
pub(super) async fn run(args: FindArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    if args.word.trim().is_empty() {
        return Err(UsageError("name what is looked for: a part of a name, a number, an id".to_owned()).into());
    }
    let store = at.open().await?;
    let all = store.search(&args.word).await?;
    name_unreadable(&all.found.unreadable);
    if args.json {
        for found in &all.found {
            json_line(&Row {
                found,
                next: next(found),
            })?;
        }
    } else if all.found.is_empty() {
        let near = nearest_names(&store, &args.word).await?;
        let meant = match near.as_slice() {
            [] => String::new(),
            names => format!("; did you mean {}?", names.join(", ")),
        };
        line(format!(
            "nothing bears {:?}: no name, case, departure, alert, file or note{meant}",
            plain(&args.word)
        ))?;
    } else {
        show(&all, &LocalTimes::at(store.clock().now()))?;
    }
    let exit = if all.found.is_empty() { Exit::Failed } else { Exit::Ok };
    store.close().await;
    Ok(exit)
}

fn show(all: &FoundAll, times: &LocalTimes) -> anyhow::Result<()> {
    let rows = all.found.iter().map(|found| row(found, times));
    table(&["found", "who or what…", "state", "when?", "next…"], rows.collect(), "")?;
    if !all.more.is_empty() {
        let kinds: Vec<&str> = all.more.iter().map(|kind| plural(*kind)).collect();
        line(format!("there are more {}: name more of it", kinds.join(", ")))?;
    }
    Ok(())
}

fn row(found: &Found, times: &LocalTimes) -> Vec<Cell> {
    let what = match (word(found.what), found.id) {
        (word, Some(id)) => format!("{word} {id}"),
        (word, None) => word.to_owned(),
    };
    let name = found.name.as_deref().unwrap_or("erased");
    let who = match &found.by {
        Some(by) => format!("{name} (by {by})"),
        None => name.to_owned(),
    };
    let what = if found.exact {
        Cell::meaning(what, Meaning::Strong)
    } else {
        what.into()
    };
    vec![
        what,
        who.into(),
        match (&found.state, found.what) {
            (Some(state), FoundKind::Case) if state != "open" && state != "held" && state != "cancelled" => {
                Cell::verdict(Some(state))
            }
            (Some(state), _) => Cell::state(state),
            (None, _) => "-".into(),
        },
        times.away(found.at).into(),
        next(found).unwrap_or_else(|| "-".to_owned()).into(),
    ]
}

/// The command that shows it.
fn next(found: &Found) -> Option<String> {
    Some(match (found.what, found.id) {
        (FoundKind::Case, Some(id)) => match found.hold {
            Some(hold) => format!("revoked hold show {hold}"),
            None => format!("revoked case show {id}"),
        },
        (FoundKind::Departure, Some(id)) => format!("revoked departures show {id}"),
        (FoundKind::Alert, Some(_)) => "revoked alert list".to_owned(),
        (FoundKind::Person, _) => format!("revoked subject show {}", quoted(found.name.as_deref()?)),
        _ => return None,
    })
}

fn word(kind: FoundKind) -> &'static str {
    match kind {
        FoundKind::Person => "person",
        FoundKind::Case => "case",
        FoundKind::Departure => "departure",
        FoundKind::Alert => "alert",
        FoundKind::Delivery => "file",
    }
}

fn plural(kind: FoundKind) -> &'static str {
    match kind {
        FoundKind::Person => "people",
        FoundKind::Case => "cases",
        FoundKind::Departure => "departures",
        FoundKind::Alert => "alerts",
        FoundKind::Delivery => "files",
    }
}
