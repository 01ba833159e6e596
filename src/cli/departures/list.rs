//! `revoked departures list`: who leaves and what else waits for a day, the next first.

use clap::Args;
use serde_json::json;

use super::range::Range;
use super::remarks::remarks;
use super::{person, state, waits};
use crate::cli::human_time::HumanTime;
use crate::cli::output::{
    Cell, LocalTimes, Meaning, bare, json_line, line, name_unreadable, plain, sentence, table, terminal, width_of,
};
use crate::cli::whom::Whom;
use crate::model::Timestamp;
use crate::store::{DepartureFilter, DepartureView, Listed, PlannedCase, ShownNames, Store};

/// `revoked departures list`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked departures list --week
         revoked departures list --from tomorrow --to 2026-12-31
         revoked departures list --state blocked

A day is meant whole, at either end: whoever works last on it is listed, and whoever's access ends on it.")]
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
    /// Only of the seven days from today on
    #[arg(long, conflicts_with_all = ["from", "to"])]
    week: bool,
    /// Only from this day on, or from then on: today, tomorrow, 2026-12-01, 3d, or RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<HumanTime>,
    /// Only up to the end of this day, or before then
    #[arg(long, value_name = "TIME")]
    to: Option<HumanTime>,
    /// At most so many
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A line of the list.
enum Plan {
    Departure(Box<DepartureView>),
    Case(PlannedCase),
}

impl Plan {
    fn is_over(&self) -> bool {
        match self {
            Self::Departure(departure) => !waits(departure),
            Self::Case(_) => false,
        }
    }

    fn due(&self) -> Timestamp {
        match self {
            Self::Departure(departure) => departure.acts_at,
            Self::Case(case) => case.due,
        }
    }

    /// By what it is sorted: what is over stands after what is not.
    fn place(&self) -> (bool, Timestamp) {
        (self.is_over(), self.due())
    }

    fn subject(&self) -> Option<&str> {
        match self {
            Self::Departure(departure) => departure.subject.as_deref(),
            Self::Case(case) => case.subject.as_deref(),
        }
    }

    fn who(&self, names: &ShownNames) -> String {
        match self {
            Self::Departure(departure) => person(departure, names),
            Self::Case(case) => case
                .subject
                .as_deref()
                .map_or_else(|| "erased".to_owned(), |who| bare(names.of(who))),
        }
    }
}

/// Lists them.
///
/// # Errors
/// Where the store cannot be read, or a time is none.
pub(super) async fn run(args: &ListArgs, store: &Store) -> anyhow::Result<()> {
    let times = LocalTimes::at(store.clock().now());
    let range = if args.week {
        Range::week(&times)?
    } else {
        Range::of(args.from, args.to, &times)?
    };
    let person = match &args.person {
        Some(whom) => Some(whom.person(store).await?),
        None => None,
    };
    let filter = DepartureFilter {
        source: args.source.clone(),
        state: args.state.clone(),
        person,
        from: None,
        to: None,
        behind: None,
        // One more, which says whether the list is whole.
        limit: args.limit.saturating_add(1),
    };
    let departures = within(&range, store, &filter).await?;
    let cases = cases(args, &range, store, &filter).await?;
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
    if range.is_bounded() {
        // Of days that are named each has its own, whatever became of it.
        plans.sort_by_key(Plan::due);
    }
    let names = store.shown_names(plans.iter().filter_map(Plan::subject)).await?;
    let rows: Vec<Vec<Cell>> = plans.iter().map(|plan| cells(plan, &names, &times)).collect();
    let headings = headings(&plans, &names, &times);
    table(&headings, rows, "nobody leaves, and nothing waits for a day")?;
    if is_cut {
        line(format!("there are more: --limit {}", args.limit.saturating_mul(4)))?;
    }
    sum(&plans, &names, &times)
}

/// The departures of a range.
async fn within(range: &Range, store: &Store, filter: &DepartureFilter) -> anyhow::Result<Listed<DepartureView>> {
    let mut listed: Listed<DepartureView> = Listed::default();
    for part in range.parts() {
        let asked = DepartureFilter {
            from: part.from,
            to: part.to,
            // At the edges the store does not know whose day it is.
            limit: if part.is_within { filter.limit } else { u32::MAX },
            ..filter.clone()
        };
        let mut found = store.departures(&asked).await?;
        if !part.is_within {
            found
                .rows
                .retain(|departure| range.holds(departure.acts_at, departure.local.as_deref()));
        }
        listed.rows.extend(found.rows);
        for row in found.unreadable {
            if !listed.unreadable.contains(&row) {
                listed.unreadable.push(row);
            }
        }
    }
    // What has an odd state is in every part.
    listed.rows.sort_by_key(|departure| departure.id);
    listed.rows.dedup_by_key(|departure| departure.id);
    Ok(listed)
}

/// The cases that wait for a day without a departure, as far as the same is asked of them.
async fn cases(args: &ListArgs, range: &Range, store: &Store, filter: &DepartureFilter) -> anyhow::Result<Listed<PlannedCase>> {
    if args.state.as_deref().is_some_and(|state| state != "planned") {
        return Ok(Listed::default());
    }
    let mut cases: Listed<PlannedCase> = Listed::default();
    for part in range.parts() {
        let from = part.from.unwrap_or(Timestamp::from_ms(i64::MIN));
        let to = part.to.unwrap_or(Timestamp::from_ms(i64::MAX));
        let limit = if part.is_within { filter.limit } else { u32::MAX };
        let mut found = store.planned_cases(from, to, limit).await?;
        found.rows.retain(|case| part.is_within || range.holds(case.due, None));
        cases.rows.extend(found.rows);
        cases.unreadable.extend(found.unreadable);
    }
    let names = match &filter.person {
        Some(person) => Some(store.with_known_names(person).await?),
        None => None,
    };
    cases.rows.retain(|case| {
        let said = case.subject.as_deref().unwrap_or_default();
        let said = said.strip_prefix("aliases:").unwrap_or(said);
        let is_of = |name: &crate::model::Subject| said.split('\n').any(|said| said == name.to_string());
        args.source.as_ref().is_none_or(|source| *source == case.source)
            && names.as_ref().is_none_or(|names| names.names().iter().any(is_of))
    });
    Ok(cases)
}

/// A name is cut to this where the day beside it would have to be broken otherwise.
const SHORT_NAME: usize = 24;

/// The headings: the day that the leaver knows is never left out or cut. Names are shortened to give it room; where that is not enough, it is
/// broken between words.
fn headings(plans: &[Plan], names: &ShownNames, times: &LocalTimes) -> [&'static str; 9] {
    let widest = |cell: &dyn Fn(&Plan) -> String| plans.iter().map(|plan| width_of(&cell(plan)) + 2).max().unwrap_or(0);
    let needed = "departure".len()
        + 2
        + widest(&|plan| plain(&plan.who(names))).min(SHORT_NAME + 2)
        + widest(&|plan| ends(plan, times))
        + widest(&|plan| word(plan));
    let is_narrow = terminal().width.is_some_and(|width| needed > width.into());
    let ends = if is_narrow { "access ends…" } else { "access ends" };
    [
        "departure",
        "person~",
        ends,
        "state",
        "away?",
        "due?",
        "case?",
        "source?",
        "why?…",
    ]
}

/// When access ends, by the clocks and the calendar of whoever leaves, where those are known.
fn ends(plan: &Plan, times: &LocalTimes) -> String {
    match plan {
        Plan::Departure(departure) => match &departure.local {
            Some(local) => times.own_day(local),
            None => times.on_day(departure.acts_at),
        },
        Plan::Case(case) => times.on_day(case.due),
    }
}

fn word(plan: &Plan) -> String {
    match plan {
        Plan::Departure(departure) => state(departure),
        Plan::Case(_) => "planned".to_owned(),
    }
}

/// How long it is until then, or since it was carried out; nothing of what does not take place.
fn away(plan: &Plan, times: &LocalTimes) -> String {
    match plan {
        Plan::Departure(departure) if !waits(departure) => {
            let carried_out = departure.executed_at.filter(|_| departure.state == "executed");
            carried_out.map_or_else(|| "-".to_owned(), |at| times.away(at))
        }
        plan => times.away(plan.due()),
    }
}

fn cells(plan: &Plan, names: &ShownNames, times: &LocalTimes) -> Vec<Cell> {
    let word = word(plan);
    let (number, state, case, source, why) = match plan {
        Plan::Departure(departure) => {
            let state = match departure.state.as_str() {
                _ if departure.late => Cell::meaning(word, Meaning::Bad),
                "executed" => Cell::meaning(word, Meaning::Good),
                _ if plan.is_over() => Cell::meaning(word, Meaning::Quiet),
                _ => Cell::state(&word),
            };
            (
                departure.id.to_string(),
                state,
                departure.case.map_or_else(|| "-".to_owned(), |case| case.to_string()),
                departure.source.clone(),
                why(departure, times),
            )
        }
        Plan::Case(case) => {
            let by = case
                .requested_by
                .as_deref()
                .map_or(String::new(), |by| format!(", asked for by {by}"));
            (
                "-".to_owned(),
                word.into(),
                case.case.to_string(),
                case.source.clone(),
                format!("{}{by}", case.reason),
            )
        }
    };
    vec![
        number.into(),
        plan.who(names).into(),
        ends(plan, times).into(),
        state,
        away(plan, times).into(),
        times.on_day(plan.due()).into(),
        case.into(),
        source.into(),
        why.into(),
    ]
}

/// Why it waits or is over, and what else is to be known of it.
fn why(departure: &DepartureView, times: &LocalTimes) -> String {
    let said = departure.why.iter().map(|why| times.told(why));
    said.chain(remarks(departure, times)).collect::<Vec<_>>().join("; ")
}

/// The answer: how many wait, and who is next.
fn sum(plans: &[Plan], names: &ShownNames, times: &LocalTimes) -> anyhow::Result<()> {
    let waits: Vec<&Plan> = plans.iter().filter(|plan| !plan.is_over()).collect();
    if waits.is_empty() {
        return if plans.is_empty() {
            Ok(())
        } else {
            line("none of them still waits")
        };
    }
    let wait = if waits.len() == 1 { "waits" } else { "wait" };
    let mut parts = vec![format!("{} {wait}", waits.len())];
    let overdue = waits.iter().filter(|plan| plan.due() <= times.now()).count();
    if overdue > 0 {
        parts.push(format!("{overdue} past its time"));
    }
    let next = waits
        .iter()
        .filter(|plan| plan.due() > times.now())
        .min_by_key(|plan| plan.due());
    if let Some(next) = next {
        let (at, who) = (next.due(), plain(&next.who(names)));
        parts.push(format!("the next {} ({}): {who}", times.away(at), times.on_day(at)));
    }
    let text = parts.join(", ");
    if overdue > 0 && terminal().width.is_none_or(|width| width_of(&text) <= width.into()) {
        let past = parts.remove(1);
        parts.insert(1, Meaning::Bad.paint(past));
        return line(parts.join(", "));
    }
    sentence(&text, 2)
}
