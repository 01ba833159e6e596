//! What the demo ends with: verdicts with their evidence, what is not covered, and every expectation.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::super::output::{line, plain, span, table};
use crate::demo::{CaseLine, Outcome};

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
    line("")?;
    line(format!(
        "trail: {} entries, {}; {} of them confirmed by signed checkpoints outside the database",
        outcome.trail.entries,
        if outcome.trail.verified { "verified" } else { "NOT VERIFIED" },
        outcome.trail.confirmed
    ))?;
    for finding in &outcome.trail.findings {
        line(format!("  {}", plain(finding)))?;
    }
    line("")?;
    line("expected")?;
    for expectation in &outcome.expectations {
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
    line("")?;
    if let Some(config) = outcome.place.as_ref().and_then(|place| place.config.as_ref()) {
        let config = config.display();
        line("the folder is kept; look around in it:")?;
        line(format!("  revoked status --config {config}"))?;
        line(format!("  revoked case show 1 --config {config}"))?;
        line(format!("  revoked trail verify --config {config}"))?;
    }
    let failed = outcome.expectations.iter().filter(|expectation| !expectation.held).count();
    line(if outcome.ok {
        format!(
            "all {} expectations held, in {}",
            outcome.expectations.len(),
            span(Duration::from_millis(outcome.elapsed_ms))
        )
    } else {
        format!("{failed} of {} expectations FAILED", outcome.expectations.len())
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
