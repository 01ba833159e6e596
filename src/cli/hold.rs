//! `revoked hold`: what waits for a human, and the decision about exactly what was shown.

use clap::Subcommand;

use super::output::{json, json_lines, line, name_unreadable, plain, table, time};
use super::store::operator;
use super::{Exit, StoreArgs};

/// `revoked hold`
#[derive(Debug, Clone, Subcommand)]
pub enum HoldCommand {
    /// List what waits for a decision
    #[command(after_help = "Example: revoked hold list")]
    List {
        /// The decided ones too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the cases under one hold, and the set that an approval must name
    #[command(after_help = "Example: revoked hold show 3")]
    Show {
        /// The hold's number
        hold: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let exactly the shown set go on
    #[command(after_help = "Example: revoked hold approve 3 --set 5f0c1e9a77d2b340 --note \"confirmed with HR, ticket 812\"")]
    Approve {
        /// The hold's number
        hold: i64,
        /// The set that `hold show` printed: an approval is about what you have seen, not what has come since
        #[arg(long)]
        set: String,
        /// Why, for the trail
        #[arg(long)]
        note: Option<String>,
    },
    /// Call the held cases off
    #[command(after_help = "Example: revoked hold reject 3 --note \"test export, nobody leaves\"")]
    Reject {
        /// The hold's number
        hold: i64,
        /// Why, for the trail
        #[arg(long)]
        note: Option<String>,
    },
}

/// Runs `revoked hold`.
///
/// # Errors
/// Where the store cannot be read or written, or the decision does not fit.
pub(super) async fn run(command: HoldCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    match command {
        HoldCommand::List { all, json: as_json } => {
            let holds = store.holds(all).await?;
            if as_json {
                json_lines(&holds)?;
            } else {
                name_unreadable(&holds.unreadable);
                let rows = holds.iter().map(|hold| {
                    vec![
                        hold.id.to_string(),
                        hold.state.clone(),
                        hold.cases.to_string(),
                        hold.source.clone(),
                        hold.batch.clone().unwrap_or_else(|| "-".to_owned()),
                        hold.placed_at.to_string(),
                        hold.detail.clone(),
                    ]
                });
                let headings = ["hold", "state", "cases", "source", "delivery", "placed", "why"];
                table(&headings, rows.collect(), "nothing waits for a decision")?;
            }
        }
        HoldCommand::Show { hold, json: as_json } => {
            let held = store.hold(hold).await?;
            if as_json {
                json(&held)?;
            } else {
                name_unreadable(&held.unreadable);
                line(format!(
                    "hold {}: {} ({})",
                    held.hold.id,
                    plain(&held.hold.detail),
                    held.hold.state
                ))?;
                let rows = held.cases.iter().map(|case| {
                    let subject = case.subject.clone().unwrap_or_else(|| "erased".to_owned());
                    vec![
                        case.case.to_string(),
                        subject,
                        case.reason.clone(),
                        case.playbook.clone(),
                        time(case.due),
                    ]
                });
                table(
                    &["case", "subject", "reason", "playbook", "due"],
                    rows.collect(),
                    "no case waits under it any more",
                )?;
                for case in &held.cases {
                    for said in &case.reactivated {
                        line(format!(
                            "case {}: source {} said at {} that the person is active again; others asked for it too",
                            case.case,
                            plain(&said.source),
                            said.at
                        ))?;
                    }
                }
                if held.hold.state == "open" {
                    line(format!("to let these go on: revoked hold approve {hold} --set {}", held.set))?;
                }
            }
        }
        HoldCommand::Approve { hold, set, note } => {
            let count = store.approve_hold(hold, set, operator(), note).await?;
            line(format!("hold {hold} approved: {count} cases go on"))?;
        }
        HoldCommand::Reject { hold, note } => {
            let count = store.reject_hold(hold, operator(), note).await?;
            line(format!("hold {hold} rejected: {count} cases are cancelled"))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}
