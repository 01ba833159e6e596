//! What the tour ends with: a row for each door.

use std::time::Duration;

use super::super::output::{line, span, table};
use super::report::{judged, kept, over};
use crate::demo::tour::{Came, StopLine, TourOutcome};

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
    judged(&outcome.trail, &outcome.expectations)?;
    line("")?;
    kept(Some(&outcome.place), case_of(outcome))?;
    over(outcome.ok, &outcome.expectations, outcome.elapsed_ms)
}

fn case_of(outcome: &TourOutcome) -> Option<i64> {
    outcome.stops.iter().find_map(|stop| stop.came.as_ref()).map(|came| came.case)
}

fn row(stop: &StopLine) -> Vec<String> {
    let came = |what: fn(&Came) -> String| stop.came.as_ref().map_or_else(|| "-".to_owned(), what);
    vec![
        stop.kind.clone(),
        stop.who.clone(),
        stop.answer.clone(),
        came(|came| came.case.to_string()),
        came(|came| came.reason.clone()),
        came(|came| came.verdict.clone().unwrap_or_else(|| "open".to_owned())),
        came(|came| {
            came.sent_to_verdict_ms
                .map_or_else(|| "-".to_owned(), |ms| span(Duration::from_millis(ms)))
        }),
        stop.told.as_ref().map_or_else(|| "-".to_owned(), |told| told.event.clone()),
        came(Came::ended_in_words),
    ]
}
