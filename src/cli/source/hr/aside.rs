//! `revoked source hr aside`: what was put aside in the drop folders, and why.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use clap::Args;
use rustix::fs::OFlags;
use serde::Serialize;

use super::folder::folders;
use crate::cli::asked::Reach;
use crate::cli::output::{LocalTimes, Meaning, json_line, line, plain};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::model::Timestamp;

/// What the names of the files end with that say why something was put aside.
const REASON: &str = ".reason.txt";
/// No more of one is shown.
const LONGEST: u64 = 64 * 1024;

/// `revoked source hr aside`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked source hr aside
  revoked source hr aside 3f2a91bc

It reads the quarantine of each drop folder. The hash stands in the names of the files there, and in what the alert says to type.")]
pub struct AsideArgs {
    /// The hash in the file's name: show why that was put aside
    hash: Option<String>,
    /// Only of this drop folder
    #[arg(long)]
    source: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A file that says why something was put aside.
#[derive(Serialize)]
struct Reason {
    source: String,
    path: PathBuf,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Runs `revoked source hr aside`.
///
/// # Errors
/// Where the config or a quarantine cannot be read.
pub(super) fn run(args: &AsideArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let reach = Reach::new(at)?;
    let mut reasons = Vec::new();
    for (name, folder) in folders(&reach.config, args.source.as_deref())? {
        reasons.extend(of_folder(name, &folder.rules().quarantine)?);
    }
    reasons.sort_by(|one, other| (one.at, &one.path).cmp(&(other.at, &other.path)));
    let is_meant = |reason: &Reason| {
        let name = reason.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        args.hash.as_ref().is_some_and(|hash| name.contains(&format!(".{hash}.")))
    };
    let meant = reasons.iter().any(is_meant);
    if meant {
        reasons.retain(is_meant);
        for reason in &mut reasons {
            reason.text = Some(read(&reason.path)?);
        }
    }
    if args.json {
        reasons.iter().try_for_each(json_line)?;
    } else {
        let times = LocalTimes::at(Clock::system().now());
        reasons.iter().try_for_each(|reason| show(reason, &times))?;
        line(answer(args.hash.as_deref(), meant, reasons.len()))?;
    }
    Ok(if args.hash.is_some() && !meant {
        Exit::Failed
    } else {
        Exit::Ok
    })
}

fn of_folder(source: &str, quarantine: &Path) -> anyhow::Result<Vec<Reason>> {
    let listing = match std::fs::read_dir(quarantine) {
        Ok(listing) => listing,
        // It is made when something is put there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot look into {}", quarantine.display())),
    };
    let mut reasons = Vec::new();
    for entry in listing {
        let entry = entry?;
        // What HR takes away meanwhile is gone.
        let Ok(meta) = entry.metadata() else { continue };
        if !meta.is_file() || !entry.file_name().to_string_lossy().ends_with(REASON) {
            continue;
        }
        let at = meta.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        reasons.push(Reason {
            source: source.to_owned(),
            path: entry.path(),
            at: Timestamp::from_ms(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)),
            text: None,
        });
    }
    Ok(reasons)
}

/// Reads a file that others may have put there: never through a link.
fn read(path: &Path) -> anyhow::Result<String> {
    let reading = || format!("cannot read {}", path.display());
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .with_context(reading)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).with_context(reading)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn show(reason: &Reason, times: &LocalTimes) -> anyhow::Result<()> {
    let path = plain(&reason.path.display().to_string());
    line(Meaning::Strong.paint(format!("{path} · {}", times.away(reason.at))))?;
    for text in reason.text.iter().flat_map(|text| text.lines()) {
        line(format!("  {}", plain(text)))?;
    }
    Ok(())
}

fn answer(hash: Option<&str>, meant: bool, count: usize) -> String {
    match (hash, meant, count) {
        (Some(_), true, _) => "mend a copy and drop that".to_owned(),
        (Some(hash), false, 0) => format!("nothing lies aside, under {hash} or otherwise"),
        (Some(hash), false, _) => format!("nothing lies aside under {hash}; above is what does"),
        (None, _, 0) => "nothing lies aside".to_owned(),
        (None, _, count) => format!("{count} put aside; revoked source hr aside HASH shows why"),
    }
}
