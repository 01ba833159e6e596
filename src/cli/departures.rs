//! `revoked departures`: who leaves when, what waits, what became of it, and an operator's cancel.

use clap::Subcommand;

use super::output::{json, json_lines, line, name_unreadable, plain, table, time};
use super::store::operator;
use super::whom::{Whom, subject_of};
use super::{Exit, StoreArgs};
use crate::model::Leaves;
use crate::store::{DepartureDetail, DepartureFilter, DepartureView};

/// `revoked departures`
#[derive(Debug, Clone, Subcommand)]
pub enum DeparturesCommand {
    /// List departures, the next one first
    #[command(after_help = "Example: revoked departures list --state blocked")]
    List {
        /// Only of this source
        #[arg(long)]
        source: Option<String>,
        /// Only in this state
        #[arg(long, value_parser = ["planned", "held", "blocked", "executed", "rescinded", "cancelled"])]
        state: Option<String>,
        /// Only of this person (alice@example.org, or `employee_id:4711`)
        #[arg(long)]
        person: Option<Whom>,
        /// At most so many
        #[arg(long, default_value_t = 200)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
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
        DeparturesCommand::List {
            source,
            state,
            person,
            limit,
            json: as_json,
        } => {
            let person = subject_of(&store, person.as_ref()).await?;
            let filter = DepartureFilter {
                source,
                state,
                person,
                limit,
            };
            let departures = store.departures(&filter).await?;
            if as_json {
                json_lines(&departures)?;
            } else {
                name_unreadable(&departures.unreadable);
                let headings = ["departure", "person", "leaves", "in UTC", "source", "state", "case", "why"];
                table(&headings, departures.iter().map(row).collect(), "no departures")?;
            }
        }
        DeparturesCommand::Show {
            departure,
            json: as_json,
        } => {
            let detail = store.departure(departure).await?;
            if as_json { json(&detail)? } else { show(&detail)? }
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
    departure
        .subject
        .as_deref()
        .map_or_else(|| "erased".to_owned(), |subject| subject.replace('\n', ", "))
}

fn state(departure: &DepartureView) -> String {
    if departure.late {
        format!("{}, late", departure.state)
    } else {
        departure.state.clone()
    }
}

fn row(departure: &DepartureView) -> Vec<String> {
    vec![
        departure.id.to_string(),
        person(departure),
        departure.local.clone().unwrap_or_else(|| "-".to_owned()),
        departure.acts_at.to_string(),
        departure.source.clone(),
        state(departure),
        departure.case.map_or_else(|| "-".to_owned(), |case| case.to_string()),
        departure.why.clone().unwrap_or_default(),
    ]
}

fn show(detail: &DepartureDetail) -> anyhow::Result<()> {
    let departure = &detail.departure;
    name_unreadable(&detail.unreadable);
    line(format!("departure {}: {}", departure.id, plain(&person(departure))))?;
    let why = departure
        .why
        .as_deref()
        .map_or(String::new(), |why| format!(": {}", plain(why)));
    line(format!("  {}{why}", state(departure)))?;
    let written = match &departure.leaves {
        Some(Leaves::Wall { date, zone, at, .. }) => {
            let at = at.as_deref().map_or(String::new(), |at| format!(" at {at}"));
            format!("{date}{at} in {}", plain(zone))
        }
        Some(Leaves::Instant { at }) => at.to_string(),
        None => "what cannot be read".to_owned(),
    };
    line(format!("  HR wrote {written}, which means {}", departure.fire_at))?;
    let local = departure
        .local
        .as_deref()
        .map_or(String::new(), |local| format!(" ({local})"));
    line(format!("  access ends at {}{local}", departure.acts_at))?;
    if departure.acts_at > departure.fire_at {
        line("  which is when the last of the person's employments ends")?;
    }
    if let Some(at) = departure.executed_at {
        line(format!("  carried out at {at}"))?;
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
        time(departure.stated_at)
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
        line(format!("  {} {} by {}{detail}", step.at, step.what, plain(&step.by)))?;
    }
    Ok(())
}
