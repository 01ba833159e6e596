//! `revoked alert list`: what each alert is about, whom, since when, who looks after it, and what to type next.

use std::collections::BTreeSet;

use crate::cli::Exit;
use crate::cli::output::{LocalTimes, Meaning, json_lines, line, name_unreadable, paragraph, plain, terminal, wrapped};
use crate::report::{AlertGroup, grouped};
use crate::store::{Alert, LISTED_OF_A_KIND, Store};

/// How many people an alert names.
const NAMED: usize = 3;

pub(super) async fn list(store: &Store, kind: Option<&str>, all: bool, as_json: bool) -> anyhow::Result<Exit> {
    let mut alerts = store.alerts(all).await?;
    alerts.rows.retain(|alert| kind.is_none_or(|kind| alert.kind == kind));
    if as_json {
        json_lines(&alerts)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&alerts.unreadable);
    let alerts = with_names(store, &alerts).await?;
    let times = LocalTimes::at(store.clock().now());
    // What needs somebody stands where a terminal ends, the newest of it last.
    let rank = |alert: &Alert| (alert.needs_somebody(), alert.cleared_at.is_none(), alert.last_at, alert.id);
    if kind.is_some() {
        let mut sorted: Vec<&Alert> = alerts.iter().collect();
        sorted.sort_by_key(|alert| rank(alert));
        for alert in sorted {
            show(alert, &times)?;
        }
    } else {
        let mut groups = grouped(&alerts);
        groups.sort_by_key(|group| rank(group.newest));
        for group in &groups {
            match group.only() {
                Some(alert) => show(alert, &times)?,
                None => show_several(group, &times)?,
            }
        }
    }
    line(answer(&alerts))?;
    Ok(Exit::Ok)
}

/// Several that say the same: how many, whom they are about, what the newest of them says, and the commands that show and acknowledge all.
fn show_several(group: &AlertGroup<'_>, times: &LocalTimes) -> anyhow::Result<()> {
    let newest = group.newest;
    let about = group.about().map_or(String::new(), |about| format!(" · {}", plain(&about)));
    let head = format!(
        "{} {} · {}{about} · {}",
        group.numbers(),
        newest.kind,
        group.count(),
        times.away(newest.last_at)
    );
    line(meaning(newest).paint(wrapped(&head, 4, terminal().width.map(usize::from))))?;
    paragraph(4, &format!("the newest: {}", times.told(&newest.summary)))?;
    told_of(newest, times)?;
    line(format!("    {}", Meaning::Strong.paint(group.shown_by())))?;
    if newest.needs_somebody() {
        line(format!("    {}", Meaning::Strong.paint(group.acknowledged_by())))?;
    }
    Ok(())
}

/// One line that says how many need somebody.
fn answer(alerts: &[Alert]) -> String {
    let open = alerts.iter().filter(|alert| alert.cleared_at.is_none()).count();
    let needing = alerts.iter().filter(|alert| alert.needs_somebody()).count();
    // Of each kind the newest are listed.
    let least = if alerts.iter().any(|alert| is_cut(alerts, &alert.kind)) {
        "at least "
    } else {
        ""
    };
    match (open, needing) {
        (0, _) => "no alerts".to_owned(),
        (open, 0) => format!("{least}{open} open, all looked after"),
        (open, needing) if open == needing => format!("{least}{open} open"),
        (open, needing) => format!("{least}{open} open, {needing} of them need somebody"),
    }
}

/// Whether there may be more of a kind than are listed.
fn is_cut(alerts: &[Alert], kind: &str) -> bool {
    alerts.iter().filter(|alert| alert.kind == kind).count() >= LISTED_OF_A_KIND
}

fn meaning(alert: &Alert) -> Meaning {
    if alert.needs_somebody() {
        Meaning::Bad
    } else {
        Meaning::Quiet
    }
}

fn show(alert: &Alert, times: &LocalTimes) -> anyhow::Result<()> {
    let often = match alert.times {
        1 => String::new(),
        times => format!(", {times} times"),
    };
    let about = about(alert).map_or(String::new(), |about| format!(" · {}", plain(&about)));
    let head = format!("{} {}{about} · {}{often}", alert.id, alert.kind, times.away(alert.last_at));
    line(meaning(alert).paint(head))?;
    let is_open = alert.cleared_at.is_none();
    let summary = if is_open {
        alert.summary_beside_next()
    } else {
        alert.summary.clone()
    };
    paragraph(4, &times.told(&summary))?;
    told_of(alert, times)?;
    if is_open {
        line(format!("    {}", Meaning::Strong.paint(plain(&alert.next))))?;
    }
    Ok(())
}

/// Where it was not told, who looks after it, and who has cleared it.
fn told_of(alert: &Alert, times: &LocalTimes) -> anyhow::Result<()> {
    if !alert.withheld_from.is_empty() {
        paragraph(
            4,
            &format!(
                "not told on {}, which reaches somebody who was being contained",
                alert.withheld_from.join(", ")
            ),
        )?;
    }
    if let (Some(by), Some(at)) = (&alert.acknowledged_by, alert.acknowledged_at) {
        let note = alert
            .acknowledged_note
            .as_ref()
            .map_or(String::new(), |note| format!(": {note}"));
        paragraph(4, &format!("looked after by {by}, {}{note}", times.away(at)))?;
    }
    match (&alert.cleared_by, alert.cleared_at) {
        (Some(by), Some(at)) => paragraph(4, &format!("cleared by {by}, {}", times.away(at))),
        _ => Ok(()),
    }
}

/// The alerts, each about people whom no target knows with the first of their names: an alert counts up, and its case is the last.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn with_names(store: &Store, alerts: &[Alert]) -> anyhow::Result<Vec<Alert>> {
    let mut alerts = alerts.to_vec();
    let is_of_several = |alert: &Alert| alert.kind == "unresolved" && alert.cleared_at.is_none() && alert.times > 1;
    if !alerts.iter().any(is_of_several) {
        return Ok(alerts);
    }
    let unresolved = store.unresolved(false).await?;
    for alert in alerts.iter_mut().filter(|alert| is_of_several(alert)) {
        let of_source = unresolved.iter().filter(|one| alert.key == format!("source:{}", one.source));
        let people: BTreeSet<&str> = of_source.filter_map(|one| one.subject.as_deref()).collect();
        let mut first: Vec<&str> = people.iter().copied().take(NAMED).collect();
        if people.len() > first.len() {
            first.push("…");
        }
        if !first.is_empty() {
            alert.subject = Some(first.join("\n"));
        }
    }
    Ok(alerts)
}

/// Whom and which target it is about.
pub(in crate::cli) fn about(alert: &Alert) -> Option<String> {
    let who = match (&alert.subject, alert.people) {
        (Some(subject), _) => Some(subject.replace('\n', ", ")),
        (None, Some(people)) => Some(format!("{people} people")),
        (None, None) => None,
    };
    match (who, &alert.target) {
        (Some(who), Some(target)) => Some(format!("{who} at {target}")),
        (Some(who), None) => Some(who),
        (None, Some(target)) => Some(format!("target {target}")),
        (None, None) => None,
    }
}
