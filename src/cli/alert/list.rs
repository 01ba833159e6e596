//! `revoked alert list`: what each alert is about, whom, since when, who looks after it, and what to type next.

use crate::cli::Exit;
use crate::cli::output::{LocalTimes, Meaning, json_lines, line, name_unreadable, paragraph, plain};
use crate::store::{Alert, Store};

pub(super) async fn list(store: &Store, all: bool, as_json: bool) -> anyhow::Result<Exit> {
    let alerts = store.alerts(all).await?;
    if as_json {
        json_lines(&alerts)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&alerts.unreadable);
    let times = LocalTimes::at(store.clock().now());
    // What needs somebody stands where a terminal ends, the newest of it last.
    let rank = |alert: &&Alert| (alert.needs_somebody(), alert.cleared_at.is_none(), alert.last_at, alert.id);
    let mut sorted: Vec<&Alert> = alerts.iter().collect();
    sorted.sort_by_key(rank);
    for alert in &sorted {
        show(alert, &times)?;
    }
    line(answer(&sorted))?;
    Ok(Exit::Ok)
}

/// One line that says how many need somebody.
fn answer(alerts: &[&Alert]) -> String {
    let open = alerts.iter().filter(|alert| alert.cleared_at.is_none()).count();
    let needing = alerts.iter().filter(|alert| alert.needs_somebody()).count();
    match (open, needing) {
        (0, _) => "no alerts".to_owned(),
        (open, 0) => format!("{open} open, all looked after"),
        (open, needing) if open == needing => format!("{open} open"),
        (open, needing) => format!("{open} open, {needing} of them need somebody"),
    }
}

fn show(alert: &Alert, times: &LocalTimes) -> anyhow::Result<()> {
    let meaning = if alert.needs_somebody() {
        Meaning::Bad
    } else {
        Meaning::Quiet
    };
    let often = match alert.times {
        1 => String::new(),
        times => format!(", {times} times"),
    };
    let about = about(alert).map_or(String::new(), |about| format!(" · {}", plain(&about)));
    let head = format!("{} {}{about} · {}{often}", alert.id, alert.kind, times.away(alert.last_at));
    line(meaning.paint(head))?;
    paragraph(4, &alert.summary)?;
    if let (Some(by), Some(at)) = (&alert.acknowledged_by, alert.acknowledged_at) {
        let note = alert
            .acknowledged_note
            .as_ref()
            .map_or(String::new(), |note| format!(": {note}"));
        paragraph(4, &format!("looked after by {by}, {}{note}", times.away(at)))?;
    }
    match (&alert.cleared_by, alert.cleared_at) {
        (Some(by), Some(at)) => paragraph(4, &format!("cleared by {by}, {}", times.away(at))),
        _ => line(format!("    {}", Meaning::Strong.paint(plain(&alert.next)))),
    }
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
