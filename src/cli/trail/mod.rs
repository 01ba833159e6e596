//! `revoked trail`: show it, verify it offline, export it.
//!
//! `show` has the filters and what follows the newest, `entry_line` puts an entry into words.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use revoked_trail::Summary;

use super::output::{hanging, json, line, plain, progress, verbatim};
use super::store::operator;
use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::store::{OpenError, Role, Store};
use crate::trail;

mod entry_line;
mod show;

/// How many rows one read takes.
const PORTION: u32 = 2000;

/// `revoked trail`
#[derive(Debug, Clone, Subcommand)]
pub enum TrailCommand {
    /// Show entries, the newest last
    Show(show::ShowArgs),
    /// Verify every entry against the tree, the signed checkpoints and the copies outside
    #[command(
        after_help = "Example: revoked trail verify --anchor /srv/anchor/revoked.checkpoints\n\nExits with 0 when clean, 5 with the first bad entry."
    )]
    Verify {
        /// The trail's verifier key (name+id+key), or a file that holds it; by default the .vkey beside the store
        #[arg(long)]
        key: Option<String>,
        /// Files of checkpoints that left the machine; by default the config's
        #[arg(long)]
        anchor: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace the key that signs the trail: the old key names the new one. The daemon must not run
    #[command(
        after_help = "Example: revoked trail rotate-key\n\nWhere [trail] key names the key, make the new one first: revoked trail rotate-key --to /etc/revoked/trail-key.new"
    )]
    RotateKey {
        /// The file with the new key, 32 random bytes, where [trail] key names one; put it there afterwards
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// The old key is lost, or has signed nothing that is left: go on without its word. An entry, an alert and every verification say so
        #[arg(long)]
        lost: bool,
    },
    /// Write every entry as it was hashed, one JSON object a line
    #[command(after_help = "Example: revoked trail export > trail.jsonl")]
    Export {
        /// From this entry on
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
}

/// Runs `revoked trail`.
///
/// # Errors
/// Where the store, a key or an anchor cannot be read.
pub(super) async fn run(command: TrailCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    if let TrailCommand::RotateKey { to, lost } = command {
        return rotate_key(at, to.as_deref(), lost).await;
    }
    let store = at.open().await?;
    let exit = match command {
        TrailCommand::Show(args) => {
            show::run(&args, &store).await?;
            Exit::Ok
        }
        TrailCommand::Verify {
            key,
            anchor,
            json: as_json,
        } => {
            let keys = match key {
                Some(text) => trail::read_keys(&text)?,
                None => trail::keys_beside(store.path())?,
            };
            let anchors = if anchor.is_empty() {
                config::anchors(&at.config, store.path())
            } else {
                anchor
            };
            let report = trail::verify_telling(&store, &keys, &anchors, progress("entries verified")).await?;
            if as_json {
                json(&Summary::from(&report))?;
            } else {
                line(&report)?;
                for path in anchors_beside(&anchors, store.path()) {
                    hanging(&format!("note: {} {BESIDE_THE_STORE}", plain(&path.display().to_string())))?;
                }
            }
            if report.verified() { Exit::Ok } else { Exit::Unverified }
        }
        // Done above.
        TrailCommand::RotateKey { .. } => Exit::Ok,
        TrailCommand::Export { mut from } => {
            let mut snapshot = store.trail_snapshot().await?;
            loop {
                let rows = snapshot.rows(from, PORTION).await.context("exporting the trail")?;
                let Some(last) = rows.last() else { break };
                from = last.seq + 1;
                for row in &rows {
                    verbatim(&String::from_utf8_lossy(&row.body))?;
                }
            }
            Exit::Ok
        }
    };
    store.close().await;
    Ok(exit)
}

/// What it means that a file of checkpoints lies where the store does.
pub(super) const BESIDE_THE_STORE: &str =
    "lies beside the store; whoever owns that folder owns both, so it confirms nothing against them";

/// The files of checkpoints that lie beside the store.
pub(super) fn anchors_beside<'p>(anchors: &'p [PathBuf], store: &'p Path) -> impl Iterator<Item = &'p PathBuf> {
    anchors.iter().filter(move |path| path.parent() == store.parent())
}

/// Replaces the key, as the only one who has the store.
async fn rotate_key(at: &StoreArgs, to: Option<&Path>, lost: bool) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let config = Config::load(&at.config, &clock)?;
    let path = at.store.as_ref().unwrap_or(&config.store);
    anyhow::ensure!(path.exists(), OpenError::Missing(path.clone()));
    let store = Store::open(path, Role::Daemon, clock).await?;
    let place = trail::TrailPlace {
        origin: &config.trail.origin,
        key: config.trail.key.as_ref(),
        anchor: trail::AnchorFile::new(&config.trail.anchor),
    };
    let rotated = trail::rotate(&store, &place, to, lost, operator()).await;
    store.close().await;
    let rotated = rotated?;
    line(format!(
        "the trail of {} entries is signed by its new key: give it to whoever verifies elsewhere",
        rotated.signed
    ))?;
    line(format!("  {}", rotated.key))?;
    if !rotated.in_place {
        line("put the new key where [trail] key names it, before you start the daemon: it does not start with another one")?;
    }
    Ok(Exit::Ok)
}
