//! What the demo ends with: verdicts with their evidence, what is not covered, and every expectation.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::super::output::{line, plain, span, table};
use crate::demo::{CaseLine, Expectation, Outcome, Place, TrailLine};

/// Prints the report.
pub(super) fn print(outcome: &Outcome) -> anyhow::Result<()> {
    line("")?;
    line("verdicts")?;
    let headings = [
        "case",
        "subject",
        "reason",
        "source",
        "verdict",
        "to first revoke",
        "to verdict",
        "grants ended",
        "account",
    ];
    table(&headings, outcome.cases.iter().map(row).collect(), "no cases")?;
    waiting(outcome)?;
    let intruder = &outcome.intruder;
    line("")?;
    line(format!(
        "intruder: {} calls worked before the victim was contained; of {} sent after that, {} logins and refreshes among them, {} worked",
        intruder.calls_before,
        intruder.calls_after_contained,
        intruder.regains_after_contained,
        if intruder.calls_ok_after_contained == 0 {
            "none".to_owned()
        } else {
            intruder.calls_ok_after_contained.to_string()
        }
    ))?;
    line("")?;
    line("not covered (the target's API cannot end or show it)")?;
    for gap in &outcome.not_covered {
        line(format!("  - {}", plain(gap)))?;
    }
    judged(&outcome.trail, &outcome.expectations)?;
    line("")?;
    kept(outcome.place.as_ref(), outcome.cases.first().map(|case| case.case))?;
    over(outcome.ok, &outcome.expectations, outcome.elapsed_ms)
}

/// The trail, and what was expected.
pub(super) fn judged(trail: &TrailLine, expectations: &[Expectation]) -> anyhow::Result<()> {
    line("")?;
    line(format!(
        "trail: {} entries, {}; {} of them confirmed by signed checkpoints outside the database",
        trail.entries,
        if trail.verified { "verified" } else { "NOT VERIFIED" },
        trail.confirmed
    ))?;
    for finding in &trail.findings {
        line(format!("  {}", plain(finding)))?;
    }
    line("")?;
    line("expected")?;
    for expectation in expectations {
        let (word, colour) = if expectation.held {
            ("held", AnsiColor::Green)
        } else {
            ("FAILED", AnsiColor::Red)
        };
        let style = Style::new().fg_color(Some(colour.into()));
        line(format!(
            "  {style}{word:<6}{style:#}  {}: {}",
            expectation.name.replace('_', " "),
            plain(&expectation.why)
        ))?;
    }
    Ok(())
}

/// What to do with a folder that is kept.
pub(super) fn kept(place: Option<&Place>, case: Option<i64>) -> anyhow::Result<()> {
    if let Some(config) = place.and_then(|place| place.config.as_ref()) {
        let config = config.display();
        line("the folder is kept; look around in it:")?;
        line(format!("  revoked status --config {config}"))?;
        line(format!("  revoked case show {} --config {config}", case.unwrap_or(1)))?;
        line(format!("  revoked trail verify --config {config}"))?;
    }
    Ok(())
}

/// The last line.
pub(super) fn over(ok: bool, expectations: &[Expectation], elapsed_ms: u64) -> anyhow::Result<()> {
    let failed = expectations.iter().filter(|expectation| !expectation.held).count();
    line(if ok {
        format!(
            "all {} expectations held, in {}",
            expectations.len(),
            span(Duration::from_millis(elapsed_ms))
        )
    } else {
        format!("{failed} of {} expectations FAILED", expectations.len())
    })
}

fn row(case: &CaseLine) -> Vec<String> {
    let after = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| span(Duration::from_millis(ms)));
    vec![
        case.case.to_string(),
        case.subject.clone(),
        case.reason.clone(),
        case.source.clone(),
        case.verdict.clone().unwrap_or_else(|| "open".to_owned()),
        after(case.received_to_first_revoke_ms),
        after(case.received_to_contained_ms),
        format!("{} of {}", case.grants_ended, case.grants_found),
        match case.verdict.as_deref() {
            Some("no_principal") => "none",
            _ if case.suspended => "suspended",
            _ => "open",
        }
        .to_owned(),
    ]
}

fn waiting(outcome: &Outcome) -> anyhow::Result<()> {
    line("")?;
    line("not done, on purpose")?;
    for plan in &outcome.scheduled {
        line(format!("  scheduled: {} leaves at {}", plain(&plan.subject), plan.at))?;
    }
    for hold in outcome.held.iter().filter(|hold| hold.state == "open") {
        line(format!(
            "  held: {} from {}: {}",
            if hold.cases == 1 {
                "one case".to_owned()
            } else {
                format!("{} cases", hold.cases)
            },
            plain(&hold.source),
            plain(&hold.detail)
        ))?;
    }
    for why in &outcome.quarantined {
        line(format!("  quarantined: {}", plain(why)))?;
    }
    for alert in &outcome.alerts {
        line(format!("  alert: {} ({})", plain(&alert.summary), alert.kind))?;
    }
    Ok(())
}
