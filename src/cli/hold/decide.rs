//! `revoked hold approve` and `revoked hold reject`: the decision, about exactly what was shown.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::choice::ChoiceArgs;
use super::show::{command, counted, last_line, show};
use crate::cli::output::{json, line};
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::store::{CombinedSet, HoldChoice, Store};

/// What is decided, and how.
#[derive(Debug, Clone, Args)]
pub struct DecisionArgs {
    /// The set that was shown: a decision is about what you have seen, not what has come since
    #[arg(long)]
    set: Option<String>,
    /// Why, for the trail
    #[arg(long)]
    note: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn approve(store: &Store, at: &StoreArgs, choice: ChoiceArgs, decision: DecisionArgs) -> anyhow::Result<Exit> {
    let rehearses = choice.is_of_a_source();
    let choice = choice.read(store).await?;
    let set = match decision.set {
        Some(set) => set,
        None if rehearses => return rehearse(store, at, &choice, "approve", decision.json).await,
        None if is_watched() && !decision.json => match asked(store, at, &choice).await? {
            Some(set) => set,
            None => return Ok(Exit::Failed),
        },
        None => {
            let numbers: Vec<String> = choice.holds.iter().map(i64::to_string).collect();
            return Err(UsageError(format!(
                "say with --set which set is approved: revoked hold show {} prints it",
                numbers.join(" ")
            ))
            .into());
        }
    };
    let decided = store.approve_holds(choice, set, operator(), decision.note).await?;
    tell(store, &decided, "approved", ("goes on", "go on"), decision.json).await
}

pub(super) async fn reject(store: &Store, at: &StoreArgs, choice: ChoiceArgs, decision: DecisionArgs) -> anyhow::Result<Exit> {
    let rehearses = choice.is_of_a_source();
    let choice = choice.read(store).await?;
    if rehearses && decision.set.is_none() {
        return rehearse(store, at, &choice, "reject", decision.json).await;
    }
    let decided = store.reject_holds(choice, decision.set, operator(), decision.note).await?;
    tell(store, &decided, "rejected", ("is cancelled", "are cancelled"), decision.json).await
}

/// Shows what a decision would be about; nothing is decided.
async fn rehearse(store: &Store, at: &StoreArgs, choice: &HoldChoice, verb: &str, as_json: bool) -> anyhow::Result<Exit> {
    let held = store.held_together(&choice.holds, &choice.except).await?;
    if as_json {
        json(&held)?;
        return Ok(Exit::Ok);
    }
    show(store, at, &held).await?;
    if let Some(command) = command(verb, &held) {
        last_line(&format!("to {verb} {}:", counted(held.people)), &command)?;
    }
    Ok(Exit::Ok)
}

/// Whether a person looks at what is printed and can answer.
fn is_watched() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Shows the set and asks for it: the set that was confirmed, or nothing.
async fn asked(store: &Store, at: &StoreArgs, choice: &HoldChoice) -> anyhow::Result<Option<String>> {
    let held = store.held_together(&choice.holds, &choice.except).await?;
    show(store, at, &held).await?;
    if command("approve", &held).is_none() || held.cases.is_empty() {
        line("there is nothing to decide any more")?;
        return Ok(None);
    }
    print(&format!(
        "to let {} go on, type their number ({}); anything else leaves them held: ",
        counted(held.people),
        held.people
    ))?;
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    })
    .await??;
    if answer.trim() == held.people.to_string() {
        Ok(Some(held.set))
    } else {
        line("nothing was decided")?;
        Ok(None)
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    write!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Says what was decided, and what is held on.
async fn tell(store: &Store, decided: &CombinedSet, word: &str, what: (&str, &str), as_json: bool) -> anyhow::Result<Exit> {
    let holds: Vec<i64> = decided.holds.iter().map(|hold| hold.id).collect();
    if as_json {
        let cases: Vec<i64> = decided.cases.iter().map(|case| case.case).collect();
        json(&serde_json::json!({
            "holds": holds, "state": word, "cases": cases, "people": decided.people, "except": decided.except, "set": decided.set,
        }))?;
        return Ok(Exit::Ok);
    }
    let names = match holds.as_slice() {
        [only] => format!("hold {only}"),
        several => format!("holds {}", several.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let rest = match decided.except.as_slice() {
        [] => String::new(),
        [case] => format!("; case {case} stays held"),
        cases => format!("; {} cases stay held", cases.len()),
    };
    let cases = match decided.cases.len() {
        1 => format!("1 case {}", what.0),
        count => format!("{count} cases {}", what.1),
    };
    line(format!("{names} {word}: {cases}{rest}"))?;
    let targets = decided.cases.iter().flat_map(|case| &case.targets);
    if word == "approved" {
        crate::cli::target::tell_stopped(store, targets.map(String::as_str)).await?;
    }
    Ok(Exit::Ok)
}
