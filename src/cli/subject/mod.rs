//! `revoked subject`: which names are one person's, who is not known anywhere, and what to do about it.
//!
//! `show` has one person, `unresolved` those whom no target knows, `import` links many; `looked_up` asks the targets about names.

use std::path::PathBuf;

use clap::Subcommand;

use super::output::{Meaning, json, line};
use super::store::operator;
use super::whom::{Whom, shown_text};
use super::{Exit, StoreArgs, number};
use crate::model::Subject;
use crate::store::{LinkOutcome, ScopedName, Store};

mod import;
mod looked_up;
mod show;
mod unresolved;

/// `revoked subject`
#[derive(Debug, Clone, Subcommand)]
pub enum SubjectCommand {
    /// Say that names are one person's
    #[command(after_help = "Examples:
  revoked subject link alice@example.org iss_sub:https://idp.example.org#00u1a2b3 employee_id:4711
  revoked subject link alice@example.org id:npryem6qbfdcxji356uo9tc33o --target chat")]
    Link {
        /// Two names or more.
        #[arg(
            required = true,
            num_args = 2..,
            help = "Two names or more: alice@example.org, username:alice, employee_id:4711, iss_sub:<issuer>#<sub>, id:<account id>"
        )]
        names: Vec<Whom>,
        /// The target whose account ids the id: names are; without it they are taken for what a source or any target calls the person
        #[arg(long)]
        target: Option<String>,
        /// Make two people one, with all their names
        #[arg(long)]
        merge: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a name from its person: it stands alone, and no source can link it again; a name that stands alone is forgotten
    #[command(after_help = "Example: revoked subject unlink alice@example.org")]
    Unlink {
        /// The name
        name: Subject,
    },
    /// Show every name of a person, where each comes from, and the person's cases
    #[command(after_help = "Example: revoked subject show alice@example.org --ask")]
    Show {
        /// One of the names, a bare user name that is known, or case:17
        name: Whom,
        /// Ask every target of the config which account each name means there; changes nothing
        #[arg(long)]
        ask: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Link many people from a CSV file: one person a line, all lines or none
    #[command(after_help = "Example: revoked subject import people.csv
The first line names the columns: email, username, upn, employee_id, iss_sub:<issuer>, opaque, opaque:<target>.")]
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// Say what is in it and change nothing
        #[arg(long)]
        check: bool,
    },
    /// List the cases about people whom no target knows, and names that two sources claim
    #[command(after_help = "Example: revoked subject unresolved --ask

Whoever waits for a day, or under a hold, is looked up when access is to end. With --ask the targets are asked now, so that a slip of HR's
is found before.")]
    Unresolved {
        /// What is over too
        #[arg(long)]
        all: bool,
        /// Ask every target of the config whether it knows the planned and the held; changes nothing
        #[arg(long)]
        ask: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take cases off the list of the unresolved: nothing is to be done
    #[command(after_help = "Example: revoked subject dismiss 17 22 --note \"never had an account\"")]
    Dismiss {
        /// The cases' numbers
        #[arg(required = true, value_name = "CASE", value_parser = number::case)]
        cases: Vec<i64>,
        /// Why, for the trail
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs `revoked subject`.
///
/// # Errors
/// Where the store cannot be read or written, or what is asked for is refused.
pub(super) async fn run(command: SubjectCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    match command {
        SubjectCommand::Link {
            names,
            target,
            merge,
            json: as_json,
        } => {
            let mut subjects = Vec::with_capacity(names.len());
            for name in &names {
                subjects.push(name.subject(&store).await?);
            }
            let names = ScopedName::of_person(subjects, target.as_deref())?;
            let linked = store.link(names, merge, operator()).await?;
            if as_json {
                json(&linked)?;
            } else {
                say(&linked)?;
            }
        }
        SubjectCommand::Unlink { name } => {
            let alone = store.unlink(name, operator()).await?;
            line(if alone {
                "unlinked: the name stands alone, and no source can link it again; unlink it once more to forget this too"
            } else {
                "forgotten: sources may link the name again"
            })?;
        }
        SubjectCommand::Show {
            name,
            ask,
            json: as_json,
        } => {
            let name = name.person(&store).await?;
            return show::run(&store, at, &name, ask, as_json).await;
        }
        SubjectCommand::Import { file, check } => import::run(&store, &file, check).await?,
        SubjectCommand::Unresolved { all, ask, json: as_json } => return unresolved::run(store, at, all, ask, as_json).await,
        SubjectCommand::Dismiss { cases, note } => dismiss(&store, cases, note).await?,
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn say(linked: &LinkOutcome) -> anyhow::Result<()> {
    if let Some(last) = linked.cases.last() {
        let cases: Vec<String> = linked.cases.iter().map(ToString::to_string).collect();
        line(format!(
            "worked on again, since it is known now who is meant: {} (revoked case show {last})",
            counted_cases(&cases)
        ))?;
    }
    let names = counted(linked.added, "new name", "new names");
    let moved = match linked.moved {
        0 => String::new(),
        moved => format!(", {} from other people", counted(moved, "name", "names")),
    };
    line(Meaning::Good.paint(format!("linked: {names}{moved}")))
}

/// Takes all of them off the list, or none.
async fn dismiss(store: &Store, cases: Vec<i64>, note: Option<String>) -> anyhow::Result<()> {
    store.dismiss(cases.clone(), note, operator()).await?;
    let numbers: Vec<String> = cases.iter().map(ToString::to_string).collect();
    let are = if cases.len() == 1 { "is" } else { "are" };
    line(format!("{} {are} off the list", counted_cases(&numbers)))
}

/// The names of a subject on one line.
fn on_one_line(subject: &str) -> String {
    subject
        .strip_prefix("aliases:")
        .unwrap_or(subject)
        .split('\n')
        .map(shown_text)
        .collect::<Vec<_>>()
        .join(", ")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn counted_cases(numbers: &[String]) -> String {
    let noun = if numbers.len() == 1 { "case" } else { "cases" };
    format!("{noun} {}", numbers.join(", "))
}
