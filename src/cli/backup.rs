//! `revoked backup`: a copy of the store beside a running daemon, verified before it gets its name; and what must be saved besides.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::output::{Meaning, json, line, plain, progress};
use super::{Exit, StoreArgs, reads};
use crate::config;
use crate::secret::SecretSource;
use crate::store::{PeopleRead, Store};
use crate::trail;

/// `revoked backup`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked backup /srv/backup/revoked-2026-11-29.db
  revoked backup /srv/backup/revoked.db --json | jq .save_too

The daemon goes on meanwhile. The copy gets its name once every page was looked at and the trail in it was verified; the file must not be
there before. It holds personal data: mode 0600. It holds no key and no secret: what must be saved besides is listed, by path.
How to restore it, and how to move to another host: docs/lifecycle.md.

Exit codes: 0 verified; 5 the copy is true to the store, and the trail in both is not; 1 no copy was made.")]
pub struct BackupArgs {
    /// The file to write, which must not be there
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A backup that was made.
#[derive(Serialize)]
struct BackedUp {
    file: PathBuf,
    bytes: u64,
    schema: i64,
    /// Entries of the trail.
    entries: u64,
    /// How many of them a checkpoint in the copy vouches for.
    signed: u64,
    seconds: f64,
    verified: bool,
    /// What is wrong with the trail.
    findings: Vec<String>,
    save_too: Vec<SaveToo>,
}

/// Something that the copy does not hold, and without which it is worth less.
#[derive(Serialize)]
struct SaveToo {
    what: String,
    place: String,
}

/// Runs `revoked backup`.
///
/// # Errors
/// Where no copy could be made.
pub(super) async fn run(args: &BackupArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let made = back_up(args, at, &store).await;
    store.close().await;
    let made = made?;
    if args.json {
        json(&made)?;
    } else {
        show(&made)?;
    }
    Ok(if made.verified { Exit::Ok } else { Exit::Unverified })
}

async fn back_up(args: &BackupArgs, at: &StoreArgs, store: &Store) -> anyhow::Result<BackedUp> {
    let began = Instant::now();
    let keys = trail::keys_beside(store.path())?;
    let copy = store.copy_for(&args.file).await?;
    // By its own checkpoints alone: what the daemon has signed elsewhere since then is beyond the copy.
    let snapshot = copy.trail_snapshot().await?;
    let report = trail::verify_snapshot(snapshot, &keys, Vec::new(), progress("entries verified")).await?;
    let schema = copy.schema();
    let bytes = copy.keep(&args.file).await?;
    let read = PeopleRead {
        people: store.count_people().await?,
        ..reads::read_with("backup")
    };
    reads::record_read(store, at, &read).await;
    Ok(BackedUp {
        file: args.file.clone(),
        bytes,
        schema,
        entries: report.entries,
        signed: report.signed,
        seconds: began.elapsed().as_secs_f64(),
        verified: report.verified(),
        findings: report.findings.iter().map(ToString::to_string).collect(),
        save_too: besides(at, store.path()),
    })
}

/// What must be saved besides, as far as the config can be read.
fn besides(at: &StoreArgs, store: &Path) -> Vec<SaveToo> {
    let mut found = Vec::new();
    let mut add = |what: &str, place: String| {
        found.push(SaveToo {
            what: what.to_owned(),
            place,
        });
    };
    let beside = |what: &str| {
        let mut name = store.as_os_str().to_owned();
        name.push(what);
        PathBuf::from(name)
    };
    if at.config.exists() {
        let file = std::path::absolute(&at.config).unwrap_or_else(|_| at.config.clone());
        add("the config", file.display().to_string());
    }
    for (what, name) in [
        ("the trail's key", ".trail-key"),
        ("the trail's verifier keys", ".vkey"),
        ("the transmitter's key", ".transmitter-key"),
        ("the key of what is sealed", ".sealed-key"),
    ] {
        let file = beside(name);
        if file.exists() {
            add(what, file.display().to_string());
        }
    }
    for anchor in config::anchors(&at.config, store) {
        add("the checkpoints", anchor.display().to_string());
    }
    for (of, source) in config::secret_places(&at.config) {
        let place = match source {
            SecretSource::File(path) => path.display().to_string(),
            SecretSource::Credential(name) => format!("the file behind LoadCredential={name}: in the unit"),
        };
        add(&format!("secret: {of}"), place);
    }
    found
}

fn show(made: &BackedUp) -> anyhow::Result<()> {
    if !made.save_too.is_empty() {
        line("not in the copy; save these too, elsewhere:")?;
    }
    let width = made.save_too.iter().map(|one| one.what.chars().count()).max().unwrap_or(0);
    for one in &made.save_too {
        line(format!("  {:<width$}  {}", plain(&one.what), plain(&one.place)))?;
    }
    for finding in &made.findings {
        line(format!("the trail: {}", plain(finding)))?;
    }
    let (verdict, meaning) = if made.verified {
        ("VERIFIED", Meaning::Good)
    } else {
        ("NOT VERIFIED", Meaning::Bad)
    };
    line(format!(
        "{} {}: {}, schema {}, {} entries of the trail, {} signed, in {:.1} s",
        meaning.paint(verdict),
        plain(&made.file.display().to_string()),
        size(made.bytes),
        made.schema,
        made.entries,
        made.signed,
        made.seconds,
    ))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes.div_ceil(1 << 20)),
        _ => format!("{} GiB", bytes.div_ceil(1 << 30)),
    }
}
