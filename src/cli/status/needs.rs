//! What needs somebody: holds, alerts, a full disk, a daemon that does not run. Each once, with the command to type.

use std::collections::BTreeSet;

use crate::cli::alert::alert_about;
use crate::model::Timestamp;
use crate::store::{Alert, Hold};

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// What it is called: `hold 3`, `alert 7`, `disk`.
    pub(super) name: String,
    /// What is the matter.
    pub(super) text: String,
    /// What to type.
    pub(super) command: String,
    /// Whether it goes before the others, whatever came last.
    pub(super) urgent: bool,
    /// When it last came.
    pub(super) at: Timestamp,
}

/// The kinds of alert that go before the others: somebody may be in, nothing is stored, or nothing is believed.
const URGENT: &[&str] = &[
    "came_back",
    "could_not_revoke",
    "canary_survived",
    "disk_full",
    "store_damaged",
    "trail_key_lost",
];

/// The needs of holds and alerts, the most urgent last and of those the newest. An alert about a hold that is open is not told beside it,
/// nor one about the disk while that is told as it is.
pub(super) fn of(holds: &[Hold], alerts: &[Alert], disk_told: bool) -> Vec<Need> {
    let open: BTreeSet<String> = holds.iter().map(|hold| format!("hold:{}", hold.id)).collect();
    let told = |alert: &&Alert| !(open.contains(&alert.key) || disk_told && alert.kind == "disk_full");
    let needs_somebody = |alert: &&Alert| alert.acknowledged_by.is_none();
    let mut needs: Vec<Need> = alerts.iter().filter(told).filter(needs_somebody).map(of_alert).collect();
    needs.extend(holds.iter().map(|hold| {
        let known = alerts.iter().find(|alert| alert.key == format!("hold:{}", hold.id));
        of_hold(hold, known.map_or(hold.placed_at, |alert| alert.last_at))
    }));
    sort(&mut needs);
    needs
}

/// The most urgent last, and of those the newest.
pub(super) fn sort(needs: &mut [Need]) {
    needs.sort_by(|a, b| (a.urgent, a.at, &a.name).cmp(&(b.urgent, b.at, &b.name)));
}

fn of_hold(hold: &Hold, at: Timestamp) -> Need {
    let waits = if hold.cases == 1 {
        "1 case waits".to_owned()
    } else {
        format!("{} cases wait", hold.cases)
    };
    let from = match &hold.batch {
        Some(batch) => format!(" of {} ({batch})", hold.source),
        None => format!(" of {}", hold.source),
    };
    Need {
        name: format!("hold {}", hold.id),
        text: format!("{waits}{from}: {}", hold.detail),
        command: format!("revoked hold show {}", hold.id),
        urgent: false,
        at,
    }
}

fn of_alert(alert: &Alert) -> Need {
    let times = if alert.times > 1 {
        format!("{}×, ", alert.times)
    } else {
        String::new()
    };
    // The command stands beside it.
    let summary = alert.summary.replace(&format!(" ({})", alert.next), "");
    let about = alert_about(alert).filter(|about| !summary.starts_with(about.as_str()));
    let about = about.map_or(String::new(), |about| format!("{about}: "));
    Need {
        name: format!("alert {}", alert.id),
        text: format!("{times}{about}{summary}"),
        command: alert.next.clone(),
        urgent: URGENT.contains(&alert.kind.as_str()),
        at: alert.last_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(id: i64, kind: &str, key: &str, at: i64) -> Alert {
        Alert {
            id,
            kind: kind.to_owned(),
            key: key.to_owned(),
            summary: format!("something about {key} (revoked hold show 1)"),
            case: None,
            subject: None,
            people: None,
            target: None,
            next: "revoked hold show 1".to_owned(),
            raised_at: Timestamp::from_ms(at),
            last_at: Timestamp::from_ms(at),
            times: 1,
            acknowledged_at: None,
            acknowledged_by: None,
            acknowledged_note: None,
            cleared_at: None,
            cleared_by: None,
        }
    }

    fn hold(id: i64, at: i64) -> Hold {
        Hold {
            id,
            why: "window_limit".to_owned(),
            detail: "more than 5 in an hour".to_owned(),
            source: "hr".to_owned(),
            batch: None,
            state: "open".to_owned(),
            placed_at: Timestamp::from_ms(at),
            decided_at: None,
            decided_by: None,
            note: None,
            cases: 3,
            people: 3,
            first: vec!["email:a@example.org".to_owned()],
        }
    }

    #[test]
    fn a_hold_and_its_alert_are_one() {
        let needs = of(&[hold(1, 5)], &[alert(4, "hold", "hold:1", 9)], false);
        assert_eq!(needs.len(), 1, "{needs:?}");
        assert_eq!(needs[0].text, "3 cases wait of hr: more than 5 in an hour");
        assert_eq!(needs[0].at, Timestamp::from_ms(9));
    }

    #[test]
    fn the_most_urgent_stands_last_and_of_those_the_newest() {
        let alerts = [
            alert(1, "came_back", "case:7", 1),
            alert(2, "quarantine", "file:x", 9),
            alert(3, "could_not_revoke", "job:3", 2),
            alert(4, "disk_full", "store", 3),
        ];
        let names = |disk| {
            of(&[hold(8, 5)], &alerts, disk)
                .iter()
                .map(|need| need.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["hold 8", "alert 2", "alert 1", "alert 3", "alert 4"]);
        assert_eq!(names(true), ["hold 8", "alert 2", "alert 1", "alert 3"]);
    }

    #[test]
    fn what_somebody_looks_after_needs_nobody_else() {
        let mut alert = alert(1, "came_back", "case:7", 1);
        alert.acknowledged_by = Some("operator:ada".to_owned());
        assert_eq!(of(&[], &[alert], false), []);
    }
}
