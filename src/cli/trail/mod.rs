//! `revoked trail`: show it, verify it offline, export it.
//!
//! `show` has the filters and what follows the newest, `missing` says which are not there, `entry_line` puts an entry into words; `verify` says
//! whether it stands, `rotate` replaces its key.

use anyhow::Context as _;
use clap::Subcommand;

use super::output::verbatim;
use super::{Exit, StoreArgs};

mod entry_line;
mod missing;
mod rotate;
mod show;
mod verify;

pub(super) use entry_line::EntryLine;

/// How many rows one read takes.
const PORTION: u32 = 2000;

/// `revoked trail`
#[derive(Debug, Clone, Subcommand)]
pub enum TrailCommand {
    /// Show entries, the newest last
    Show(show::ShowArgs),
    /// Verify every entry against the tree, the signed checkpoints and the copies outside
    Verify(verify::VerifyArgs),
    /// Replace the key that signs the trail: the old key names the new one. The daemon must not run
    RotateKey(rotate::RotateArgs),
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
    if let TrailCommand::RotateKey(args) = command {
        return rotate::run(args, at).await;
    }
    let store = at.open().await?;
    let exit = match command {
        TrailCommand::Show(args) => {
            show::run(&args, &store).await?;
            Exit::Ok
        }
        TrailCommand::Verify(args) => verify::run(args, at, &store).await?,
        // Done above.
        TrailCommand::RotateKey(_) => Exit::Ok,
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
