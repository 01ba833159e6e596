//! `revoked alert`: trouble that somebody should know about, until it is cleared or over.

use clap::Subcommand;

use super::output::{json_lines, line, name_unreadable, table};
use super::store::operator;
use super::{Exit, StoreArgs};

/// `revoked alert`
#[derive(Debug, Clone, Subcommand)]
pub enum AlertCommand {
    /// List open alerts
    #[command(after_help = "Example: revoked alert list --json")]
    List {
        /// The cleared ones too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Clear one that has been dealt with
    #[command(after_help = "Example: revoked alert clear 5 --note \"row corrected and sent again\"")]
    Clear {
        /// The alert's number
        alert: i64,
        /// What was done, for the trail
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs `revoked alert`.
///
/// # Errors
/// Where the store cannot be read or written, or there is no such alert.
pub(super) async fn run(command: AlertCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    match command {
        AlertCommand::List { all, json: as_json } => {
            let alerts = store.alerts(all).await?;
            if as_json {
                json_lines(&alerts)?;
            } else {
                name_unreadable(&alerts.unreadable);
                let rows = alerts.iter().map(|alert| {
                    let cleared = alert.cleared_by.clone().unwrap_or_else(|| "-".to_owned());
                    vec![
                        alert.id.to_string(),
                        alert.kind.clone(),
                        alert.times.to_string(),
                        alert.last_at.to_string(),
                        cleared,
                        alert.summary.clone(),
                    ]
                });
                table(
                    &["alert", "kind", "times", "last", "cleared by", "what"],
                    rows.collect(),
                    "no alerts",
                )?;
            }
        }
        AlertCommand::Clear { alert, note } => {
            store.clear_alert(alert, operator(), note).await?;
            line(format!("alert {alert} cleared"))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}
