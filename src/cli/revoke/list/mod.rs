//! `revoke --from`: a list of people as one set: read, shown and counted, confirmed, written as one, followed together.
//!
//! `intake` reads it, `shown_set` says what it would do, `set_progress` follows it.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tokio::time::{Duration, Instant};

pub(in crate::cli) use set_progress::SetProgress;
use shown_set::{ShownSet, named, people};

use super::RevokeArgs;
use super::answer::BRIEFLY;
use super::rehearse::{Answer, Demands};
use crate::cli::account::as_typed;
use crate::cli::input::{name_of, read_input, sent_file};
use crate::cli::output::{LiveLine, LocalTimes, Meaning, json, line, line_typed, plain, remark};
use crate::cli::store::NOT_RUNNING;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::intake::PeopleList;
use crate::store::{Store, daemon_runs, id_of_batch};

mod set_progress;
mod shown_set;

/// The largest list, in bytes.
const LARGEST: u64 = 1 << 20;
/// How many people are so many that where no line is written over one is written seldom.
const MANY: usize = 50;
/// How often.
const A_LINE_EVERY: Duration = Duration::from_secs(10);
/// How many bad lines are named.
const NAMED: usize = 20;

/// Runs `revoked revoke --from`.
///
/// # Errors
/// Where the list cannot be read, it is not confirmed, or the store cannot be reached.
pub(super) async fn run(args: &RevokeArgs, from: &Path, at: &StoreArgs) -> anyhow::Result<Exit> {
    let list = read(from)?;
    if list.people.is_empty() {
        return Err(UsageError(format!("nobody stands in {}; nothing was done", name_of(from))).into());
    }
    let store = at.open().await?;
    let exit = with_store(args, list, from, at, &store).await;
    store.close().await;
    exit
}

async fn with_store(args: &RevokeArgs, list: PeopleList, from: &Path, at: &StoreArgs, store: &Store) -> anyhow::Result<Exit> {
    let shown = ShownSet::of(list, args, at, store).await?;
    if args.rehearse {
        return rehearse(args, shown, from, at, store).await;
    }
    let before = store.submitted_set(&shown.set).await?;
    let submitted = if let Some(submitted) = before {
        submitted
    } else {
        if !args.json {
            shown.show(from)?;
        }
        confirm(args, &shown, from)?;
        let now = store.clock().now();
        let rows: Result<Vec<_>, UsageError> = shown.people.iter().map(|subject| args.request(subject, now)).collect();
        store.submit_set(shown.set.clone(), rows?).await?
    };
    if let Some(before) = submitted.before
        && !args.json
    {
        let times = LocalTimes::at(store.clock().now());
        line(format!(
            "the same list was asked for {}: nothing is asked for again, this follows it",
            times.time(before)
        ))?;
    }
    let asked_at = submitted.before.unwrap_or_else(|| store.clock().now());
    let mut progress = SetProgress::of(submitted.key.clone(), submitted.rows, asked_at);
    if !daemon_runs(store.path()) && !args.wait {
        if !args.json {
            line(format!(
                "set {} is stored; the daemon is not running and takes it up when it starts",
                shown.set
            ))?;
            return Ok(Exit::Ok);
        }
        return progress.report(store, false, true, "").await;
    }
    let deadline = Instant::now()
        + if args.wait {
            Duration::from_secs(args.timeout)
        } else {
            BRIEFLY
        };
    let mut live = LiveLine::new(args.json);
    if shown.people.len() > MANY {
        live = live.spaced(A_LINE_EVERY);
    }
    let stopped = progress.follow(store, deadline, !args.wait, &mut live).await?;
    drop(live);
    let more = if args.wait {
        "the same command with --wait goes on following".to_owned()
    } else {
        format!("revoked batch show {} --follow", id_of_batch(&submitted.key))
    };
    let more = if daemon_runs(store.path()) {
        more
    } else {
        format!("{NOT_RUNNING}; then {more}")
    };
    let exit = progress.report(store, args.wait, args.json, &more).await?;
    Ok(if stopped { Exit::Waiting } else { exit })
}

fn read(from: &Path) -> anyhow::Result<PeopleList> {
    let bytes = read_input(from, LARGEST).context("reading the list")?;
    if bytes.len() as u64 > LARGEST {
        return Err(UsageError(format!("the list in {} is larger than 1 MiB; split it", name_of(from))).into());
    }
    PeopleList::read(&bytes).map_err(|bad| {
        for line in bad.iter().take(NAMED) {
            remark(format!("{}: {}", name_of(from), plain(&line.to_string())));
        }
        let bad = match bad.len() {
            1 => "1 line cannot".to_owned(),
            count if count > NAMED => format!("{count} lines, of which the first {NAMED} are named, cannot"),
            count => format!("{count} lines cannot"),
        };
        UsageError(format!("{bad} be read; nothing was done, correct the list and try again")).into()
    })
}

/// Has exactly this set confirmed: by its hash, or at a terminal by the number of people.
fn confirm(args: &RevokeArgs, shown: &ShownSet, from: &Path) -> anyhow::Result<()> {
    let count = shown.people.len();
    if let Some(set) = &args.set {
        if *set == shown.set {
            return Ok(());
        }
        return Err(UsageError(format!(
            "the set of this list is {}, not {set}: nothing was done; look at it again without --set",
            shown.set
        ))
        .into());
    }
    let input = if from == Path::new("-") && sent_file().is_none() {
        ", with the same list on standard input"
    } else {
        ""
    };
    let again = format!("to do it{input}: {} --set {}", as_typed(), shown.set);
    if args.json {
        json(shown)?;
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) || args.json {
        return Err(UsageError(format!("nothing was done, since nobody has confirmed it; {again}")).into());
    }
    let typed = line_typed("type the number of people to act on them: ")?;
    if typed.trim() == count.to_string() {
        return Ok(());
    }
    Err(UsageError(format!("{count} was not typed: nothing was done")).into())
}

/// Asks the targets about each of them, and counts.
async fn rehearse(args: &RevokeArgs, mut shown: ShownSet, from: &Path, at: &StoreArgs, store: &Store) -> anyhow::Result<Exit> {
    let demands = Demands::of(args, at)?;
    let mut live = LiveLine::new(args.json);
    let began = Instant::now();
    let (mut nobody, mut failed, mut refused, mut changes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (n, subject) in shown.people.iter().enumerate() {
        let text = format!(
            "asking {} about {} of {}",
            demands.targets().join(", "),
            n + 1,
            people(shown.people.len())
        );
        live.show("asking", &text, began.elapsed());
        let answers = demands.ask(&store.with_known_names(subject).await?).await?;
        if let Some((target, Err(error))) = answers.iter().find(|(_, answer)| answer.is_err()) {
            failed.push(format!("{subject} ({target}: {error})"));
        }
        let accounts = || {
            answers
                .iter()
                .filter_map(|(_, answer)| answer.as_ref().ok())
                .flat_map(|(plan, _)| &plan.accounts)
        };
        // By the names that the target has: a list may name somebody by none of those that the config protects.
        let is_refused = |answer: &Answer| answer.as_ref().is_ok_and(|(_, refusals)| !refusals.is_empty());
        if answers.iter().any(|(_, answer)| is_refused(answer)) {
            refused.push(subject.clone());
        }
        changes += accounts().map(|account| account.actions.len()).sum::<usize>();
        if accounts().next().is_none() && answers.iter().all(|(_, answer)| answer.is_ok()) {
            nobody.push(subject.to_string());
        }
    }
    drop(live);
    shown.would_wait(refused);
    let exit = if !failed.is_empty() {
        Exit::Failed
    } else if nobody.len() == shown.people.len() {
        Exit::VerdictNoPrincipal
    } else {
        Exit::Ok
    };
    if args.json {
        json(&serde_json::json!({ "set": &shown, "changes": changes, "nobody": nobody, "not_asked": failed }))?;
        return Ok(exit);
    }
    shown.show(from)?;
    let found = shown.people.len() - nobody.len() - failed.len();
    for (what, who) in [("is no account anywhere", &nobody), ("could not be asked about", &failed)] {
        if !who.is_empty() {
            line(format!("  {} {what}: {}", who.len(), named(who.iter().cloned())))?;
        }
    }
    let (head, meaning) = match exit {
        Exit::Ok => ("REHEARSED", Meaning::Good),
        Exit::VerdictNoPrincipal => ("NOBODY", Meaning::Waiting),
        _ => ("NOT REHEARSED", Meaning::Bad),
    };
    let first = match shown.waiting() {
        0 => String::new(),
        all if all == shown.people.len() => ", once a human has approved".to_owned(),
        some => format!(", {some} of them once a human has approved"),
    };
    line(format!(
        "{} {}: {changes} changes about {found}{first}; nothing was changed · set {}",
        meaning.paint(head),
        people(shown.people.len()),
        shown.set
    ))?;
    Ok(exit)
}
