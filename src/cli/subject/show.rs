//! `revoked subject show`: every name of a person, where each comes from, the person's cases, and what the targets say.

use serde::Serialize;

use super::looked_up::{self, questions};
use super::on_one_line;
use crate::cli::asked::Reach;
use crate::cli::output::{Cell, LocalTimes, Meaning, json, line, name_unreadable, plain, table};
use crate::cli::whom::shown_text;
use crate::cli::{Exit, StoreArgs};
use crate::daemon::asked::{Asks, Says};
use crate::model::{Resolution, Subject};
use crate::store::{CaseView, LinkedName, ListFilter, Store};

/// How many cases are shown, the newest first.
const CASES: u32 = 20;

/// What a target says about one name.
#[derive(Serialize)]
struct Answer {
    target: String,
    name: String,
    /// `account <id>`, `nobody`, `<n> accounts`, or why it could not be asked.
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// Runs `revoked subject show`.
///
/// # Errors
/// Where the store cannot be read or, with `ask`, the config is wrong.
pub(super) async fn run(store: &Store, at: &StoreArgs, name: &Subject, ask: bool, as_json: bool) -> anyhow::Result<Exit> {
    let names = store.names_of(name).await?;
    let filter = ListFilter {
        subject_refs: Some(store.references_with_accounts(name).await?),
        limit: CASES,
        ..ListFilter::default()
    };
    let cases = store.cases(&filter).await?;
    name_unreadable(&cases.unreadable);
    let cases = cases.rows;
    let mut answers = Vec::new();
    if ask {
        answers = ask_targets(&Reach::new(at)?, name, &names).await?;
    }
    let failed = answers.iter().any(|answer| answer.says.starts_with("could not be asked"));
    let accounts = contradictions(&answers);
    if as_json {
        let found = serde_json::json!({ "names": names, "cases": cases, "targets": answers, "contradicted_at": accounts });
        json(&found)?;
    } else {
        print(name, &names, &cases, &LocalTimes::at(store.clock().now()))?;
        if ask {
            let rows = answers
                .into_iter()
                .map(|answer| vec![answer.target, answer.name, answer.says])
                .collect();
            table(&["target", "name", "means there"], rows, "no target is configured")?;
        }
        sum(name, &names, &cases)?;
        for target in accounts {
            line(format!(
                "the names contradict each other at {}: work there waits for a human; unlink the name that is wrong",
                plain(&target)
            ))?;
        }
    }
    store.close().await;
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

/// Prints a person: the names, then the cases with the newest last.
fn print(name: &Subject, names: &[LinkedName], cases: &[CaseView], times: &LocalTimes) -> anyhow::Result<()> {
    let asked_for = on_one_line(&name.to_string());
    if names.is_empty() {
        line(format!(
            "{asked_for} is linked to no other name (revoked subject link {asked_for} NAME)"
        ))?;
    } else {
        let is_replaced = names.iter().any(|known| known.until.is_some());
        let rows = names.iter().map(|known| {
            let says = known.source.clone().unwrap_or_else(|| "an operator".to_owned());
            let says = match known.disputed_at {
                Some(_) => Cell::meaning(format!("{says}, in dispute"), Meaning::Bad),
                None => says.into(),
            };
            let mut row: Vec<Cell> = vec![
                shown_text(&known.name.to_string()).into(),
                says,
                known.target.clone().unwrap_or_else(|| "-".to_owned()).into(),
                times.time(known.since).into(),
            ];
            if is_replaced {
                row.push(times.cell(known.until).into());
            }
            row
        });
        let headings: &[&str] = &["name", "says", "only at?", "since?", "until?"];
        table(&headings[..if is_replaced { 5 } else { 4 }], rows.collect(), "no names")?;
    }
    if !cases.is_empty() {
        let rows = cases.iter().rev().map(|case| {
            vec![
                Cell::from(case.id.to_string()),
                case.reason.clone().into(),
                Cell::state(&case.state),
                Cell::verdict(case.verdict.as_deref()),
                times.time(case.received_at).into(),
            ]
        });
        table(
            &["case", "reason", "state", "verdict", "received"],
            rows.collect(),
            "no cases",
        )?;
    }
    Ok(())
}

/// What all of it comes to.
fn sum(name: &Subject, names: &[LinkedName], cases: &[CaseView]) -> anyhow::Result<()> {
    let asked_for = on_one_line(&name.to_string());
    let known = match names.len() {
        0 | 1 => String::new(),
        count => format!("one person by {count} names; "),
    };
    let text = match cases {
        [] => format!("{asked_for}: {known}no case"),
        [newest, ..] => {
            let count = cases.len();
            let more = if count == CASES as usize { " at least" } else { "" };
            let plural = if count == 1 { "case" } else { "cases" };
            let stands = newest
                .verdict
                .as_deref()
                .filter(|_| newest.state == "closed")
                .unwrap_or(&newest.state);
            format!(
                "{asked_for}: {known}{count} {plural}{more}, the newest ({}) {stands}",
                newest.id
            )
        }
    };
    line(Meaning::Strong.paint(text))
}

/// What each target says about each name of the person.
async fn ask_targets(reach: &Reach, name: &Subject, known: &[LinkedName]) -> anyhow::Result<Vec<Answer>> {
    let questions = questions(&reach.config.target_names, name, known);
    let said = looked_up::answers(reach, &questions).await?;
    let answers = questions.into_iter().zip(said).map(|(question, said)| {
        let (says, account) = match said {
            Ok(Says::Resolution(Some(Resolution::None))) => ("nobody".to_owned(), None),
            Ok(Says::Resolution(Some(Resolution::One(principal)))) => (format!("account {}", principal.id), Some(principal.id)),
            Ok(Says::Resolution(Some(Resolution::Ambiguous(ids)))) => (format!("{} accounts", ids.len()), None),
            Ok(_) => ("nothing: it cannot be asked by this".to_owned(), None),
            Err(why) => (format!("could not be asked: {why}"), None),
        };
        let name = match question.asks {
            Asks::Resolution { name } => name.to_string(),
            _ => String::new(),
        };
        Answer {
            target: question.target,
            name,
            says,
            account,
        }
    });
    Ok(answers.collect())
}

/// The targets at which two names lead to two accounts.
fn contradictions(answers: &[Answer]) -> std::collections::BTreeSet<String> {
    let accounts = answers
        .iter()
        .filter_map(|answer| answer.account.as_ref().map(|id| (answer, id)));
    let differs = |(answer, id): &(&Answer, &String)| {
        answers
            .iter()
            .any(|other| other.target == answer.target && other.account.as_ref().is_some_and(|other| other != *id))
    };
    accounts.filter(differs).map(|(answer, _)| answer.target.clone()).collect()
}
