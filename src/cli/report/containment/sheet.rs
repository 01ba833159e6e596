//! The times as CSV; what a spreadsheet would run as a formula stands disarmed.

use crate::sources::hr_csv::disarmed;
use crate::store::{ContainmentTimes, Distribution};

const GROUPS: [&str; 25] = [
    "since",
    "until",
    "target",
    "reason",
    "cases",
    "first_revoke_n",
    "first_revoke_p50_ms",
    "first_revoke_p95_ms",
    "first_revoke_max_ms",
    "first_revoke_goal_ms",
    "first_revoke_missed",
    "containment_n",
    "containment_p50_ms",
    "containment_p95_ms",
    "containment_max_ms",
    "containment_goal_ms",
    "containment_missed",
    "contained",
    "unverified",
    "residual",
    "no_principal",
    "failed",
    "open",
    "held",
    "called_off",
];

const MISSES: [&str; 12] = [
    "case",
    "person",
    "target",
    "reason",
    "goal",
    "what",
    "began",
    "took_ms",
    "waited_ms",
    "goal_ms",
    "causes",
    "entries",
];

/// A line for each target and reason.
pub(super) fn groups(times: &ContainmentTimes) -> anyhow::Result<String> {
    let rows = times.groups.iter().map(|group| {
        let mut cells = vec![
            times.since.to_string(),
            times.until.to_string(),
            group.target.clone(),
            group.reason.clone(),
            group.cases.to_string(),
        ];
        cells.extend(figures(&group.first_revoke));
        cells.extend(figures(&group.containment));
        let counts = [
            group.contained,
            group.unverified,
            group.residual,
            group.no_principal,
            group.failed,
            group.open,
            group.held,
            group.called_off,
        ];
        cells.extend(counts.map(|count| count.to_string()));
        cells
    });
    written(&GROUPS, rows)
}

/// A line for each miss.
pub(super) fn misses(times: &ContainmentTimes) -> anyhow::Result<String> {
    let rows = times.misses.iter().map(|miss| {
        let entries: Vec<String> = miss.entries.iter().map(|seq| format!("#{seq}")).collect();
        vec![
            miss.case.to_string(),
            miss.subject.as_deref().unwrap_or("erased").replace('\n', ", "),
            miss.target.clone(),
            miss.reason.clone(),
            miss.goal.to_owned(),
            miss.what.to_owned(),
            miss.began_at.to_string(),
            miss.took_ms.to_string(),
            miss.waited_ms.to_string(),
            miss.goal_ms.to_string(),
            miss.causes.join("; "),
            entries.join(" "),
        ]
    });
    written(&MISSES, rows)
}

fn figures(of: &Distribution) -> [String; 6] {
    let time = |ms: Option<i64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
    [
        of.n.to_string(),
        time(of.p50_ms),
        time(of.p95_ms),
        time(of.max_ms),
        of.goal_ms.to_string(),
        of.missed.to_string(),
    ]
}

fn written(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(headings)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| disarmed(cell)))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("cannot write CSV: {error}"))?;
    Ok(String::from_utf8(bytes)?)
}
