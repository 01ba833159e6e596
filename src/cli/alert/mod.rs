//! `revoked alert`: trouble that somebody should know about, until it is cleared or over.
//!
//! `list` shows it, those of one kind and one cause as one; `numbers` says which are meant by a command; `test` tries who is told.

use clap::Subcommand;

use super::output::line;
use super::store::operator;
use super::{Exit, StoreArgs, number};

mod list;
mod numbers;
mod test;

pub(super) use list::{about as alert_about, with_names};

/// `revoked alert`
#[derive(Debug, Clone, Subcommand)]
pub enum AlertCommand {
    /// List open alerts: what needs somebody last. Those of one kind and one cause are one
    #[command(after_help = "Examples:\n  revoked alert list\n  revoked alert list --kind came_back\n  revoked alert list --json")]
    List {
        /// Each of this kind by itself, and no others
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// The cleared ones too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say that you look after alerts: they stay open, and need nobody else until they are raised anew
    #[command(
        after_help = "Examples:\n  revoked alert ack 5 7 --note \"asked the chat team, ticket 812\"\n  revoked alert ack 5-39 --kind came_back"
    )]
    Ack {
        #[command(flatten)]
        meant: numbers::MeantAlerts,
        /// What you do about it, for the next shift and the trail
        #[arg(long)]
        note: Option<String>,
    },
    /// Clear what has been dealt with
    #[command(after_help = "Example: revoked alert clear 5 7 --note \"row corrected and sent again\"")]
    Clear {
        #[command(flatten)]
        meant: numbers::MeantAlerts,
        /// What was done, for the trail
        #[arg(long)]
        note: Option<String>,
    },
    /// Have an alert handed to the program of `[alerts] exec`, and say what came of it
    #[command(after_help = "Example: revoked alert test")]
    Test(test::TestArgs),
}

/// Runs `revoked alert`.
///
/// # Errors
/// Where the store cannot be read or written, or there is no such alert.
pub(super) async fn run(command: AlertCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let outcome = match command {
        AlertCommand::List { kind, all, json } => list::list(&store, kind.as_deref(), all, json).await,
        AlertCommand::Ack { meant, note } => {
            let alerts = meant.read(&store, true).await?;
            store.acknowledge_alerts(alerts.clone(), operator(), note).await?;
            line(format!("{} acknowledged: still open, until cleared or over", named(&alerts)))?;
            Ok(Exit::Ok)
        }
        AlertCommand::Clear { meant, note } => {
            let alerts = meant.read(&store, false).await?;
            store.clear_alerts(alerts.clone(), operator(), note).await?;
            line(format!("{} cleared", named(&alerts)))?;
            Ok(Exit::Ok)
        }
        AlertCommand::Test(args) => test::run(&store, at, &args).await,
    };
    store.close().await;
    outcome
}

/// `alert 5`, `alerts 5, 7`.
fn named(alerts: &[i64]) -> String {
    match alerts {
        [only] => format!("alert {only}"),
        several => format!("alerts {}", number::listed(several)),
    }
}
