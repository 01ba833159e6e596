//! `revoked departures`: who leaves when, what waits, what became of it, and an operator's cancel.

use clap::Subcommand;

use super::output::{LocalTimes, bare, hanging, json, line, name_unreadable, own_time, plain};
use super::store::operator;
use super::{Exit, StoreArgs};
use crate::model::Leaves;
use crate::store::{DepartureDetail, DepartureView};

mod list;
mod remarks;

/// `revoked departures`
#[derive(Debug, Clone, Subcommand)]
pub enum DeparturesCommand {
    /// List who leaves and what else waits for a day, the next one first
    List(list::ListArgs),
    /// Show one departure with its history and the person's other employments
    #[command(after_help = "Example: revoked departures show 12")]
    Show {
        /// The departure's number
        departure: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call off what has not happened
    #[command(after_help = "Example: revoked departures cancel 12 --note \"HR confirms: stays until June, ticket 814\"")]
    Cancel {
        /// The departure's number
        departure: i64,
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
            let detail = store.departure(departure).await?;
            if as_json {
                json(&detail)?;
            } else {
                show(&detail, &LocalTimes::at(store.clock().now()))?;
            }
        }
        DeparturesCommand::Cancel { departure, note } => {
            store.cancel_departure(departure, operator(), note).await?;
            line(format!("departure {departure} cancelled: nothing of it is done"))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn person(departure: &DepartureView) -> String {
    departure.subject.as_deref().map_or_else(|| "erased".to_owned(), bare)
}

fn state(departure: &DepartureView) -> String {
    if departure.late {
        format!("{}, late", departure.state)
    } else {
        departure.state.clone()
    }
}

fn show(detail: &DepartureDetail, times: &LocalTimes) -> anyhow::Result<()> {
    let departure = &detail.departure;
    name_unreadable(&detail.unreadable);
    line(format!("departure {}: {}", departure.id, plain(&person(departure))))?;
    let why = departure
        .why
        .as_deref()
        .map_or(String::new(), |why| format!(": {}", plain(why)));
    line(format!("  {}{why}", state(departure)))?;
    for remark in remarks::remarks(departure, times) {
        hanging(&format!("  {}", plain(&remark)))?;
    }
    let written = match &departure.leaves {
        Some(Leaves::Wall { date, zone, at, .. }) => {
            let at = at.as_deref().map_or(String::new(), |at| format!(" at {at}"));
            format!("{date}{at} in {}", plain(zone))
        }
        Some(Leaves::Instant { at }) => times.time(*at),
        None => "what cannot be read".to_owned(),
    };
    line(format!("  HR wrote {written}, which means {}", times.time(departure.fire_at)))?;
    let local = departure.local.as_deref();
    let local = local.map_or(String::new(), |local| format!(", {} there", own_time(local)));
    line(format!(
        "  access ends {}, {}{local}",
        times.time(departure.acts_at),
        times.away(departure.acts_at)
    ))?;
    if departure.acts_at > departure.fire_at {
        line("  which is when the last of the person's employments ends")?;
    }
    if let Some(at) = departure.executed_at {
        line(format!("  carried out {}, {}", times.time(at), times.away(at)))?;
    }
    let employment = if departure.employment.is_empty() {
        String::new()
    } else {
        format!(", employment {}", plain(&departure.employment))
    };
    line(format!(
        "  source {}, employee {}{employment}; case {}; HR changed it at {}",
        plain(&departure.source),
        plain(&departure.employee),
        departure.case.map_or_else(|| "-".to_owned(), |case| case.to_string()),
        times.cell(departure.stated_at)
    ))?;
    let others = detail
        .employments
        .iter()
        .filter(|other| other.employment != departure.employment && !other.employment.is_empty());
    for other in others {
        line(format!("  employment {} {}", plain(&other.employment), other.state))?;
    }
    for step in &detail.steps {
        let detail = step
            .detail
            .as_deref()
            .map_or(String::new(), |detail| format!(": {}", plain(detail)));
        line(format!(
            "  {} {} by {}{detail}",
            times.time(step.at),
            step.what,
            plain(&step.by)
        ))?;
    }
    match departure.state.as_str() {
        "planned" | "blocked" => line(format!(
            "{} {}; to call it off: revoked departures cancel {} --note WHY",
            state(departure),
            times.away(departure.acts_at),
            departure.id
        )),
        "held" => line("held: revoked hold list"),
        _ => line(format!("{}: nothing more happens by itself", state(departure))),
    }
}
