//! Reports for people: one case, one person, one shift. Each sentence has the numbers of the trail's entries that carry it.
//!
//! `document` is what a report says, in `words`; `markdown` and `html` write it; `recorded` is an entry of the trail as reports read it.
//! `case` builds the report of a case of `course` (what happened), `changes`, `proof` and `not_covered`, by its `standing`; `person` and
//! `handover` are the other two. `trail_state` says what all of it rests on.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::output::{json, line};
use super::{Exit, StoreArgs};

mod case;
mod changes;
mod course;
mod document;
mod html;
mod markdown;
mod not_covered;
mod proof;
mod recorded;
mod standing;
mod trail_state;
mod words;
mod zone;

use document::Document;
use zone::Zone;

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
pub(super) struct ReportOutput {
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// Write to this file, which only you may read, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `revoked case report`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked case report 17 --format html --out case-17.html")]
pub struct CaseReportArgs {
    /// The case's number
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
    let now = store.clock().now();
    let file = case::read(&store, args.case).await?;
    let mut document = case::report(&file, now, &Zone::at(now));
    document.trail = Some(trail_state::read(&store, at).await);
    store.close().await;
    args.output.write(&document)
}

impl ReportOutput {
    fn write(&self, document: &Document) -> anyhow::Result<Exit> {
        let text = match self.format {
            Format::Markdown => markdown::markdown(document),
            Format::Html => html::html(document),
            Format::Json if self.out.is_none() => {
                json(&document.json())?;
                return Ok(Exit::Ok);
            }
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&document.json())?),
        };
        let Some(path) = &self.out else {
            line(text.trim_end())?;
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
