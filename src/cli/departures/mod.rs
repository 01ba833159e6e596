//! `revoked departures`: who leaves when, what waits, what became of it, and an operator's cancel.
//!
//! `list` shows what lies within a `range` of days; `show` has one with its history; `which` says which one is meant.

use clap::Subcommand;

use super::output::{LocalTimes, bare, json, line};
use super::store::operator;
use super::{Exit, StoreArgs};
use crate::store::{DepartureView, ShownNames};

mod list;
mod range;
mod remarks;
mod show;
mod which;

use which::WhichDeparture;

/// `revoked departures`
#[derive(Debug, Clone, Subcommand)]
pub enum DeparturesCommand {
    /// List who leaves and what else waits for a day, the next one first
    List(list::ListArgs),
    /// Show one departure with its history and the person's other employments
    #[command(after_help = "Example: revoked departures show 12
         revoked departures show alice@example.org")]
    Show {
        /// The departure's number, or whose it is
        departure: WhichDeparture,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call off what has not happened
    #[command(after_help = "Example: revoked departures cancel 12 --note \"HR confirms: stays until June, ticket 814\"")]
    Cancel {
        /// The departure's number, or whose it is
        departure: WhichDeparture,
        /// Why, for the trail
        #[arg(long)]
        note: String,
    },
}

/// Runs `revoked departures`.
///
/// # Errors
/// Where the store cannot be read or written, the departure does not exist, or it was carried out.
pub(super) async fn run(command: DeparturesCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    match command {
        DeparturesCommand::List(args) => list::run(&args, &store).await?,
        DeparturesCommand::Show {
            departure,
            json: as_json,
        } => {
            let detail = store.departure(departure.number(&store).await?).await?;
            if as_json {
                json(&detail)?;
            } else {
                show::show(&store, &detail, &LocalTimes::at(store.clock().now())).await?;
            }
        }
        DeparturesCommand::Cancel { departure, note } => {
            let departure = departure.number(&store).await?;
            store.cancel_departure(departure, operator(), note).await?;
            line(format!("departure {departure} cancelled: nothing of it is done"))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

/// Whose a departure is, by the name that lists show.
fn person(departure: &DepartureView, names: &ShownNames) -> String {
    let subject = departure.subject.as_deref();
    subject.map_or_else(|| "erased".to_owned(), |subject| bare(names.of(subject)))
}

/// The state, and whether it was late.
fn state(departure: &DepartureView) -> String {
    if departure.late {
        format!("{}, late", departure.state)
    } else {
        departure.state.clone()
    }
}

/// Whether it has neither happened nor been called off.
fn waits(departure: &DepartureView) -> bool {
    matches!(departure.state.as_str(), "planned" | "held" | "blocked")
}
