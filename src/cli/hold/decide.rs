//! `revoked hold approve` and `revoked hold reject`: the decision, about exactly what was shown.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::choice::{Choice, ChoiceArgs};
use super::last_line::{counted, last_line};
use super::show::{command, is_open, show, to_approve};
use super::{plans_before, two_persons};
use crate::cli::output::{LiveLine, LocalTimes, json, line, line_typed, sentence};
use crate::cli::revoke::SetProgress;
use crate::cli::store::operator;
use crate::cli::{Exit, StoreArgs, UsageError, number};
use crate::store::{Approved, CombinedSet, Store};

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

pub(super) async fn approve(
    store: &Store,
    at: &StoreArgs,
    choice: ChoiceArgs,
    decision: DecisionArgs,
    patience: Option<Duration>,
) -> anyhow::Result<Exit> {
    let choice = choice.read(store).await?;
    let set = match decision.set {
        Some(set) => {
            ensure_shown(store, &choice, &set).await?;
            set
        }
        None if choice.is_of_a_source => return rehearse(store, at, &choice, "approve", decision.json).await,
        None if is_watched() && !decision.json => match asked(store, at, &choice, to_approve).await? {
            Some(set) => set,
            None => return Ok(Exit::Failed),
        },
        None => {
            return Err(UsageError(format!(
                "say with --set which set is approved: revoked hold show {} prints it",
                choice.typed
            ))
            .into());
        }
    };
    let Approved {
        set: decided,
        awaits_second,
    } = store
        .approve_holds(choice.meant.clone(), set, operator(), decision.note)
        .await?;
    if awaits_second {
        if decision.json {
            print(&decided, "awaits_second")?;
        } else {
            two_persons::tell_first(&decided, &named(&decided), &choice)?;
        }
        return Ok(Exit::Held);
    }
    let exit = tell(store, &decided, "approved", ("goes on", "go on"), decision.json).await?;
    match patience {
        Some(patience) => follow(store, &decided, patience).await,
        None if decision.json => Ok(exit),
        None => {
            line(match decided.cases.as_slice() {
                [only] => format!("follow it: revoked case show {} --follow", only.case),
                _ => "follow them: revoked status --watch".to_owned(),
            })?;
            Ok(exit)
        }
    }
}

/// Waits until all that was approved is over, as a list of people is followed.
async fn follow(store: &Store, decided: &CombinedSet, patience: Duration) -> anyhow::Result<Exit> {
    let cases = decided.cases.iter().map(|case| {
        let whom = case.subject.clone().unwrap_or_else(|| "erased".to_owned());
        (case.case, whom)
    });
    let mut progress = SetProgress::of_cases(cases, store.clock().now());
    let mut live = LiveLine::new(false);
    let stopped = progress.follow(store, Instant::now() + patience, false, &mut live).await?;
    drop(live);
    let exit = progress
        .report(store, true, false, "follow them: revoked status --watch")
        .await?;
    Ok(if stopped { Exit::Waiting } else { exit })
}

pub(super) async fn reject(
    store: &Store,
    at: &StoreArgs,
    choice: ChoiceArgs,
    decision: DecisionArgs,
    whatever_waits: bool,
) -> anyhow::Result<Exit> {
    let choice = choice.read(store).await?;
    let asks = is_watched() && !decision.json;
    let set = match decision.set {
        Some(set) => {
            ensure_shown(store, &choice, &set).await?;
            Some(set)
        }
        None if whatever_waits => None,
        None if choice.is_of_a_source => return rehearse(store, at, &choice, "reject", decision.json).await,
        None if asks => match asked(store, at, &choice, to_reject).await? {
            Some(set) => Some(set),
            None => return Ok(Exit::Failed),
        },
        None => {
            return Err(UsageError(format!(
                "say with --set which set is rejected: revoked hold show {} prints it; or with --yes that whatever waits by then is",
                choice.typed
            ))
            .into());
        }
    };
    let note = match decision.note {
        Some(note) => note,
        None if asks => match line_typed("why, for the trail: ")?.trim() {
            "" => {
                line("without a reason nothing was decided")?;
                return Ok(Exit::Failed);
            }
            note => note.to_owned(),
        },
        None => return Err(UsageError("say why with --note, for the trail".to_owned()).into()),
    };
    let decided = store.reject_holds(choice.meant, set, operator(), Some(note)).await?;
    tell(store, &decided, "rejected", ("is cancelled", "are cancelled"), decision.json).await
}

fn to_reject(held: &CombinedSet) -> String {
    format!("to leave {} as they are", counted(held.people))
}

/// Says in the words that were typed that the set has changed; the store would refuse it by numbers.
async fn ensure_shown(store: &Store, choice: &Choice, set: &str) -> anyhow::Result<()> {
    let held = choice.held(store).await?;
    anyhow::ensure!(
        !is_open(&held) || held.set == set,
        "{} now covers another set ({}) than the one that was named ({set}); look at it again with revoked hold show {}",
        named(&held),
        held.set,
        choice.typed
    );
    Ok(())
}

/// `hold 3`, `holds 3, 4`.
fn named(held: &CombinedSet) -> String {
    match held.holds.as_slice() {
        [only] => format!("hold {}", only.id),
        several => {
            let numbers: Vec<String> = several.iter().map(|hold| hold.id.to_string()).collect();
            format!("holds {}", numbers.join(", "))
        }
    }
}

/// Shows what a decision would be about; nothing is decided.
async fn rehearse(store: &Store, at: &StoreArgs, choice: &Choice, verb: &str, as_json: bool) -> anyhow::Result<Exit> {
    let held = choice.held(store).await?;
    if as_json {
        json(&held)?;
        return Ok(Exit::Ok);
    }
    show(store, at, &held).await?;
    if let Some(command) = command(verb, &held, choice) {
        let what = match verb {
            "approve" => to_approve(&held),
            _ => to_reject(&held),
        };
        last_line(&format!("{what}:"), &command)?;
    }
    Ok(Exit::Ok)
}

/// Whether a person looks at what is printed and can answer.
fn is_watched() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Shows the set and asks for it: the set that was confirmed, or nothing.
async fn asked(
    store: &Store,
    at: &StoreArgs,
    choice: &Choice,
    what: impl Fn(&CombinedSet) -> String,
) -> anyhow::Result<Option<String>> {
    let held = choice.held(store).await?;
    show(store, at, &held).await?;
    if !is_open(&held) || held.cases.is_empty() {
        line("there is nothing to decide any more")?;
        return Ok(None);
    }
    let typed = line_typed(&format!(
        "{}, type their number ({}); anything else leaves them held: ",
        what(&held),
        held.people
    ))?;
    if typed.trim() == held.people.to_string() {
        Ok(Some(held.set))
    } else {
        line("nothing was decided")?;
        Ok(None)
    }
}

/// Says what was decided, and what is held on.
async fn tell(store: &Store, decided: &CombinedSet, word: &str, what: (&str, &str), as_json: bool) -> anyhow::Result<Exit> {
    if as_json {
        print(decided, word)?;
        return Ok(Exit::Ok);
    }
    let rest = match decided.except.as_slice() {
        [] => String::new(),
        [case] => format!("; case {case} stays held"),
        cases => format!("; {} cases stay held", cases.len()),
    };
    let cases = match decided.cases.len() {
        1 => format!("1 case {}", what.0),
        count => format!("{count} cases {}", what.1),
    };
    sentence(&format!("{} {word}: {cases}{rest}", named(decided)), 2)?;
    if !decided.except.is_empty() {
        tell_rest(store, decided).await?;
    }
    let times = LocalTimes::at(store.clock().now());
    let plans = if word == "approved" {
        ", which this one replaces"
    } else {
        ", which stands"
    };
    plans_before::tell(decided, &times, plans)?;
    let targets = decided.cases.iter().flat_map(|case| &case.targets);
    if word == "approved" {
        crate::cli::target::tell_stopped(store, targets.map(String::as_str)).await?;
    }
    Ok(Exit::Ok)
}

/// The decision as JSON.
fn print(decided: &CombinedSet, state: &str) -> anyhow::Result<()> {
    let holds: Vec<i64> = decided.holds.iter().map(|hold| hold.id).collect();
    let cases: Vec<i64> = decided.cases.iter().map(|case| case.case).collect();
    json(&serde_json::json!({
        "holds": holds, "state": state, "cases": cases, "people": decided.people, "except": decided.except, "set": decided.set,
        "plans_before": decided.cases.iter().flat_map(|case| &case.plans_before).collect::<Vec<_>>(),
    }))
}

/// Says what is held on, as it is to be decided now.
async fn tell_rest(store: &Store, decided: &CombinedSet) -> anyhow::Result<()> {
    let holds: Vec<i64> = decided.holds.iter().map(|hold| hold.id).collect();
    let rest = store.held_together(&holds, &[]).await?;
    let waiting: Vec<i64> = rest.cases.iter().map(|case| case.case).collect();
    // Holds of which nothing is left are decided: what is shown then is of the others.
    let holds: Vec<i64> = rest
        .holds
        .iter()
        .filter(|hold| hold.state == "open")
        .map(|hold| hold.id)
        .collect();
    let set = store.held_together(&holds, &[]).await?.set;
    let cases = if waiting.len() == 1 { "case" } else { "cases" };
    let typed: Vec<String> = holds.iter().map(i64::to_string).collect();
    sentence(
        &format!(
            "held on: {cases} {}, which is the set {set} now: revoked hold show {}",
            number::listed(&waiting),
            typed.join(" ")
        ),
        2,
    )
}
