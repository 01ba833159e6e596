//! `revoked-verify`: says whether an exported trail is the one whose checkpoints were signed, and whether the entries that a report cites stand
//! in it. Knows nothing of the daemon and asks nobody.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use revoked_trail::report_verifier::{self, VerifiedReport};
use revoked_trail::{Place, Report, Summary, VerifierKey, checkpoint_file, export, key};

/// Exit code: the trail is verified.
const VERIFIED: u8 = 0;
/// Exit code: something could not be read. A command line that is wrong exits with 2.
const FAILED: u8 = 1;
/// Exit code: something was found. The same as that of `revoked trail verify`.
const FOUND: u8 = 5;

/// Verifies what `revoked trail export` wrote, or a report, with nothing but the checkpoints that left the machine and the trail's public key.
#[derive(Debug, Parser)]
#[command(
    name = "revoked-verify",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
#[command(
    after_help = "Examples: revoked-verify --key trail.vkey --anchor checkpoints trail.jsonl\n          \
                  revoked-verify report --key trail.vkey --anchor checkpoints case-17.json\n\n\
                  Exits with 0 when verified, 5 when something was found, 1 when something could not be read, 2 when the command line is wrong."
)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// The export; standard input where none is named
    export: Option<PathBuf>,
    #[command(flatten)]
    with: With,
}

/// What else is verified.
#[derive(Debug, Subcommand)]
enum What {
    /// Verify a report that was written as JSON: whether each entry that it cites stands in the signed trail
    #[command(
        after_help = "Example: revoked-verify report --key trail.vkey --anchor checkpoints case-17.json\n\n\
                            The sentences of a report are signed by nobody: read them against the entries, which the report carries."
    )]
    Report {
        /// The report; standard input where none is named
        report: Option<PathBuf>,
        #[command(flatten)]
        with: With,
    },
}

/// What it is held against, and how the answer is written.
#[derive(Debug, Args)]
struct With {
    /// The trail's verifier key (name+id+key), or a file with one on each line, the newest last; witnesses' keys too
    #[arg(long, required = true)]
    key: Vec<String>,
    /// Files of checkpoints that left the machine
    #[arg(long)]
    anchor: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code.into(),
        Err(error) => {
            // Where standard error is closed, the exit code says it alone.
            let _ = writeln!(io::stderr(), "revoked-verify: {error:#}");
            FAILED.into()
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let verified = match &arguments.what {
        Some(What::Report { report, with }) => verify_report(report.as_deref(), with)?,
        None => verify_export(arguments.export.as_deref(), &arguments.with)?,
    };
    Ok(if verified { VERIFIED } else { FOUND })
}

fn verify_export(path: Option<&Path>, with: &With) -> anyhow::Result<bool> {
    let (keys, checkpoints) = (with.keys()?, with.checkpoints()?);
    let report = match path {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
            export::verify(BufReader::new(file), &keys, &checkpoints)?
        }
        None => export::verify(io::stdin().lock(), &keys, &checkpoints)?,
    };
    print(&report, with.json).context("writing the report")?;
    Ok(report.verified())
}

fn verify_report(path: Option<&Path>, with: &With) -> anyhow::Result<bool> {
    let (keys, checkpoints) = (with.keys()?, with.checkpoints()?);
    let text = match path {
        Some(path) => read(path)?,
        None => io::read_to_string(io::stdin().lock()).context("reading the report")?,
    };
    let report = report_verifier::verify(&text, &keys, &checkpoints)?;
    print_report(&report, with.json).context("writing what was found")?;
    Ok(report.verified())
}

impl With {
    fn keys(&self) -> anyhow::Result<Vec<VerifierKey>> {
        let mut keys = Vec::new();
        for key in &self.key {
            keys.extend(read_keys(key)?);
        }
        Ok(keys)
    }

    /// The checkpoints from outside, with where each was kept.
    fn checkpoints(&self) -> anyhow::Result<Vec<(Place, String)>> {
        let mut checkpoints = Vec::new();
        for path in &self.anchor {
            let place = Place::anchor(&path.display().to_string());
            let notes = checkpoint_file::notes(&read(path)?);
            checkpoints.extend(notes.into_iter().map(|note| (place.clone(), note)));
        }
        Ok(checkpoints)
    }
}

/// The keys in a file, or the one that is given as text.
fn read_keys(text: &str) -> anyhow::Result<Vec<VerifierKey>> {
    let path = Path::new(text);
    let (text, from) = if path.is_file() {
        (read(path)?, path.display().to_string())
    } else {
        (text.to_owned(), "--key, which is no file".to_owned())
    };
    key::verifier_keys(&text).with_context(|| format!("reading the verifier keys in {from}"))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &Summary::from(report))?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(())
}

fn print_report(report: &VerifiedReport, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report.summary())?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(())
}
