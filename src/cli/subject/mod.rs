//! `revoked subject`: which names are one person's, who is not known anywhere, and what to do about it.

use std::path::PathBuf;

use clap::Subcommand;

use super::output::{LocalTimes, bare, json, line, name_unreadable, plain, table};
use super::store::operator;
use super::{Exit, StoreArgs};
use crate::model::Subject;
use crate::store::{LinkOutcome, ScopedName, Store};

mod import;
mod show;

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
        names: Vec<Subject>,
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
        /// One of the names
        name: Subject,
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
        /// The file
        file: PathBuf,
        /// Say what is in it and change nothing
        #[arg(long)]
        check: bool,
    },
    /// List the cases about people whom no target knows, and names that two sources claim
    #[command(after_help = "Example: revoked subject unresolved --json")]
    Unresolved {
        /// What is over too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a case off the list of the unresolved: nothing is to be done
    #[command(after_help = "Example: revoked subject dismiss 17 --note \"never had an account\"")]
    Dismiss {
        /// The case's number
        case: i64,
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
            let names = names_at(names, target.as_deref())?;
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
        } => return show::run(&store, at, &name, ask, as_json).await,
        SubjectCommand::Import { file, check } => import::run(&store, &file, check).await?,
        SubjectCommand::Unresolved { all, json: as_json } => unresolved(&store, all, as_json).await?,
        SubjectCommand::Dismiss { case, note } => {
            store.dismiss(case, note, operator()).await?;
            line(format!("case {case} is off the list"))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

/// The names with the target that account ids belong to.
fn names_at(subjects: Vec<Subject>, target: Option<&str>) -> anyhow::Result<Vec<ScopedName>> {
    let all = Subject::together(subjects);
    let names: Vec<ScopedName> = all
        .iter()
        .flat_map(Subject::names)
        .map(|subject| ScopedName {
            subject: subject.clone(),
            target: target.filter(|_| matches!(subject, Subject::Opaque(_))).map(str::to_owned),
        })
        .collect();
    anyhow::ensure!(
        names.len() > 1,
        "name two names at least: a link is between names of one person"
    );
    anyhow::ensure!(
        target.is_none() || names.iter().any(|name| name.target.is_some()),
        "--target says whose account ids the id: names are, and none of the names is one"
    );
    Ok(names)
}

fn say(linked: &LinkOutcome) -> anyhow::Result<()> {
    line(format!(
        "linked: {} new names, {} from other people",
        linked.added, linked.moved
    ))?;
    if !linked.cases.is_empty() {
        let cases: Vec<String> = linked.cases.iter().map(ToString::to_string).collect();
        line(format!("these cases are worked on again: {}", cases.join(", ")))?;
    }
    Ok(())
}

async fn unresolved(store: &Store, all: bool, as_json: bool) -> anyhow::Result<()> {
    let (cases, disputed) = (store.unresolved(all).await?, store.disputed_names().await?);
    name_unreadable(&cases.unreadable);
    let cases = cases.rows;
    if as_json {
        return json(&serde_json::json!({ "cases": cases, "disputed": disputed }));
    }
    let times = LocalTimes::at(store.clock().now());
    let rows = cases.iter().map(|one| {
        vec![
            one.case.to_string(),
            one.state.clone(),
            bare(one.subject.as_deref().unwrap_or("erased")),
            one.reason.clone(),
            one.source.clone(),
            times.away(one.since),
            one.why.clone(),
        ]
    });
    let headings = ["case", "state?", "person", "reason?", "source?", "since", "why…"];
    table(&headings, rows.collect(), "everybody is known at a target at least")?;
    for name in &disputed {
        line(format!(
            "in dispute: {} belongs to one person by {}, and another source says to somebody else (revoked subject show {0})",
            plain(&name.name.to_string()),
            plain(name.source.as_deref().unwrap_or("an operator's word"))
        ))?;
    }
    Ok(())
}
