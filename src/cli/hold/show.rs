//! `revoked hold show`: whom holds are about, what would be done, and in the last lines the commands that decide about exactly that.

use super::choice::{Choice, ChoiceArgs};
use super::last_line::{counted, last_line};
use super::limit::SourceLimits;
use super::{plans_before, plans_beside, two_persons};
use crate::cli::output::{LocalTimes, json, name_unreadable, paragraph, table};
use crate::cli::target::tell_stopped;
use crate::cli::{Exit, StoreArgs, number};
use crate::model::Reason;
use crate::policy::Class;
use crate::store::{CombinedSet, Store};

pub(super) async fn run(store: &Store, at: &StoreArgs, choice: ChoiceArgs, as_json: bool) -> anyhow::Result<Exit> {
    let choice = choice.read(store).await?;
    if as_json {
        // One hold alone is shown as one.
        match (choice.meant.holds.as_slice(), choice.meant.except.as_slice()) {
            ([only], []) => json(&store.hold(*only).await?)?,
            (holds, except) => json(&store.held_together(holds, except).await?)?,
        }
        return Ok(Exit::Ok);
    }
    let held = choice.held(store).await?;
    show(store, at, &held).await?;
    if let Some(command) = command("reject", &held, &choice) {
        // Why is asked for at a terminal: the command is whole as it stands.
        last_line("to leave it:", &command)?;
    }
    if let Some(command) = command("approve", &held, &choice) {
        last_line(&format!("{}:", to_approve(&held)), &command)?;
    }
    Ok(Exit::Ok)
}

/// What an approval does, for whoever is asked: of leavers it ends the access.
pub(super) fn to_approve(held: &CombinedSet) -> String {
    let leaves = |word: &str| {
        let reason = Reason::ALL.into_iter().find(|reason| reason.word() == word);
        reason.and_then(Class::of) == Some(Class::Departures)
    };
    let who = counted(held.people);
    if held.cases.iter().all(|case| leaves(&case.reason)) {
        format!("to end the access of {who}")
    } else {
        format!("to have it carried out for {who}")
    }
}

/// The command that decides about exactly this set, in the words that were typed; nothing where it is decided.
pub(super) fn command(verb: &str, held: &CombinedSet, choice: &Choice) -> Option<String> {
    is_open(held).then(|| format!("revoked hold {verb} {} --set {}", choice.typed, held.set))
}

/// Whether all of it is still to be decided.
pub(super) fn is_open(held: &CombinedSet) -> bool {
    held.holds.iter().all(|hold| hold.state == "open") && !held.holds.is_empty()
}

/// Shows holds with their cases.
pub(super) async fn show(store: &Store, at: &StoreArgs, held: &CombinedSet) -> anyhow::Result<()> {
    name_unreadable(&held.unreadable);
    let (limits, times) = (SourceLimits::read(at), LocalTimes::at(store.clock().now()));
    for hold in &held.holds {
        paragraph(0, &format!("hold {}: {} ({})", hold.id, times.told(&hold.detail), hold.state))?;
        let batch = hold.batch.as_ref().map_or(String::new(), |batch| format!(" · in {batch}"));
        let limit = limits
            .of(hold)
            .map_or(String::new(), |limit| format!(" · its limit is {limit}"));
        let group = hold.group.as_ref().map_or(String::new(), |group| {
            format!(" · for the group {group}, approvals {}", hold.approvals)
        });
        paragraph(
            2,
            &format!(
                "from source {}{batch} · {}{limit}{group}",
                hold.source,
                times.away(hold.placed_at)
            ),
        )?;
        if let (Some(by), Some(at)) = (&hold.decided_by, hold.decided_at) {
            let note = hold.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
            paragraph(2, &format!("{} by {by} {}{note}", hold.state, times.away(at)))?;
        }
    }
    let several = held.holds.len() > 1;
    let names = store
        .shown_names(held.cases.iter().filter_map(|case| case.subject.as_deref()))
        .await?;
    let rows = held.cases.iter().map(|case| {
        let mut row = vec![
            case.case.to_string(),
            case.subject
                .as_deref()
                .map_or("erased", |subject| names.of(subject))
                .replace('\n', ", "),
            case.reason.clone(),
            case.playbook.clone(),
            case.due.map_or_else(|| "at once".to_owned(), |due| times.on_day(due)),
        ];
        if several {
            row.insert(1, case.hold.to_string());
        }
        row
    });
    let headings: &[&'static str] = if several {
        &["case", "hold", "subject", "reason", "playbook?", "due"]
    } else {
        &["case", "subject", "reason", "playbook?", "due"]
    };
    table(headings, rows.collect(), "no case waits under it any more")?;
    if !held.except.is_empty() {
        paragraph(0, &format!("taken out, and held on: {}", number::listed(&held.except)))?;
    }
    for case in &held.cases {
        for said in &case.reactivated {
            let text = format!(
                "case {}: source {} said at {} that the person is active again; others asked for it too",
                case.case,
                said.source,
                times.on_day(said.at)
            );
            paragraph(0, &text)?;
        }
    }
    plans_before::tell(
        held,
        &times,
        ", which stands until this is decided: an approval replaces it, a rejection leaves it",
    )?;
    plans_beside::tell(held, &names, &times)?;
    two_persons::tell(held, &times)?;
    if is_open(held) && !held.cases.is_empty() {
        paragraph(0, &format!("this is the set {}", held.set))?;
    }
    let targets = held.cases.iter().flat_map(|case| &case.targets);
    tell_stopped(store, targets.map(String::as_str)).await
}
