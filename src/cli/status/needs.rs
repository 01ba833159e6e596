//! What needs somebody: holds, alerts, a full disk, a daemon that does not run. Each once, with the command to type.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::alert::alert_about;
use crate::cli::number;
use crate::cli::output::bare;
use crate::model::Timestamp;
use crate::report::{AlertGroup, grouped};
use crate::store::{Alert, Hold, ShownNames};

/// How many people a line names.
const NAMED: usize = 3;

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// What it is called: `hold 3`, `holds 5-18`, `alert 7`, `disk`.
    pub(super) name: String,
    /// By what it is known again, where its name changes with how many it is about.
    pub(super) cause: String,
    /// Its number, or the first of several, by which equals stand.
    pub(super) number: i64,
    /// What is the matter.
    pub(super) text: String,
    /// What to type.
    pub(super) command: String,
    /// Whether it goes before the others, whatever came last.
    pub(super) urgent: bool,
    /// Whether it waits for a decision: however much else there is, it is shown.
    pub(super) decision: bool,
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
    "trail_broken",
    "trail_key_lost",
];

/// The needs of holds and alerts, the most urgent last and of those the newest. Holds of one cause are one; an alert about a hold that is open
/// is not told beside it, nor one about the disk while that is told as it is.
pub(super) fn of(holds: &[Hold], alerts: &[Alert], names: &ShownNames, disk_told: bool) -> Vec<Need> {
    let open: BTreeSet<String> = holds.iter().map(|hold| format!("hold:{}", hold.id)).collect();
    let told = |alert: &&Alert| !(open.contains(&alert.key) || disk_told && alert.kind == "disk_full");
    let needs_somebody = |alert: &&Alert| alert.acknowledged_by.is_none();
    let groups = grouped(alerts.iter().filter(told).filter(needs_somebody));
    let mut needs: Vec<Need> = groups.iter().map(of_alerts).collect();
    let mut causes: BTreeMap<(&str, &str, &str), Vec<&Hold>> = BTreeMap::new();
    for hold in holds {
        causes.entry((&hold.source, &hold.why, &hold.detail)).or_default().push(hold);
    }
    needs.extend(causes.into_values().map(|of_one_cause| {
        let last_at = |hold: &&Hold| {
            let known = alerts.iter().find(|alert| alert.key == format!("hold:{}", hold.id));
            known.map_or(hold.placed_at, |alert| alert.last_at)
        };
        let newest = of_one_cause.iter().map(last_at).max();
        of_holds(&of_one_cause, names, newest.unwrap_or(Timestamp::from_ms(0)))
    }));
    sort(&mut needs);
    needs
}

/// The most urgent last, and of those the newest.
pub(super) fn sort(needs: &mut [Need]) {
    let kind = |need: &Need| {
        need.name
            .split(' ')
            .next()
            .unwrap_or_default()
            .trim_end_matches('s')
            .to_owned()
    };
    needs.sort_by_cached_key(|need| (need.urgent, need.at, kind(need), need.number));
}

/// Holds of one source and one cause: how many cases wait, who the first of them are about, and why.
fn of_holds(holds: &[&Hold], names: &ShownNames, at: Timestamp) -> Need {
    let mut numbers: Vec<i64> = holds.iter().map(|hold| hold.id).collect();
    numbers.sort_unstable();
    let first = numbers.first().copied().unwrap_or_default();
    let cases: i64 = holds.iter().map(|hold| hold.cases).sum();
    let people: i64 = holds.iter().map(|hold| hold.people).sum();
    let waits = if cases == 1 {
        "1 case waits".to_owned()
    } else {
        format!("{cases} cases wait")
    };
    let waiting: BTreeSet<String> = holds
        .iter()
        .flat_map(|hold| &hold.first)
        .map(|name| bare(names.of(name)))
        .collect();
    let mut shown: Vec<&str> = waiting.iter().map(String::as_str).take(NAMED).collect();
    if usize::try_from(people).is_ok_and(|people| people > shown.len()) && !shown.is_empty() {
        shown.push("…");
    }
    let who = if shown.is_empty() {
        String::new()
    } else {
        format!(" ({})", shown.join(", "))
    };
    let (source, detail) = holds
        .first()
        .map_or(("", ""), |hold| (hold.source.as_str(), hold.detail.as_str()));
    let batches: BTreeSet<&str> = holds.iter().filter_map(|hold| hold.batch.as_deref()).collect();
    let batch = match batches.len() {
        0 => String::new(),
        1 => format!(", {}", batches.first().copied().unwrap_or_default()),
        files => format!(", {files} files"),
    };
    let (name, command) = match numbers.as_slice() {
        [only] => (format!("hold {only}"), format!("revoked hold show {only}")),
        several => (format!("holds {}", number::listed(several)), "revoked hold list".to_owned()),
    };
    Need {
        cause: name.clone(),
        name,
        number: first,
        text: format!("{waits}{who} of {source}{batch}: {detail}"),
        command,
        urgent: false,
        decision: true,
        at,
    }
}

/// Alerts of one kind and one cause: how many, whom they are about, and what the newest says.
fn of_alerts(group: &AlertGroup<'_>) -> Need {
    let of_newest = Need {
        cause: group.cause(),
        ..of_alert(group.newest)
    };
    if group.only().is_some() {
        return of_newest;
    }
    let about = group.about().map_or(String::new(), |about| format!("{about}: "));
    let summary = group.newest.summary.as_str();
    // The number of the newest one's case says nothing of the others.
    let said = summary
        .strip_prefix("case ")
        .and_then(|rest| rest.split_once(": "))
        .filter(|(case, _)| case.parse::<i64>().is_ok())
        .map_or(summary, |(_, said)| said);
    Need {
        name: format!("alerts {}", group.numbers()),
        number: group.first(),
        text: format!("{}: {about}{said}", group.count()),
        command: group.shown_by(),
        ..of_newest
    }
}

fn of_alert(alert: &Alert) -> Need {
    let times = if alert.times > 1 {
        format!("{}×, ", alert.times)
    } else {
        String::new()
    };
    let summary = alert.summary_beside_next();
    // Whom it is about stands first, unless the sentence begins with that anyway.
    let about = alert_about(alert).filter(|about| !summary.starts_with(about.as_str()));
    let about = about.map_or(String::new(), |about| format!("{about}: "));
    Need {
        name: format!("alert {}", alert.id),
        cause: String::new(),
        number: alert.id,
        text: format!("{times}{about}{summary}"),
        command: alert.next.clone(),
        urgent: URGENT.contains(&alert.kind.as_str()),
        decision: alert.kind == "hold",
        at: alert.last_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(id: i64, kind: &str, key: &str, at: i64) -> Alert {
        Alert {
            withheld_from: Vec::new(),
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
            group: None,
            approvals: 1,
            first_approval: None,
        }
    }

    #[test]
    fn a_hold_and_its_alert_are_one() {
        let needs = of(&[hold(1, 5)], &[alert(4, "hold", "hold:1", 9)], &ShownNames::default(), false);
        assert_eq!(needs.len(), 1, "{needs:?}");
        assert_eq!(needs[0].text, "3 cases wait (a@example.org, …) of hr: more than 5 in an hour");
        assert_eq!(needs[0].at, Timestamp::from_ms(9));
    }

    #[test]
    fn alerts_of_one_kind_and_one_cause_are_one_with_the_first_names_and_one_command() {
        let came_back = |id: i64| Alert {
            summary: format!("case {id}: access at chat came back (revoked case show {id})"),
            subject: Some(format!("username:user{id:02}")),
            target: Some("chat".to_owned()),
            ..alert(id, "came_back", &format!("case:{id}"), id)
        };
        let mut alerts: Vec<Alert> = (1..=35).map(came_back).collect();
        alerts.push(Alert {
            target: Some("mail".to_owned()),
            ..came_back(36)
        });
        let needs = of(&[hold(1, 5)], &alerts, &ShownNames::default(), false);
        let names: Vec<&str> = needs.iter().map(|need| need.name.as_str()).collect();
        assert_eq!(names, ["hold 1", "alerts 1-35", "alert 36"]);
        assert_eq!(needs[1].command, "revoked alert list --kind came_back");
        assert!(
            needs[1]
                .text
                .starts_with("35 alerts: user01, user02, user03, … at chat: access at chat came back"),
            "{needs:?}"
        );
        assert!(needs[1].urgent && needs[0].decision && !needs[1].decision);
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
            of(&[hold(8, 5)], &alerts, &ShownNames::default(), disk)
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
        assert_eq!(of(&[], &[alert], &ShownNames::default(), false), []);
    }

    #[test]
    fn holds_of_one_cause_are_one_with_the_first_names_and_equals_stand_by_their_numbers() {
        let of_person = |id: i64| Hold {
            cases: 1,
            people: 1,
            first: vec![format!("email:user{id:02}@example.org")],
            ..hold(id, 5)
        };
        let fourteen: Vec<Hold> = (5..=18).map(of_person).collect();
        let needs = of(&fourteen, &[], &ShownNames::default(), false);
        assert_eq!(needs.len(), 1, "{needs:?}");
        assert_eq!(
            (needs[0].name.as_str(), needs[0].command.as_str()),
            ("holds 5-18", "revoked hold list")
        );
        assert_eq!(
            needs[0].text,
            "14 cases wait (user05@example.org, user06@example.org, user07@example.org, …) of hr: more than 5 in an hour"
        );
        let apart: Vec<Hold> = [9, 10, 5]
            .map(|id| Hold {
                detail: format!("a cause of its own, {id}"),
                ..of_person(id)
            })
            .to_vec();
        let names: Vec<String> = of(&apart, &[], &ShownNames::default(), false)
            .into_iter()
            .map(|need| need.name)
            .collect();
        assert_eq!(names, ["hold 5", "hold 9", "hold 10"]);
    }
}
