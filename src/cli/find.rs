//! `revoked find`: everything that is known by a word, each thing with the command that shows it.

use clap::Args;
use serde::Serialize;

use super::near::near_names;
use super::output::{Cell, LocalTimes, Meaning, bare, json_line, line, plain, remark, shortened, table};
use super::{Exit, StoreArgs, UsageError, reads, whom};
use crate::model::Subject;
use crate::store::{HitKind, NEWEST_JOBS, SHOWN, SearchHit, SearchHits, SearchWord};

/// `revoked find`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked find amara
  revoked find @example.org --json
  revoked find username:ama

Upper and lower case are the same, and a part is enough. Where nothing is found
it names those who are a slip away. With a format before it only names of that format are looked at.")]
pub struct FindArgs {
    /// A part of a name, an address, an account's id, an employee number; or the number of a case
    pub word: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How much of an account's id stands behind its name.
const ID: usize = 8;

/// A hit for programs.
#[derive(Serialize)]
struct ShownHit<'h> {
    #[serde(flatten)]
    hit: &'h SearchHit,
    command: String,
}

/// Runs `revoked find`.
///
/// # Errors
/// Where the store cannot be read, or no word was given.
pub(super) async fn run(args: &FindArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let Some(word) = SearchWord::new(&args.word) else {
        return Err(UsageError("the word is empty; write a part of a name, such as amara".to_owned()).into());
    };
    let store = at.open().await?;
    let found = store.search(&word).await?;
    reads::record_read(&store, at, &reads::read_with("find").of_found(&found)).await;
    if args.json {
        for hit in &found.hits {
            let command = command(hit);
            json_line(&ShownHit { hit, command })?;
        }
        for kind in &found.more {
            remark(more(*kind));
        }
        if found.hits.is_empty() {
            for name in near_names(&store, &word).await? {
                remark(maybe(&name));
            }
        }
    } else if found.hits.is_empty() {
        line(format!(
            "searched: cases, names, departures, alerts, and the accounts that the newest {NEWEST_JOBS} jobs have found"
        ))?;
        for name in near_names(&store, &word).await? {
            line(maybe(&name))?;
        }
        if let Some(command) = ask_the_targets(&args.word) {
            line("somebody is known here after a first case; the targets are asked, and nothing is changed, by")?;
            line(format!("  {command}"))?;
        }
        line(Meaning::Strong.paint(format!("nothing is known by {:?}", plain(&args.word))))?;
    } else {
        show(&found, &word, &LocalTimes::at(store.clock().now()))?;
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn show(found: &SearchHits, word: &SearchWord, times: &LocalTimes) -> anyhow::Result<()> {
    // A name stands in its command, and an alert is a sentence: each sort has the columns that fit it.
    let rows = |fits: fn(HitKind) -> bool, row: fn(&SearchHit, &LocalTimes) -> Vec<Cell>| -> Vec<Vec<Cell>> {
        let hits = found.hits.iter().filter(|hit| fits(hit.kind));
        hits.map(|hit| row(hit, times)).collect()
    };
    let alerts = rows(|kind| kind == HitKind::Alert, alert_row);
    let names = rows(|kind| kind == HitKind::Name, name_row);
    let others = rows(|kind| !matches!(kind, HitKind::Alert | HitKind::Name), row);
    for (headings, rows) in [
        (&["what", "state", "when?", "says…"][..], alerts),
        (&["what", "state", "when?", "shown by"], names),
        (&["what", "who", "state", "when?", "shown by"], others),
    ] {
        if !rows.is_empty() {
            table(headings, rows, "")?;
        }
    }
    for kind in &found.more {
        line(Meaning::Waiting.paint(more(*kind)))?;
    }
    let exact = match found.hits.iter().filter(|hit| hit.exact).count() {
        0 => "none by exactly that name".to_owned(),
        count if count == found.hits.len() => "all by exactly that name".to_owned(),
        count => format!("{count} by exactly that name"),
    };
    line(Meaning::Strong.paint(format!("{} found by {:?}, {exact}", found.hits.len(), plain(word.written()))))
}

/// A name that may have been meant, and what to type then.
fn maybe(name: &str) -> String {
    let name = whom::shown_text(name);
    format!("did you mean {name}? (revoked find {})", quoted(&name))
}

/// The command that asks the targets about somebody of that name; none where the word is no name that a person can have.
fn ask_the_targets(word: &str) -> Option<String> {
    let word = word.trim();
    let named: Subject = word.parse().or_else(|_| format!("username:{word}").parse()).ok()?;
    let is_of_a_person = !matches!(named, Subject::Credential(_) | Subject::Unknown { .. });
    let name = named.to_string();
    let name = name.strip_prefix("email:").unwrap_or(&name);
    is_of_a_person.then(|| format!("revoked revoke {} --reason compromised --rehearse", quoted(name)))
}

fn alert_row(hit: &SearchHit, times: &LocalTimes) -> Vec<Cell> {
    vec![
        what(hit).into(),
        state(hit),
        times.away(hit.at).into(),
        format!("{} ({})", hit.what.as_deref().unwrap_or_default(), command(hit)).into(),
    ]
}

fn name_row(hit: &SearchHit, times: &LocalTimes) -> Vec<Cell> {
    let only_at = hit.target.as_ref().map_or(String::new(), |target| format!(" at {target}"));
    vec![
        format!("name{only_at}").into(),
        state(hit),
        times.away(hit.at).into(),
        command(hit).into(),
    ]
}

fn row(hit: &SearchHit, times: &LocalTimes) -> Vec<Cell> {
    let who = match (&hit.what, hit.names.first()) {
        // What people call the account, with enough of its id to tell it from another of that name.
        (Some(id), Some(name)) if hit.kind == HitKind::Account => format!("{} ({})", bare(name), shortened(id, ID)),
        (Some(text), _) if text.starts_with("credential:") => bare(text),
        (Some(text), _) => text.split('\n').map(whom::shown_text).collect::<Vec<_>>().join(", "),
        (None, _) => "erased".to_owned(),
    };
    let who = match &hit.target {
        Some(target) => format!("{who} at {target}"),
        None => who,
    };
    vec![
        what(hit).into(),
        who.into(),
        state(hit),
        times.away(hit.at).into(),
        command(hit).into(),
    ]
}

fn what(hit: &SearchHit) -> String {
    let number = hit.number.map_or(String::new(), |number| format!(" {number}"));
    format!("{}{number}", noun(hit.kind))
}

fn state(hit: &SearchHit) -> Cell {
    match hit.verdict.as_deref() {
        // A case that was closed is its verdict; one that is open again has the verdict of before.
        Some(verdict) if hit.state == "closed" => Cell::verdict(Some(verdict)),
        _ if hit.kind == HitKind::Alert && hit.state == "open" => Cell::meaning("open", Meaning::Bad),
        _ => Cell::state(&hit.state),
    }
}

fn noun(kind: HitKind) -> &'static str {
    match kind {
        HitKind::Alert => "alert",
        HitKind::Name => "name",
        HitKind::Account => "account",
        HitKind::Departure => "departure",
        HitKind::Case => "case",
    }
}

/// That there is more of a kind than is shown.
fn more(kind: HitKind) -> String {
    let noun = noun(kind);
    format!("more than {SHOWN} {noun}s fit: narrow it, by a longer word or by a format before it (username:…)")
}

/// The command that shows a hit.
fn command(hit: &SearchHit) -> String {
    let number = hit.number.or(hit.case).unwrap_or_default();
    match (hit.kind, hit.hold) {
        (HitKind::Case, Some(hold)) => format!("revoked hold show {hold}"),
        (HitKind::Case, None) => format!("revoked case show {number}"),
        (HitKind::Account, _) => format!("revoked case show {}", hit.case.unwrap_or_default()),
        (HitKind::Departure, _) => format!("revoked departures show {number}"),
        (HitKind::Alert, _) if hit.state == "open" => "revoked alert list".to_owned(),
        (HitKind::Alert, _) => "revoked alert list --all".to_owned(),
        (HitKind::Name, _) => {
            let name = hit.what.as_deref().unwrap_or_default();
            format!("revoked subject show {}", quoted(name.strip_prefix("email:").unwrap_or(name)))
        }
    }
}

/// A word as a shell takes it for itself.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._-+:/%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_can_be_typed_whatever_the_name_holds() {
        assert_eq!(quoted("amara@example.org"), "amara@example.org");
        assert_eq!(quoted("username:$(reboot)"), "'username:$(reboot)'");
        assert_eq!(quoted("o'hara"), "'o'\\''hara'");
    }
}
