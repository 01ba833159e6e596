//! `revoked hold show`: whom holds are about, what would be done, and in the last line the command that decides about exactly that.

use super::choice::ChoiceArgs;
use super::limit::SourceLimits;
use crate::cli::output::{LocalTimes, Meaning, json, line, name_unreadable, paragraph, table, terminal};
use crate::cli::target::tell_stopped;
use crate::cli::{Exit, StoreArgs};
use crate::store::{CombinedSet, Store};

pub(super) async fn run(store: &Store, at: &StoreArgs, choice: ChoiceArgs, as_json: bool) -> anyhow::Result<Exit> {
    let choice = choice.read(store).await?;
    if as_json {
        // One hold alone is shown as one.
        match (choice.holds.as_slice(), choice.except.as_slice()) {
            ([only], []) => json(&store.hold(*only).await?)?,
            (holds, except) => json(&store.held_together(holds, except).await?)?,
        }
        return Ok(Exit::Ok);
    }
    let held = store.held_together(&choice.holds, &choice.except).await?;
    show(store, at, &held).await?;
    if let Some(command) = command("approve", &held) {
        last_line(&format!("to let {} go on:", counted(held.people)), &command)?;
    }
    Ok(Exit::Ok)
}

/// `this person`, `these 26 people`.
pub(super) fn counted(people: usize) -> String {
    match people {
        1 => "this person".to_owned(),
        people => format!("these {people} people"),
    }
}

/// The last line: what may be typed now. Where both do not fit beside one another, the command stands by itself, to be copied whole.
pub(super) fn last_line(what: &str, command: &str) -> anyhow::Result<()> {
    let painted = Meaning::Strong.paint(command);
    if terminal()
        .width
        .is_some_and(|width| what.len() + 1 + command.len() > width.into())
    {
        line(what)?;
        return line(painted);
    }
    line(format!("{what} {painted}"))
}

/// The command that decides about exactly this set; nothing where it is decided.
pub(super) fn command(verb: &str, held: &CombinedSet) -> Option<String> {
    let open = held.holds.iter().all(|hold| hold.state == "open") && !held.holds.is_empty();
    open.then(|| {
        let numbers: Vec<String> = held.holds.iter().map(|hold| hold.id.to_string()).collect();
        let except: Vec<String> = held.except.iter().map(i64::to_string).collect();
        let except = match except.as_slice() {
            [] => String::new(),
            cases => format!(" --except {}", cases.join(",")),
        };
        format!("revoked hold {verb} {}{except} --set {}", numbers.join(" "), held.set)
    })
}

/// Shows holds with their cases.
pub(super) async fn show(store: &Store, at: &StoreArgs, held: &CombinedSet) -> anyhow::Result<()> {
    name_unreadable(&held.unreadable);
    let (limits, times) = (SourceLimits::read(at), LocalTimes::at(store.clock().now()));
    for hold in &held.holds {
        paragraph(0, &format!("hold {}: {} ({})", hold.id, hold.detail, hold.state))?;
        let batch = hold.batch.as_ref().map_or(String::new(), |batch| format!(" · in {batch}"));
        let limit = limits
            .of(hold)
            .map_or(String::new(), |limit| format!(" · its limit is {limit}"));
        paragraph(
            2,
            &format!("from source {}{batch} · {}{limit}", hold.source, times.away(hold.placed_at)),
        )?;
        if let (Some(by), Some(at)) = (&hold.decided_by, hold.decided_at) {
            let note = hold.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
            paragraph(2, &format!("{} by {by} {}{note}", hold.state, times.away(at)))?;
        }
    }
    let several = held.holds.len() > 1;
    let rows = held.cases.iter().map(|case| {
        let mut row = vec![
            case.case.to_string(),
            case.subject
                .clone()
                .unwrap_or_else(|| "erased".to_owned())
                .replace('\n', ", "),
            case.reason.clone(),
            case.playbook.clone(),
            case.due.map_or_else(|| "at once".to_owned(), |due| times.time(due)),
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
        let cases: Vec<String> = held.except.iter().map(i64::to_string).collect();
        paragraph(0, &format!("taken out, and held on: {}", cases.join(", ")))?;
    }
    for case in &held.cases {
        for said in &case.reactivated {
            let text = format!(
                "case {}: source {} said at {} that the person is active again; others asked for it too",
                case.case, said.source, said.at
            );
            paragraph(0, &text)?;
        }
    }
    let targets = held.cases.iter().flat_map(|case| &case.targets);
    tell_stopped(store, targets.map(String::as_str)).await
}
