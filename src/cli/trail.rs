//! `revoked trail`: show it, verify it offline, export it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use revoked_trail::Summary;

use super::human_time::HumanTime;
use super::output::{json, line, name_unreadable, plain, progress};
use super::store::{operator, references_of};
use super::whom::{Whom, subject_of};
use super::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::model::Timestamp;
use crate::store::{OpenError, Role, Store, TrailFilter};
use crate::trail;

/// How many rows one read takes.
const PORTION: u32 = 2000;

/// `revoked trail`
#[derive(Debug, Clone, Subcommand)]
pub enum TrailCommand {
    /// Show entries, oldest first
    #[command(after_help = "Example: revoked trail show --case 17")]
    Show {
        /// Only of this case
        #[arg(long)]
        case: Option<i64>,
        /// Only of this job
        #[arg(long)]
        job: Option<i64>,
        /// Only about this subject
        #[arg(long)]
        subject: Option<Whom>,
        /// Only kinds that begin with this: action. or hold.approved
        #[arg(long)]
        kind: Option<String>,
        /// Only from then on: 1h, yesterday, 2026-11-28, "2026-11-28 17:30", or RFC 3339
        #[arg(long, value_name = "TIME")]
        since: Option<HumanTime>,
        /// From this entry on
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many
        #[arg(long, default_value_t = 200)]
        limit: u32,
        /// Print the stored lines as they are
        #[arg(long)]
        json: bool,
    },
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
        TrailCommand::Show {
            case,
            job,
            subject,
            kind,
            since,
            from,
            limit,
            json: as_json,
        } => {
            let subject = subject_of(&store, subject.as_ref()).await?;
            let subject_refs = references_of(&store, subject.as_ref()).await?;
            let now = store.clock().now();
            let since = since.map(|since| since.back_from(now)).transpose().map_err(UsageError)?;
            let rows = store
                .trail_search(&TrailFilter {
                    case,
                    job,
                    subject_refs,
                    kind,
                    since,
                    from,
                    limit,
                })
                .await?;
            name_unreadable(&rows.unreadable);
            for row in &rows {
                if as_json {
                    line(&row.body)?;
                } else {
                    line(readable(&row.body))?;
                }
            }
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
                for path in anchors.iter().filter(|path| path.parent() == store.path().parent()) {
                    line(format!(
                        "note: {} lies beside the store; whoever owns that folder owns both, so it confirms nothing against them",
                        path.display()
                    ))?;
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
                    line(String::from_utf8_lossy(&row.body))?;
                }
            }
            Exit::Ok
        }
    };
    store.close().await;
    Ok(exit)
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

/// An entry on one line for a person: place, time, kind, actor, then the rest as it is.
fn readable(body: &str) -> String {
    let Ok(entry) = serde_json::from_str::<serde_json::Value>(body) else {
        return plain(body);
    };
    let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let number = |name: &str| {
        entry[name]
            .as_i64()
            .map_or(String::new(), |number| format!(" {name} {number}"))
    };
    let at = entry["at"]
        .as_i64()
        .map_or_else(|| "-".to_owned(), |ms| Timestamp::from_ms(ms).to_string());
    let detail = if entry["detail"].is_null() {
        String::new()
    } else {
        format!(" {}", entry["detail"])
    };
    plain(&format!(
        "{:>6}  {at}  {:<22} {}{}{}{detail}",
        entry["seq"].as_u64().unwrap_or(0),
        text("kind"),
        text("actor"),
        number("case"),
        number("job"),
    ))
}
