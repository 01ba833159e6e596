//! `revoked report containment`: how long it took to end access, against the goals of the config, with each miss.
//!
//! `text` is for people, `sheet` for a spreadsheet; what is measured stands in the store's views.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::human_time::{HumanTime, past};
use crate::cli::output::{json, name_unreadable, remark, verbatim};
use crate::cli::{Exit, StoreArgs, UsageError, reads};
use crate::config;
use crate::model::Timestamp;
use crate::store::{PeopleRead, Store};

mod sheet;
mod text;

/// `revoked report`
#[derive(Debug, Clone, Subcommand)]
pub enum ReportCommand {
    /// Tell how long it took to end access, by target and reason, against the goals of the config, and what missed them
    #[command(after_help = "Examples:
  revoked report containment --since 30d
  revoked report containment --since 2026-11-01 --until 2026-12-01 --csv > november.csv
  revoked report containment --since 24h --csv misses

It measures the cases that are kept and that began in that time: when their signal was received, or on the day that they were planned for. The time \
that a case waited for somebody's decision is told by itself and is in none of the others.")]
    Containment(ContainmentArgs),
}

/// `revoked report containment`
#[derive(Debug, Clone, Args)]
pub struct ContainmentArgs {
    /// Cases that began from then on: 30d, yesterday, 2026-11-01, or RFC 3339
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: HumanTime,
    /// Only those that began before then
    #[arg(long, value_name = "TIME")]
    until: Option<HumanTime>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV for a spreadsheet: a line for each target and reason, or for each miss
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "groups")]
    csv: Option<Sheet>,
}

/// What a spreadsheet is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sheet {
    /// A line for each target and reason
    Groups,
    /// A line for each miss
    Misses,
}

/// Runs `revoked report`.
///
/// # Errors
/// Where the store or the goals of the config cannot be read.
pub(in crate::cli) async fn run(command: ReportCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let ReportCommand::Containment(args) = command;
    let store = at.open().await?;
    let told = containment(&args, &store, at).await;
    store.close().await;
    told.map(|()| Exit::Ok)
}

async fn containment(args: &ContainmentArgs, store: &Store, at: &StoreArgs) -> anyhow::Result<()> {
    let goals = config::goals_in(&at.config)?;
    let now = store.clock().now();
    let (since, until) = past(Some(args.since), args.until, now)?;
    let since = since.ok_or_else(|| UsageError("--since: say since when".to_owned()))?;
    let until = until.unwrap_or(Timestamp::from_ms(now.ms().saturating_add(1)));
    let times = store.containment_times((since, until), &goals).await?;
    let missed = times.misses.iter().map(|miss| miss.case);
    let read = PeopleRead {
        cases: missed.chain(times.not_whole.iter().map(|case| case.case)).collect(),
        ..reads::read_with("report containment")
    };
    reads::record_read(store, at, &read).await;
    match args.csv {
        Some(Sheet::Groups) => verbatim(sheet::groups(&times)?.trim_end())?,
        Some(Sheet::Misses) => verbatim(sheet::misses(&times)?.trim_end())?,
        None if args.json => json(&times)?,
        None => {
            let subjects = times.misses.iter().filter_map(|miss| miss.subject.as_deref());
            let subjects = subjects.chain(times.not_whole.iter().filter_map(|case| case.subject.as_deref()));
            let names = store.shown_names(subjects).await?;
            text::print(&times, &names, now)?;
        }
    }
    if args.csv == Some(Sheet::Misses) && times.misses_more > 0 {
        remark(format!(
            "{} more misses are not listed: take a shorter time",
            times.misses_more
        ));
    }
    name_unreadable(&times.unreadable);
    Ok(())
}
