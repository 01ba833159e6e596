//! Reports for people as commands: one case, one person, one shift, and what many cases took. What they say is made in [`crate::report`].
//!
//! Here are the arguments, and where a report goes; `until` is how an instant is typed, `containment` measures many cases.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use super::human_time::{HumanTime, past};
use super::output::{json, line, progress, terminal, verbatim};
use super::whom::Whom;
use super::{Exit, StoreArgs, UsageError, number, reads};
use crate::config;
use crate::model::Timestamp;
use crate::report::{self, Document, Look, Zone};
use crate::store::{PeopleRead, Store};

mod containment;
mod until;

pub(super) use containment::ReportCommand;
pub(super) use containment::run as times;
use until::Until;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a ticket or a wiki
    Markdown,
    /// One page that prints well
    Html,
    /// For programs
    Json,
}

/// How and where a report is written.
#[derive(Debug, Clone, Args)]
pub struct ReportOutput {
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// Print JSON: as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file, which only you may read, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `revoked case report`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked case report 17 --format html --out case-17.html")]
pub struct CaseReportArgs {
    /// The case's number
    #[arg(value_parser = number::case)]
    case: i64,
    #[command(flatten)]
    output: ReportOutput,
}

/// Runs `revoked case report`.
///
/// # Errors
/// Where the store cannot be read, the case does not exist or the file cannot be written.
pub(super) async fn case(args: &CaseReportArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let document = report::of_case(&store, args.case, &zone(store.clock().now())).await?;
    let document = rest(document, &store, at).await;
    let read = PeopleRead {
        cases: vec![args.case],
        ..reads::read_with("case report")
    };
    reads::record_read(&store, at, &read).await;
    store.close().await;
    args.output.write(&document)
}

/// `revoked person`
#[derive(Debug, Clone, Subcommand)]
pub enum PersonCommand {
    /// Certify what a person held where, how it ended, how that was proved, and what is unproved
    #[command(after_help = "Example: revoked person report alice@example.org --until 2026-11-30 --format html --out alice.html")]
    Report {
        /// Whom: alice@example.org, username:alice, case:17; alice where that is known
        subject: Whom,
        /// As of then, a whole day included: yesterday, 2026-11-28, "2026-11-28 17:30", or RFC 3339; now, where nothing is said
        #[arg(long, value_name = "TIME")]
        until: Option<Until>,
        #[command(flatten)]
        output: ReportOutput,
    },
}

/// Runs `revoked person`.
///
/// # Errors
/// Where the store cannot be read, no case is about the person or the file cannot be written.
pub(super) async fn person(command: PersonCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let PersonCommand::Report { subject, until, output } = command;
    let store = at.open().await?;
    let subject = subject.person(&store).await?;
    let now = store.clock().now();
    let until = until.map(|until| until.instant(now)).transpose().map_err(UsageError)?;
    let until = until.map_or(now, |until| until.min(now));
    let (document, cases) = report::of_person(&store, &subject, until, &zone(now)).await?;
    let document = rest(document, &store, at).await;
    let read = PeopleRead {
        cases,
        ..reads::read_with("person report")
    };
    reads::record_read(&store, at, &read).await;
    store.close().await;
    output.write(&document)
}

/// `revoked handover`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked handover --since 8h")]
pub struct HandoverArgs {
    /// What happened from then on: 8h, yesterday, 17:30 (the last), or RFC 3339
    #[arg(long, value_name = "TIME", default_value = "8h")]
    since: HumanTime,
    #[command(flatten)]
    output: ReportOutput,
}

/// Runs `revoked handover`.
///
/// # Errors
/// Where the store cannot be read or the file cannot be written.
pub(super) async fn handover(args: &HandoverArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let now = store.clock().now();
    let since = past(Some(args.since), None, now)?.0.unwrap_or(now);
    let document = report::of_shift(&store, since, &zone(now)).await?;
    store.close().await;
    args.output.write(&document)
}

/// The zone in which a report tells its times.
fn zone(now: Timestamp) -> Zone {
    Zone::of(terminal().zone.clone(), now)
}

/// The report with what it rests on, looked at now.
async fn rest(document: Document, store: &Store, at: &StoreArgs) -> Document {
    let anchors = config::anchors(&at.config, store.path());
    let state = report::verified_now(store, &anchors, progress("entries verified")).await;
    let cited = report::cited(store, &anchors, &document).await;
    document.resting_on(state, cited)
}

impl ReportOutput {
    fn write(&self, document: &Document) -> anyhow::Result<Exit> {
        let format = if self.json { Format::Json } else { self.format };
        let text = match format {
            Format::Markdown => report::markdown(document),
            Format::Html => report::html(document, Look::Inside),
            Format::Json if self.out.is_none() => {
                json(&document.json()?)?;
                return Ok(Exit::Ok);
            }
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&document.json()?)?),
        };
        let Some(path) = &self.out else {
            match terminal().width {
                Some(width) if format == Format::Markdown => line(report::markdown_on_screen(document, width.into()))?,
                _ => verbatim(text.trim_end())?,
            }
            return Ok(Exit::Ok);
        };
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("writing the report to {}; name another file with --out", path.display()))?;
        line(format!(
            "the report is in {}",
            super::output::plain(&path.display().to_string())
        ))?;
        Ok(Exit::Ok)
    }
}
