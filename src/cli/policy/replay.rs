//! `revoked policy replay`: past signals through another policy, before it is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::known;
use crate::cli::human_time::{HumanTime, past};
use crate::cli::output::{Cell, LocalTimes, hanging, json, line, plain, table};
use crate::cli::{Exit, StoreArgs};
use crate::config::Config;
use crate::model::Timestamp;
use crate::policy::{Decision, Replay};
use crate::store::{RecordedSignal, Store};

/// How many signals are read at once.
const PORTION: u32 = 2000;

/// `revoked policy replay`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked policy replay --since 30d --with revoked.toml.new
  revoked policy replay --since 24h --json

Without --with it compares what the present config would decide with what was decided. Limits count what the policy itself would have acted \
on; groups and the number of people known are as they are now. Nothing is stored, and no target is asked.")]
pub struct ReplayArgs {
    /// Since when: 30d, yesterday, 2026-11-01
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: HumanTime,
    /// The config to compare with the present one
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// How many signals to name at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    named: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What would be decided otherwise.
#[derive(Serialize)]
struct Compared {
    since: Timestamp,
    /// The config that is compared; nothing where the present one is compared with what was decided.
    with: Option<String>,
    signals: usize,
    /// Signals about people who were erased, or that cannot be read: not compared.
    skipped: usize,
    /// Signals that an earlier version recorded, of which only the reason is known.
    by_reason_alone: usize,
    /// Of how many signals what was made of them, by decision.
    before: BTreeMap<String, usize>,
    after: BTreeMap<String, usize>,
    changed: usize,
    /// Of how many signals and people the decision changes, by source, reason and decisions.
    changes: Vec<Change>,
    /// The first of them.
    named: Vec<Named>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Change {
    source: String,
    reason: &'static str,
    before: String,
    after: String,
    signals: usize,
    people: usize,
}

#[derive(Serialize)]
struct Named {
    subject: String,
    source: String,
    reason: &'static str,
    received_at: Timestamp,
    before: String,
    after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Source, reason, and the two decisions.
type Key = (String, &'static str, String, String);

/// Runs `revoked policy replay`.
///
/// # Errors
/// A config that is wrong, a store that cannot be read.
pub(super) async fn run(args: &ReplayArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let present = known::config(&at.config)?;
    let other = args.with.as_deref().map(known::config).transpose()?;
    let store = at.open().await?;
    let compared = compare(args, &present, other.as_ref(), &store).await;
    store.close().await;
    let compared = compared?;
    if args.json {
        json(&compared)?;
    } else {
        show(&compared)?;
    }
    Ok(Exit::Ok)
}

async fn compare(args: &ReplayArgs, present: &Config, other: Option<&Config>, store: &Store) -> anyhow::Result<Compared> {
    let now = store.clock().now();
    let since = past(Some(args.since), None, now)?.0.unwrap_or(now);
    known::complete(present, Some(store)).await?;
    if let Some(other) = other {
        known::complete(other, Some(store)).await?;
    }
    let population = store.population().await?;
    let together = store.departures_of_deliveries(since).await?;
    let mut runs = Runs {
        present: Replay::new(&present.policy, population),
        other: other.map(|other| Replay::new(&other.policy, population)),
    };
    let mut compared = Compared {
        since,
        with: args.with.as_ref().map(|path| path.display().to_string()),
        signals: 0,
        skipped: 0,
        by_reason_alone: 0,
        before: BTreeMap::new(),
        after: BTreeMap::new(),
        changed: 0,
        changes: Vec::new(),
        named: Vec::new(),
    };
    let mut changes: BTreeMap<Key, (usize, BTreeSet<String>)> = BTreeMap::new();
    let mut after = 0;
    loop {
        let portion = store.recorded_signals(after, since, PORTION).await?;
        let Some(last) = portion.last() else { break };
        after = last.id;
        for recorded in portion {
            compared.take(recorded, &together, &mut runs, &mut changes, args.named);
        }
    }
    compared.changes = changes
        .into_iter()
        .map(|((source, reason, before, after), (signals, people))| Change {
            source,
            reason,
            before,
            after,
            signals,
            people: people.len(),
        })
        .collect();
    compared.changes.sort_by_key(|change| std::cmp::Reverse(change.signals));
    Ok(compared)
}

/// The policies that are compared.
struct Runs<'p> {
    present: Replay<'p>,
    other: Option<Replay<'p>>,
}

impl Compared {
    fn take(
        &mut self,
        recorded: RecordedSignal,
        together: &BTreeMap<(String, i64), usize>,
        runs: &mut Runs<'_>,
        changes: &mut BTreeMap<Key, (usize, BTreeSet<String>)>,
        most: usize,
    ) {
        self.signals += 1;
        self.by_reason_alone += usize::from(!recorded.whole);
        let Some(mut signal) = recorded.signal else {
            self.skipped += 1;
            return;
        };
        let count = together.get(&(signal.source.clone(), signal.delivery));
        signal.delivery_departures = count.copied().unwrap_or(1);
        let present = runs.present.decide(&signal);
        let other = runs.other.as_mut().map(|other| other.decide(&signal));
        let (before, after, decision) = if let Some(other) = other {
            let (before, mut after) = (present.outcome(), other.outcome());
            if before == after && present.work() != other.work() {
                after = format!("{after}, other demands");
            }
            (before, after, other)
        } else {
            // What was decided is known by its word alone.
            (recorded.decided, present.word().to_owned(), present)
        };
        let same = before == after;
        *self.before.entry(before.clone()).or_default() += 1;
        *self.after.entry(after.clone()).or_default() += 1;
        if same {
            return;
        }
        self.changed += 1;
        let subject = signal.signal.subject.to_string();
        let key = (
            signal.source.clone(),
            signal.signal.reason.word(),
            before.clone(),
            after.clone(),
        );
        let change = changes.entry(key).or_default();
        change.0 += 1;
        change.1.insert(subject.clone());
        if self.named.len() < most {
            self.named.push(Named {
                subject,
                source: signal.source,
                reason: signal.signal.reason.word(),
                received_at: signal.received_at,
                before,
                after,
                why: match decision.in_earnest() {
                    Decision::Hold { why, .. } | Decision::Ignore { why } => Some(why.clone()),
                    _ => None,
                },
            });
        }
    }
}

fn show(compared: &Compared) -> anyhow::Result<()> {
    let now = crate::clock::Clock::system().now();
    let times = LocalTimes::at(now);
    let what = match &compared.with {
        Some(file) => format!("through the present config and {}", plain(file)),
        None => "through the present config, beside what was decided".to_owned(),
    };
    hanging(&format!(
        "{} signals since {} {what}",
        compared.signals,
        times.time(compared.since)
    ))?;
    let decisions: BTreeSet<&String> = compared.before.keys().chain(compared.after.keys()).collect();
    let count = |counts: &BTreeMap<String, usize>, decision: &String| counts.get(decision).copied().unwrap_or_default().to_string();
    let rows = decisions.into_iter().map(|decision| {
        vec![
            decision.clone(),
            count(&compared.before, decision),
            count(&compared.after, decision),
        ]
    });
    table(&["decision", "before", "after"], rows.collect(), "no signals")?;
    if compared.skipped > 0 {
        hanging(&format!(
            "{} are not compared: their people were erased, or they cannot be read",
            compared.skipped
        ))?;
    }
    if compared.by_reason_alone > 0 {
        hanging(&format!(
            "of {} that an earlier version recorded only the reason is known, not what else they asked for",
            compared.by_reason_alone
        ))?;
    }
    if compared.changed == 0 {
        return line("nothing would be decided otherwise; nothing was stored or done");
    }
    line("")?;
    let rows = compared.changes.iter().map(|change| {
        vec![
            Cell::from(change.source.as_str()),
            change.reason.into(),
            change.before.as_str().into(),
            change.after.as_str().into(),
            change.signals.to_string().into(),
            change.people.to_string().into(),
        ]
    });
    table(
        &["source", "reason", "before", "after", "signals", "people"],
        rows.collect(),
        "",
    )?;
    line("")?;
    let rows = compared.named.iter().map(|named| {
        vec![
            Cell::from(plain(&named.subject.replace('\n', ", "))),
            named.reason.into(),
            named.before.as_str().into(),
            named.after.as_str().into(),
            times.time(named.received_at).into(),
        ]
    });
    table(&["whom", "reason", "before", "after", "received?"], rows.collect(), "")?;
    let left = compared.changed - compared.named.len();
    if left > 0 {
        line(format!("and {left} more (--named shows more of them)"))?;
    }
    line("nothing was stored or done")
}
