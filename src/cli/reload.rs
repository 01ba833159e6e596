//! `revoked reload`: has the running daemon read its config anew.

use anyhow::bail;

use super::asked::answer_of;
use super::output::{Meaning, answer, hanging, json as print_json, line};
use super::{Exit, StoreArgs};
use crate::config::Reloaded;
use crate::daemon::asked::Order;
use crate::store::daemon_runs;

/// Runs `revoked reload`.
///
/// # Errors
/// Where no daemon runs, or the store cannot be written.
pub(super) async fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    if !daemon_runs(store.path()) {
        bail!("the daemon does not run: it reads the config when it starts");
    }
    let reloaded = answer_of(
        &store,
        &Order::Reload,
        "the daemon reads its config; waiting for what it says",
    )
    .await;
    store.close().await;
    let reloaded: Reloaded = reloaded?;
    if as_json {
        print_json(&reloaded)?;
    } else {
        print(&reloaded)?;
    }
    Ok(match reloaded {
        Reloaded::Unchanged { .. } | Reloaded::Taken { .. } => Exit::Ok,
        Reloaded::Refused { needs_restart: true, .. } => Exit::Failed,
        Reloaded::Refused { .. } => Exit::Usage,
    })
}

fn print(reloaded: &Reloaded) -> anyhow::Result<()> {
    match reloaded {
        Reloaded::Unchanged { file, .. } => line(format!("unchanged: the daemon runs with {} as it is", file.display())),
        Reloaded::Taken { file, changes, .. } => {
            for change in changes {
                hanging(&format!("  {change}"))?;
            }
            if changes.is_empty() {
                line("  nothing but its order and its comments has changed")?;
            }
            answer(
                Meaning::Good,
                "in force",
                &format!(": the daemon runs with {} as it is now", file.display()),
            )
        }
        Reloaded::Refused { why, needs_restart, .. } => {
            for why in why {
                hanging(&format!("  {why}"))?;
            }
            let then = if *needs_restart {
                "nothing was taken over, the daemon runs as before; to take over all of it: systemctl restart revoked"
            } else {
                "nothing was taken over, the daemon runs as before"
            };
            answer(Meaning::Bad, "refused", &format!(": {then}"))
        }
    }
}
