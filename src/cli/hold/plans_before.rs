//! Who had a plan before a held word about them came: an approval replaces it, a rejection leaves it.

use crate::cli::output::{LocalTimes, bare, own_time, paragraph, plain};
use crate::store::{CombinedSet, HeldCase, PlanBefore};

/// How many people are named.
const NAMED: usize = 10;

/// Names them; `what` is what becomes of their plans.
pub(super) fn tell(held: &CombinedSet, times: &LocalTimes, what: &str) -> anyhow::Result<()> {
    let planned: Vec<(&HeldCase, &PlanBefore)> = held
        .cases
        .iter()
        .flat_map(|case| case.plans_before.iter().map(move |plan| (case, plan)))
        .collect();
    if planned.is_empty() {
        return Ok(());
    }
    let count = match planned.len() {
        1 => "1 of them had a plan before".to_owned(),
        count => format!("{count} of them had a plan before"),
    };
    paragraph(0, &format!("{count}{what}"))?;
    for (case, plan) in planned.iter().take(NAMED) {
        let who = case.subject.as_deref().map_or_else(|| "erased".to_owned(), bare);
        let there = plan
            .local
            .as_deref()
            .map_or(String::new(), |local| format!(", {} there", own_time(local)));
        let state = match plan.state.as_str() {
            "planned" => String::new(),
            "executed" => ", carried out".to_owned(),
            other => format!(", {}", plain(other)),
        };
        paragraph(
            2,
            &format!(
                "{}: {}{there}{state} (departure {})",
                plain(&who),
                times.time(plan.acts_at),
                plan.departure
            ),
        )?;
    }
    if planned.len() > NAMED {
        paragraph(2, &format!("and {} more (revoked hold show --json)", planned.len() - NAMED))?;
    }
    Ok(())
}
