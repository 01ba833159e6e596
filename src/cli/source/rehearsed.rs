//! `revoked source rehearsed`: what a source that only rehearses would have led to.

use anyhow::Context as _;
use clap::Args;

use crate::cli::human_time::{HumanTime, past};
use crate::cli::output::{Cell, LocalTimes, Meaning, hanging, json, line, plain, table};
use crate::cli::{Exit, StoreArgs};
use crate::store::{RehearsedReport, Store};

/// `revoked source rehearsed`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked source rehearsed hr --since 30d

A source rehearses where its table has mode = \"rehearse\". To have it acted on, take that line away and restart the daemon: what was only \
rehearsed is not done afterwards, unless the source says it again.")]
pub struct RehearsedArgs {
    /// The source's name
    name: String,
    /// Since when: 30d, yesterday, 2026-11-01
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: HumanTime,
    /// How many people to name at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    named: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `revoked source rehearsed`.
///
/// # Errors
/// A source that the daemon does not know, a store that cannot be read.
pub(super) async fn run(args: &RehearsedArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let report = report(args, &store).await;
    store.close().await;
    let report = report?;
    if args.json {
        json(&report)?;
    } else {
        show(&report)?;
    }
    Ok(Exit::Ok)
}

async fn report(args: &RehearsedArgs, store: &Store) -> anyhow::Result<RehearsedReport> {
    let now = store.clock().now();
    let since = past(Some(args.since), None, now)?.0.unwrap_or(now);
    let report = store.rehearsed(&args.name, since, args.named).await?;
    report.with_context(|| format!("the daemon knows no source called {:?}; see revoked source list", args.name))
}

fn show(report: &RehearsedReport) -> anyhow::Result<()> {
    let times = LocalTimes::at(crate::clock::Clock::system().now());
    let mode = match (report.mode.as_str(), report.mode_since) {
        ("rehearse", Some(at)) => format!("rehearses since {}", times.time(at)),
        (_, Some(at)) => format!("is acted on since {}", times.time(at)),
        _ => "is acted on, and has never rehearsed".to_owned(),
    };
    hanging(&format!("source {} {mode}", report.source))?;
    let rows = report.counts.iter().map(|count| {
        vec![
            would(&count.would, count.class.as_deref()),
            count.reason.as_str().into(),
            count.playbook.as_deref().unwrap_or("-").into(),
            count.signals.to_string().into(),
            count.people.to_string().into(),
            times.away(count.last_at).into(),
        ]
    });
    let nothing = format!("it has rehearsed nothing since {}", times.time(report.since));
    let headings = ["would have been", "reason", "playbook?", "signals", "people", "last?"];
    table(&headings, rows.collect(), &nothing)?;
    if !report.people.is_empty() {
        line("")?;
        let rows = report.people.iter().map(|person| {
            let name = person.subject.as_deref().unwrap_or("(erased)").replace('\n', ", ");
            vec![
                Cell::from(plain(&name)),
                person.reason.as_str().into(),
                would(&person.would, person.class.as_deref()),
                times.time(person.received_at).into(),
            ]
        });
        table(&["whom", "reason", "would have been", "received?"], rows.collect(), "")?;
        let all: i64 = report
            .counts
            .iter()
            .filter(|count| matches!(count.would.as_str(), "act" | "hold"))
            .map(|count| count.signals)
            .sum();
        let left = all - i64::try_from(report.people.len()).unwrap_or(i64::MAX);
        if left > 0 {
            line(format!("and {left} more (--named shows more of them)"))?;
        }
    }
    line("nothing of this was done")
}

/// What would have been done, with the class of a hold.
fn would(word: &str, class: Option<&str>) -> Cell {
    match (word, class) {
        ("act", _) => Cell::meaning("acted on", Meaning::Strong),
        ("hold", Some(class)) => format!("held: {class}").into(),
        ("ignore", _) => "only kept".into(),
        ("withdraw", _) => "called off".into(),
        (word, _) => word.into(),
    }
}
