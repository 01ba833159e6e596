//! Who leaves under another number too, or another employment: access ends with the last of them, so what is held may be due later than it says.

use crate::cli::output::{LocalTimes, bare, own_time, paragraph, plain};
use crate::store::{CombinedSet, HeldCase, PlanBeside, ShownNames};

/// How many of them are named.
const NAMED: usize = 10;

/// Names them, those first that decide when the held departure is due.
pub(super) fn tell(held: &CombinedSet, names: &ShownNames, times: &LocalTimes) -> anyhow::Result<()> {
    let beside = held
        .cases
        .iter()
        .flat_map(|case| case.plans_beside.iter().map(move |plan| (case, plan)));
    let mut beside: Vec<(&HeldCase, &PlanBeside)> = beside.collect();
    beside.sort_by_key(|(_, plan)| !plan.later);
    for (case, plan) in beside.iter().take(NAMED) {
        paragraph(0, &sentence(case, plan, names, times))?;
    }
    if beside.len() > NAMED {
        paragraph(
            0,
            &format!(
                "and {} more departures of these people stand beside (revoked hold show --json)",
                beside.len() - NAMED
            ),
        )?;
    }
    Ok(())
}

fn sentence(case: &HeldCase, plan: &PlanBeside, names: &ShownNames, times: &LocalTimes) -> String {
    let who = case
        .subject
        .as_deref()
        .map_or_else(|| "erased".to_owned(), |subject| bare(names.of(subject)));
    let employment = match plan.employment.as_str() {
        "" => String::new(),
        employment => format!(", employment {employment}"),
    };
    let there = plan
        .local
        .as_deref()
        .map_or(String::new(), |local| format!(", {} there", own_time(local)));
    let state = match plan.state.as_str() {
        "planned" => String::new(),
        other => format!(", {other}"),
    };
    let so = if plan.later {
        "access ends with the later of them, which is why it is due then"
    } else {
        "access ends with the later of them"
    };
    plain(&format!(
        "case {}: {who} leaves as employee {} of {}{employment} too, {}{there}{state} (departure {}); {so}",
        case.case,
        plan.employee,
        plan.source,
        times.on_day(plan.fire_at),
        plan.departure
    ))
}
