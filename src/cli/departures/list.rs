//! `revoked departures list`: who leaves and what else waits for a day, the next first.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::remarks::remarks;
use super::{person, state};
use crate::cli::UsageError;
use crate::cli::human_time::HumanTime;
use crate::cli::output::{Cell, LocalTimes, Meaning, bare, json_line, line, name_unreadable, own_time, plain, table};
use crate::cli::whom::Whom;
use crate::model::Timestamp;
use crate::store::{DepartureFilter, DepartureView, Listed, PlannedCase, Store};

/// A week.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// `revoked departures list`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked departures list --week
         revoked departures list --from tomorrow --to 2026-12-31
         revoked departures list --state blocked")]
pub struct ListArgs {
    /// Only of this source
    #[arg(long)]
    source: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["planned", "held", "blocked", "executed", "rescinded", "cancelled"])]
    state: Option<String>,
    /// Only of this person: alice@example.org, `employee_id:4711`, a login alone
    #[arg(long, value_name = "WHO")]
    person: Option<Whom>,
    /// Only what is due within seven days from today on
    #[arg(long, conflicts_with_all = ["from", "to"])]
    week: bool,
    /// Only what is due from then on: today, tomorrow, 2026-12-01, 3d, or RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<HumanTime>,
    /// Only what is due before then
    #[arg(long, value_name = "TIME")]
    to: Option<HumanTime>,
    /// At most so many
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A line of the list, and by what it is sorted: what is over stands after what is not.
enum Plan {
    Departure(Box<DepartureView>),
    Case(PlannedCase),
}

impl Plan {
    fn place(&self) -> (bool, Timestamp) {
        match self {
            Self::Departure(departure) => {
                let is_open = matches!(departure.state.as_str(), "planned" | "held" | "blocked");
                (!is_open, departure.acts_at)
            }
            Self::Case(case) => (false, case.due),
        }
    }
}

/// Lists them.
///
/// # Errors
/// Where the store cannot be read, or a time is none.
pub(super) async fn run(args: &ListArgs, store: &Store) -> anyhow::Result<()> {
    let times = LocalTimes::at(store.clock().now());
    let (from, to) = range(args, times.now())?;
    let person = match &args.person {
        Some(whom) => Some(whom.subject(store).await?),
        None => None,
    };
    let filter = DepartureFilter {
        source: args.source.clone(),
        state: args.state.clone(),
        person,
        from,
        to,
        // One more, which says whether the list is whole.
        limit: args.limit.saturating_add(1),
    };
    let departures = store.departures(&filter).await?;
    let cases = cases(args, store, &filter).await?;
    let Listed { rows, mut unreadable } = departures;
    unreadable.extend(cases.unreadable);
    name_unreadable(&unreadable);
    let mut plans: Vec<Plan> = rows.into_iter().map(|row| Plan::Departure(Box::new(row))).collect();
    plans.extend(cases.rows.into_iter().map(Plan::Case));
    plans.sort_by_key(Plan::place);
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let is_cut = plans.len() > most;
    plans.truncate(most);
    if args.json {
        for plan in &plans {
            match plan {
                Plan::Departure(departure) => json_line(departure)?,
                Plan::Case(case) => json_line(&json!({ "planned_case": case }))?,
            }
        }
        return unreadable.iter().try_for_each(|row| json_line(&json!({ "unreadable": row })));
    }
    let headings = [
        "departure",
        "person",
        "due",
        "away?",
        "where they work?",
        "state",
        "case?",
        "source?",
        "why?…",
    ];
    let rows = plans.iter().map(|plan| cells(plan, &times)).collect();
    table(&headings, rows, "nobody leaves, and nothing waits for a day")?;
    if is_cut {
        line(format!("there are more: --limit {}", args.limit.saturating_mul(4)))?;
    }
    sum(&plans, &times)
}

/// From when on and until when something is due that is to be listed.
fn range(args: &ListArgs, now: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>), UsageError> {
    let ahead = |time: HumanTime| time.ahead_of(now).map_err(UsageError);
    if args.week {
        let today = ahead(HumanTime::Day(0))?;
        return Ok((Some(today), Some(today.plus(WEEK))));
    }
    Ok((args.from.map(ahead).transpose()?, args.to.map(ahead).transpose()?))
}

/// The cases that wait for a day without a departure, as far as the same is asked of them.
async fn cases(args: &ListArgs, store: &Store, filter: &DepartureFilter) -> anyhow::Result<Listed<PlannedCase>> {
    if args.state.as_deref().is_some_and(|state| state != "planned") {
        return Ok(Listed::default());
    }
    let from = filter.from.unwrap_or(Timestamp::from_ms(i64::MIN));
    let to = filter.to.unwrap_or(Timestamp::from_ms(i64::MAX));
    let mut cases = store.planned_cases(from, to, filter.limit).await?;
    let person = filter.person.as_ref().map(ToString::to_string);
    cases.rows.retain(|case| {
        let is_of = |person: &String| {
            case.subject
                .as_deref()
                .is_some_and(|subject| subject.split('\n').any(|name| name == person))
        };
        args.source.as_ref().is_none_or(|source| *source == case.source) && person.as_ref().is_none_or(is_of)
    });
    Ok(cases)
}

fn cells(plan: &Plan, times: &LocalTimes) -> Vec<Cell> {
    match plan {
        Plan::Departure(departure) => {
            let is_over = plan.place().0;
            let word = state(departure);
            let state = match departure.state.as_str() {
                _ if departure.late => Cell::meaning(word, Meaning::Bad),
                "executed" => Cell::meaning(word, Meaning::Good),
                _ if is_over => Cell::meaning(word, Meaning::Quiet),
                _ => Cell::state(&word),
            };
            vec![
                departure.id.to_string().into(),
                person(departure).into(),
                times.time(departure.acts_at).into(),
                times.away(departure.acts_at).into(),
                departure.local.as_deref().map_or_else(|| "-".to_owned(), own_time).into(),
                state,
                departure.case.map_or_else(|| "-".to_owned(), |case| case.to_string()).into(),
                departure.source.clone().into(),
                why(departure, times).into(),
            ]
        }
        Plan::Case(case) => {
            let by = case
                .requested_by
                .as_deref()
                .map_or(String::new(), |by| format!(", asked for by {by}"));
            vec![
                "-".into(),
                bare(case.subject.as_deref().unwrap_or("erased")).into(),
                times.time(case.due).into(),
                times.away(case.due).into(),
                "-".into(),
                "planned".into(),
                case.case.to_string().into(),
                case.source.clone().into(),
                format!("{}{by}", case.reason).into(),
            ]
        }
    }
}

/// Why it waits or is over, and what else is to be known of it.
fn why(departure: &DepartureView, times: &LocalTimes) -> String {
    let said = departure.why.iter().cloned();
    said.chain(remarks(departure, times)).collect::<Vec<_>>().join("; ")
}

/// The answer: how many wait, and who is next.
fn sum(plans: &[Plan], times: &LocalTimes) -> anyhow::Result<()> {
    let waits: Vec<&Plan> = plans.iter().filter(|plan| !plan.place().0).collect();
    if waits.is_empty() {
        return if plans.is_empty() {
            Ok(())
        } else {
            line("none of them still waits")
        };
    }
    let wait = if waits.len() == 1 { "waits" } else { "wait" };
    let mut parts = vec![format!("{} {wait}", waits.len())];
    let overdue = waits.iter().filter(|plan| plan.place().1 <= times.now()).count();
    if overdue > 0 {
        parts.push(Meaning::Bad.paint(format!("{overdue} past its time")));
    }
    if let Some(next) = waits.iter().find(|plan| plan.place().1 > times.now()) {
        let who = match next {
            Plan::Departure(departure) => person(departure),
            Plan::Case(case) => bare(case.subject.as_deref().unwrap_or("erased")),
        };
        let at = next.place().1;
        parts.push(format!("the next {} ({}): {}", times.away(at), times.time(at), plain(&who)));
    }
    line(parts.join(", "))
}
