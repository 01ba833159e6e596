//! `revoked batch report`: what came of each person, with the sums. Nothing stands there that the store does not carry.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::counts::counts;
use super::{BatchReportOutput, SheetFormat};
use crate::cli::output::{json, plain, verbatim};
use crate::cli::{Exit, StoreArgs, reads};
use crate::console::batch_sheet;
use crate::model::Timestamp;
use crate::store::{BatchPerson, BatchProgress, BatchRequest, PeopleRead, Store};

/// A report as programs have it.
#[derive(Serialize)]
struct Report<'r> {
    #[serde(flatten)]
    request: &'r BatchRequest,
    as_of: Timestamp,
    sums: &'r BatchProgress,
    people: &'r [BatchPerson],
}

pub(super) async fn report(store: &Store, at: &StoreArgs, key: &str, output: &BatchReportOutput) -> anyhow::Result<Exit> {
    let request = store.batch_request(key).await?;
    let progress = store.batch_counts(key).await?;
    let people = store.batch_report(key).await?;
    let read = PeopleRead {
        cases: people.iter().filter_map(|person| person.case).collect(),
        people: people.len(),
        ..reads::read_with("batch report")
    };
    reads::record_read(store, at, &read).await;
    let report = Report {
        request: &request,
        as_of: store.clock().now(),
        sums: &progress,
        people: &people,
    };
    let format = if output.json { SheetFormat::Json } else { output.format };
    let text = match format {
        SheetFormat::Json if output.out.is_none() => {
            json(&report)?;
            return Ok(Exit::Ok);
        }
        SheetFormat::Json => format!("{}\n", serde_json::to_string_pretty(&report)?),
        SheetFormat::Csv => String::from_utf8(batch_sheet(&people)?)?,
        SheetFormat::Markdown => markdown(&report),
    };
    match &output.out {
        Some(path) => write(path, &text)?,
        None => verbatim(text.trim_end())?,
    }
    Ok(Exit::Ok)
}

/// Writes it to a file that only its owner may read: it names people.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing the report to {}", path.display()))
}

fn markdown(report: &Report<'_>) -> String {
    let Report {
        request,
        as_of,
        sums,
        people,
    } = report;
    let mut text = format!(
        "# Batch {}\n\n{} people, {}, asked for by {} at {}. As of {as_of}.\n",
        request.batch,
        sums.people,
        cell(&request.reason),
        cell(&request.requested_by),
        request.asked_at
    );
    if let Some(note) = &request.note {
        let _ = write!(text, "\nBecause: {}\n", cell(note));
    }
    if let Some(pause) = &sums.paused {
        let _ = write!(text, "\nPaused since {} {}.\n", pause.since, cell(&pause.sentence()));
    }
    let _ = write!(
        text,
        "\n{} of {} have ended: {}.\n\n| person | case | stands | first revoke | contained | why | not covered |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        sums.ended(),
        sums.people,
        counts(sums)
    );
    // What a target does not cover is the same of most: it is written once, behind the table.
    let mut gaps: Vec<&str> = Vec::new();
    for person in *people {
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let hold = person.hold.map(|hold| format!("hold {hold}"));
        let why: Vec<String> = hold.into_iter().chain(person.why.clone()).collect();
        let open = person.not_covered.iter().map(|gap| {
            let known = gaps.iter().position(|known| *known == gap);
            let at = known.unwrap_or_else(|| {
                gaps.push(gap);
                gaps.len() - 1
            });
            (at + 1).to_string()
        });
        let open = open.collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {open} |",
            cell(&person.subject),
            person.case.map_or_else(|| "-".to_owned(), |case| case.to_string()),
            person.verdict.as_deref().unwrap_or(&person.state),
            time(person.first_revoke_at),
            time(person.contained_at),
            cell(&why.join("; "))
        );
    }
    if !gaps.is_empty() {
        text.push_str("\nNot covered:\n\n");
    }
    for (at, gap) in gaps.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", at + 1, cell(gap));
    }
    text
}

/// A text in a cell of a table, where it is text and nothing else.
fn cell(text: &str) -> String {
    let mut shown = String::new();
    for letter in plain(text).replace("\\u{a}", ", ").chars() {
        if matches!(letter, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!') {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}
