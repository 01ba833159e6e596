//! What the tour ends with: a row for each door.

use std::time::Duration;

use super::super::output::{line, span, table};
use super::report::{judged, kept, over};
use crate::demo::tour::{ResultingCase, ScenarioLine, TourOutcome};

/// Prints the report.
pub(super) fn print(outcome: &TourOutcome) -> anyhow::Result<()> {
    line("")?;
    line("one signal through every door")?;
    let headings = [
        "door",
        "about",
        "answered",
        "case",
        "reason",
        "verdict",
        "sent to verdict",
        "told back",
        "ended",
    ];
    table(&headings, outcome.stops.iter().map(row).collect(), "no doors")?;
    let everywhere = &outcome.everywhere;
    line("")?;
    line(format!(
        "one person everywhere: {} left, asked for once: {} after {}",
        everywhere.who,
        everywhere.verdict.as_deref().unwrap_or("not over"),
        everywhere
            .contained_ms
            .map_or_else(|| "no containment".to_owned(), |ms| span(Duration::from_millis(ms)))
    ))?;
    for at in &everywhere.targets {
        line(format!("  at {}: {}", at.target, at.verdict))?;
    }
    judged(&outcome.trail, &outcome.expectations)?;
    line("")?;
    kept(Some(&outcome.place), case_of(outcome))?;
    over(outcome.ok, &outcome.expectations, outcome.elapsed_ms)
}

fn case_of(outcome: &TourOutcome) -> Option<i64> {
    outcome
        .stops
        .iter()
        .find_map(|scenario| scenario.came.as_ref())
        .map(|came| came.case)
}

fn row(scenario: &ScenarioLine) -> Vec<String> {
    let came = |what: fn(&ResultingCase) -> String| scenario.came.as_ref().map_or_else(|| "-".to_owned(), what);
    vec![
        scenario.kind.clone(),
        scenario.who.clone(),
        scenario.answer.clone(),
        came(|came| came.case.to_string()),
        came(|came| came.reason.clone()),
        came(|came| came.verdict.clone().unwrap_or_else(|| "open".to_owned())),
        came(|came| {
            came.sent_to_verdict_ms
                .map_or_else(|| "-".to_owned(), |ms| span(Duration::from_millis(ms)))
        }),
        scenario
            .told
            .as_ref()
            .map_or_else(|| "-".to_owned(), |told| told.event.clone()),
        came(ResultingCase::ended_in_words),
    ]
}
