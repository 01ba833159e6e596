//! `revoked find`: everything that is known by a word, each thing with the command that shows it.

use clap::Args;
use serde::Serialize;

use super::output::{Cell, LocalTimes, Meaning, json_line, line, plain, remark, table};
use super::{Exit, StoreArgs, UsageError, whom};
use crate::store::{HitKind, NEWEST_JOBS, SHOWN, SearchHit, SearchHits, SearchWord};

/// `revoked find`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked find amara
  revoked find @example.org --json
  revoked find username:ama

Upper and lower case are the same, and a part is enough. With a format before it only names of that format are looked at.")]
pub struct FindArgs {
    /// A part of a name, an address, an account's id, an employee number; or the number of a case
    pub word: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

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
    if args.json {
        for hit in &found.hits {
            let command = command(hit);
            json_line(&ShownHit { hit, command })?;
        }
        for kind in &found.more {
            remark(more(*kind));
        }
    } else if found.hits.is_empty() {
        line(format!(
            "searched: cases, names, departures, alerts, and the accounts that the newest {NEWEST_JOBS} jobs have found"
        ))?;
        if let Some(name) = whom::near(&store, &word).await? {
            let name = whom::shown_text(&name);
            line(format!("did you mean {name}? (revoked find {})", quoted(&name)))?;
        }
        line(Meaning::Strong.paint(format!("nothing is known by {:?}", plain(&args.word))))?;
    } else {
        show(&found, &word, &LocalTimes::at(store.clock().now()))?;
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn show(found: &SearchHits, word: &SearchWord, times: &LocalTimes) -> anyhow::Result<()> {
    let rows = found.hits.iter().map(|hit| row(hit, times)).collect();
    table(&["what", "who", "state", "when?", "shown by…"], rows, "nothing")?;
    for kind in &found.more {
        line(Meaning::Waiting.paint(more(*kind)))?;
    }
    let exact = match found.hits.iter().filter(|hit| hit.exact).count() {
        0 => "none by exactly that name".to_owned(),
        count if count == found.hits.len() => "all by exactly that name".to_owned(),
        count => format!("{count} by exactly that name, the last ones"),
    };
    line(Meaning::Strong.paint(format!("{} found by {:?}, {exact}", found.hits.len(), plain(word.written()))))
}

fn row(hit: &SearchHit, times: &LocalTimes) -> Vec<Cell> {
    let number = hit.number.map_or(String::new(), |number| format!(" {number}"));
    let what = format!("{}{number}", noun(hit.kind));
    let who = match &hit.what {
        Some(text) => text.split('\n').map(whom::shown_text).collect::<Vec<_>>().join(", "),
        None => "erased".to_owned(),
    };
    let who = match &hit.target {
        Some(target) => format!("{who} at {target}"),
        None => who,
    };
    let state = match hit.verdict.as_deref() {
        // A case that was closed is its verdict; one that is open again has the verdict of before.
        Some(verdict) if hit.state == "closed" => Cell::verdict(Some(verdict)),
        _ if hit.kind == HitKind::Alert && hit.state == "open" => Cell::meaning("open", Meaning::Bad),
        _ => Cell::state(&hit.state),
    };
    vec![what.into(), who.into(), state, times.away(hit.at).into(), command(hit).into()]
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
