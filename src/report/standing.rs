//! Where a case stands, by the trail alone: the newest entry that moved it.

use super::recorded::Recorded;
use crate::model::Timestamp;

/// Where a case stands, with the entry that says so.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'e> {
    /// Work is to be done or under way.
    Open(&'e Recorded),
    /// Nothing is to be done before an instant.
    Planned(&'e Recorded, Timestamp),
    /// It waits for a decision.
    Held(&'e Recorded),
    /// It is over, with a verdict.
    Closed(&'e Recorded),
    /// Access came back and is being ended again.
    Reopened(&'e Recorded),
    /// It was called off, or cancelled.
    CalledOff(&'e Recorded),
}

/// Where the case of these entries stands; nothing where none of them opens one.
pub(super) fn standing(entries: &[Recorded]) -> Option<Standing<'_>> {
    let mut standing = None;
    for entry in entries {
        let next = match entry.kind.as_str() {
            "case.opened" => match entry.time("due").filter(|due| *due > entry.at()) {
                Some(due) => Standing::Planned(entry, due),
                None => Standing::Open(entry),
            },
            "departure.planned" | "departure.changed" => match (standing, entry.time("acts_at").or(entry.time("fire_at"))) {
                (Some(Standing::Planned(..)), Some(due)) if due > entry.at() => Standing::Planned(entry, due),
                _ => continue,
            },
            "hold.placed" => Standing::Held(entry),
            "case.contained" => Standing::Closed(entry),
            "case.reopened" => Standing::Reopened(entry),
            "case.cancelled" => match standing {
                // The one says who called it off and why, the other that it is over.
                Some(Standing::CalledOff(_)) => continue,
                _ => Standing::CalledOff(entry),
            },
            "case.called_off" => Standing::CalledOff(entry),
            // A decision, a day that has come, or a job that is tried once more.
            "departure.executed" | "job.due" | "job.claimed" => match standing {
                Some(Standing::Held(_) | Standing::Planned(..)) => Standing::Open(entry),
                _ => continue,
            },
            "job.enqueued" if entry.text("for") != "watch" => match (standing, entry.time("due")) {
                (Some(Standing::Held(_)), due) if entry.number("hold").is_some() => match due.filter(|due| *due > entry.at()) {
                    Some(due) => Standing::Planned(entry, due),
                    None => Standing::Open(entry),
                },
                (Some(Standing::Closed(_)), _) if entry.text("for") != "release" => Standing::Open(entry),
                _ => continue,
            },
            _ => continue,
        };
        standing = Some(next);
    }
    standing
}

/// From when on the case might be acted on that was acted on at `before`, and what was waited for until then: an approval, or its day. Nothing
/// where nothing was.
pub(super) fn acts_from(entries: &[Recorded], before: Timestamp) -> Option<(Timestamp, &'static str)> {
    let waited = entries.iter().filter_map(|entry| match entry.kind.as_str() {
        "job.enqueued" if entry.number("hold").is_some() => match entry.time("due").filter(|due| *due > entry.at()) {
            Some(due) => Some((due, "its day came")),
            None => Some((entry.at(), "it was approved")),
        },
        "case.opened" => Some((entry.time("due").filter(|due| *due > entry.at())?, "its day came")),
        "departure.executed" => Some((entry.time("fire_at")?, "its day came")),
        _ => None,
    });
    waited.filter(|(at, _)| *at <= before).max_by_key(|(at, _)| *at)
}

/// Looks that are planned and have not begun: when, and the entry that says so.
pub(super) fn to_come(entries: &[Recorded]) -> Vec<(Timestamp, &Recorded)> {
    let mut waiting: Vec<(Timestamp, &Recorded)> = Vec::new();
    for entry in entries {
        match (entry.kind.as_str(), entry.time("due")) {
            ("job.enqueued", Some(due)) => {
                waiting.retain(|(_, other)| other.job != entry.job);
                waiting.push((due, entry));
            }
            ("job.claimed" | "job.settled" | "job.failed" | "job.cancelled" | "job.due", _) => {
                waiting.retain(|(_, other)| other.job != entry.job);
            }
            _ => {}
        }
    }
    waiting.sort_by_key(|(due, entry)| (*due, entry.seq));
    waiting
}
