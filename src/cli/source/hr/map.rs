//! `revoked source hr map`: what the columns of an export may mean, and the config that says so.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::Exit;
use crate::cli::output::{json, line, plain, sentence, table, terminal, verbatim};
use crate::sources::hr_csv::{LARGEST_FILE, Proposal, propose};

/// `revoked source hr map`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked source hr map export.csv

Needs no config and changes nothing. It prints a table for the config: paste it, decide what it leaves open, and look at the same file \
with `revoked source hr preview`.

Exit code: 6 where something is left to decide, 16 where the file is no CSV file, else 0.")]
pub struct MapArgs {
    /// The export
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `revoked source hr map`.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn run(args: &MapArgs) -> anyhow::Result<Exit> {
    let shown = args.file.display();
    let meta = std::fs::metadata(&args.file).with_context(|| format!("cannot open {shown}"))?;
    anyhow::ensure!(meta.is_file(), "{shown} is no regular file");
    anyhow::ensure!(
        meta.len() <= LARGEST_FILE,
        "{shown} is larger than {} MiB: map a part of it",
        LARGEST_FILE >> 20
    );
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {shown}"))?;
    let proposal = match propose(&bytes) {
        Ok(proposal) => proposal,
        Err(why) => {
            line(format!("nothing can be proposed: {}", plain(&why)))?;
            return Ok(Exit::Rejected);
        }
    };
    if args.json {
        json(&proposal)?;
    } else {
        show(&proposal)?;
    }
    Ok(if proposal.undecided.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

fn show(proposal: &Proposal) -> anyhow::Result<()> {
    line(format!("written in:   {}", plain(&proposal.encoding)))?;
    line(format!("separated by: {}", plain(&proposal.separator)))?;
    line(format!(
        "header:       line {}, {} columns, {} {} below",
        proposal.header_line,
        proposal.header.len(),
        proposal.rows,
        if proposal.rows == 1 { "row" } else { "rows" }
    ))?;
    line(format!("days:         {}", proposal.dates.unwrap_or("see below")))?;
    if !proposal.null_days.is_empty() {
        line(format!("no day:       {}", plain(&proposal.null_days.join(", "))))?;
    }
    if !proposal.presets.is_empty() {
        line(format!("presets whose columns it has: {}", proposal.presets.join(", ")))?;
    }
    if proposal.plain {
        line("its columns are called by our own names: no mapping is needed")?;
    }
    line("")?;
    show_columns(proposal, "no column is known")?;
    for passed in &proposal.passed_over {
        line(format!("passed over: {:?}: {}", plain(&passed.header), plain(&passed.why)))?;
    }
    if !proposal.words.is_empty() {
        line("")?;
        let words = proposal.words.iter().map(|word| {
            vec![
                word.word.clone(),
                word.rows.to_string(),
                word.means.unwrap_or("to be decided").to_owned(),
            ]
        });
        table(&["status", "rows", "means"], words.collect(), "")?;
    }
    line("\nFor the config:\n")?;
    for text in proposal.toml.lines() {
        verbatim(&plain(text))?;
    }
    if proposal.undecided.is_empty() {
        return line("\nEverything is decided. Look at the same file with: revoked source hr preview FILE");
    }
    line("\nTo be decided:")?;
    for open in &proposal.undecided {
        sentence(&format!("  - {}", plain(open)), 4)?;
    }
    if terminal().ascii && proposal.undecided.iter().any(|open| !open.is_ascii()) {
        sentence(
            "What stands there as \\u{…} are letters that this locale cannot show: look again with LC_ALL=C.UTF-8, or with --json",
            2,
        )?;
    }
    Ok(())
}

/// What the columns of a file may be, or `nothing` where none is known.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn show_columns(proposal: &Proposal, nothing: &str) -> anyhow::Result<()> {
    let columns = proposal.columns.iter().map(|column| {
        let choice = if column.undecided { "one of these? " } else { "" };
        vec![
            column.column.to_owned(),
            column.headers.join(" | "),
            format!("{choice}{}", column.why),
        ]
    });
    table(&["column", "in the file…", "why?…"], columns.collect(), nothing)
}
