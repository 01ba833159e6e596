//! `revoked status`: the whole installation on one screen, from the database file, whether the daemon runs or not.

use clap::CommandFactory as _;
use serde::Serialize;

use super::alert::alert_about;
use super::output::{json, line, name_unreadable, plain, span};
use super::{Exit, StoreArgs, source_health};
use crate::store::{Alert, Counts, Hold, Room, SourceHealth, UnreadableRow};

/// The commands of an incident, in the order in which they are typed.
const INCIDENT: [(&str, &str); 5] = [
    ("revoked find WORD", "who is that? cases, names, departures, accounts"),
    (
        "revoked revoke WHO --reason compromised --wait",
        "end all access now, and prove it",
    ),
    ("revoked case show CASE --follow", "what is being done, and what was proved"),
    ("revoked hold list", "what waits for a decision"),
    ("revoked case report CASE", "what happened, for the ticket"),
];

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    counts: Counts,
    open_alerts: Vec<Alert>,
    open_holds: Vec<Hold>,
    sources: Vec<SourceHealth>,
    daemon_running: bool,
    /// Bytes left on the disk under the store.
    room: Option<u64>,
    disk_full: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableRow>,
}

/// Runs `revoked` alone: how things stand, and what one types in an incident. Where no installation is to be found, how one begins.
///
/// # Errors
/// Where there is a store that cannot be read.
pub(super) async fn begin(at: &StoreArgs) -> anyhow::Result<Exit> {
    if at.path().is_ok_and(|path| path.exists()) {
        run(at, false).await?;
        line("")?;
        for (command, what) in INCIDENT {
            line(format!("  {command:<44} {what}"))?;
        }
        line("  revoked help                                 all commands")?;
        return Ok(Exit::Ok);
    }
    line(super::Cli::command().render_help())?;
    Ok(Exit::Usage)
}

/// Runs `revoked status`.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let (alerts, holds) = (store.alerts(false).await?, store.holds(false).await?);
    let sources = store.source_health().await?;
    let room = store.room().ok();
    let status = Status {
        counts: store.counts().await?,
        open_alerts: alerts.rows,
        open_holds: holds.rows,
        sources: sources.rows,
        daemon_running: crate::store::daemon_runs(store.path()),
        room: room.map(|room| room.bytes),
        disk_full: room.is_some_and(Room::is_full),
        unreadable: [alerts.unreadable, holds.unreadable, sources.unreadable].concat(),
    };
    name_unreadable(&status.unreadable);
    if as_json {
        json(&status)?;
        store.close().await;
        return Ok(Exit::Ok);
    }
    let counts = &status.counts;
    let now = store.clock().now();
    line(if status.daemon_running {
        "daemon: running"
    } else {
        "daemon: not running; requests wait in the inbox until it starts"
    })?;
    if let Some(room) = room.filter(|room| room.is_full()) {
        line(format!(
            "disk:   full, {} KiB are left: what does not fit is refused until there is room",
            room.bytes / 1024
        ))?;
    }
    line(format!("cases:  {}", tally(&counts.cases)))?;
    line(format!("jobs:   {}", tally(&counts.jobs)))?;
    line(format!("closed: {}", tally(&counts.verdicts)))?;
    line(format!("plans:  {} departures wait for their day", counts.planned))?;
    let oldest = counts
        .ledger_oldest
        .map_or(String::new(), |at| format!(", the oldest for {}", span(now.since(at))));
    line(format!("ledger: {} could not be revoked{oldest}", counts.ledger))?;
    let signed = counts.signed.map_or_else(
        || "none signed yet".to_owned(),
        |size| format!("{size} of them under a signed checkpoint"),
    );
    line(format!("trail:  {} entries, {signed}", counts.trail))?;
    for (target, why) in &counts.paused {
        line(format!("paused: target {} ({})", plain(target), plain(why)))?;
    }
    for source in &status.sources {
        line(format!("source: {}", source_health::sentence(source, now)))?;
    }
    for hold in &status.open_holds {
        line(format!(
            "hold {}: {} cases wait: {}",
            hold.id,
            hold.cases,
            plain(&hold.detail)
        ))?;
    }
    for alert in &status.open_alerts {
        let about = alert_about(alert).map_or(String::new(), |about| format!(", {}", plain(&about)));
        let care = match &alert.acknowledged_by {
            Some(by) => format!("; looked after by {}", plain(by)),
            None => format!("; next: {}", plain(&alert.next)),
        };
        line(format!(
            "alert {} ({}, {} times{about}): {}{care}",
            alert.id,
            alert.kind,
            alert.times,
            plain(&alert.summary)
        ))?;
    }
    if status.open_alerts.is_empty() {
        line("no open alerts")?;
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn tally(counts: &std::collections::BTreeMap<String, i64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}
