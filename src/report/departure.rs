//! A departure in one sentence: the last working day that was named, when access was to end by it, when it ended, and how late that was.

use std::time::Duration;

use jiff::civil::Date;

use super::document::Statement;
use super::recorded::Recorded;
use super::standing::{Standing, standing};
use super::words::Words;
use super::zone::Zone;
use crate::model::{DateRule, Leaves, Timestamp};
use crate::wording::span;

/// What ends so soon after its time has ended in time.
const IN_TIME: Duration = Duration::from_mins(1);

/// What the entries of a case say of its departure.
struct Plan<'e> {
    /// The entry that names the day.
    named: &'e Recorded,
    /// When access is to end by the newest word.
    due: Timestamp,
    /// The entries that say so.
    cited: Vec<u64>,
    /// Whether that is later than the day means, since another employment of the person ends later.
    is_by_another: bool,
}

/// The sentence about the departure behind a case; nothing where there is none.
pub(super) fn sentence(entries: &[Recorded], zone: &Zone) -> Option<Statement> {
    let plan = plan(entries)?;
    let standing = standing(entries);
    let is_ahead = matches!(standing, Some(Standing::Planned(..)));
    let to_end = if is_ahead { "is to end" } else { "was to end" };
    let by_another = if plan.is_by_another {
        ", when the last of the person's employments ends"
    } else {
        ""
    };
    let due = zone.time(plan.due);
    let mut words = match last_working_day(plan.named) {
        Some((day, place)) => Words::of("The last working day that ")
            .then(plan.named.by())
            .and(format!(" named is {day} ("))
            .name(&place)
            .and(format!("): access {to_end} at {due}{by_another}")),
        None => Words::of("By the word of ")
            .then(plan.named.by())
            .and(format!(" access {to_end} at {due}{by_another}")),
    };
    let mut cited = plan.cited;
    let mut at = plan.named.at();
    // What came back later is told where it stands: this is when it first ended.
    let ended = entries
        .iter()
        .find(|entry| entry.kind == "case.contained" && entry.text("verdict") == "contained");
    if let Some(ended) = ended {
        words = words.and(format!(
            ", and had ended by {}{}",
            zone.time(ended.at()),
            measured(plan.due, ended.at())
        ));
        cited.push(ended.seq);
        at = ended.at();
    } else if let Some((came, entry)) = came_instead(standing, zone) {
        words = words.and(came);
        cited.push(entry.seq);
        at = entry.at();
    }
    Some(Statement::new(words.and("."), at, cited))
}

/// When access is to end, or was to, by the newest word of the departure behind a case; nothing where there is none.
pub(super) fn due(entries: &[Recorded]) -> Option<Timestamp> {
    Some(plan(entries)?.due)
}

/// What came of a departure by which nothing is proved to have ended.
fn came_instead<'e>(standing: Option<Standing<'e>>, zone: &Zone) -> Option<(String, &'e Recorded)> {
    match standing? {
        Standing::Closed(closed) if closed.text("verdict") == "no_principal" => {
            Some((", and no target knew the person".to_owned(), closed))
        }
        Standing::Closed(entry) | Standing::Open(entry) | Standing::Reopened(entry) => {
            Some((", and is NOT PROVED to have ended".to_owned(), entry))
        }
        Standing::Held(held) => Some((", and waits for a decision".to_owned(), held)),
        Standing::CalledOff(off) => Some((format!(", and was called off at {}", zone.time(off.at())), off)),
        Standing::Planned(..) => None,
    }
}

/// How much too late or too early something ended.
fn measured(due: Timestamp, ended: Timestamp) -> String {
    if ended < due {
        return format!(", {} early", span(due.since(ended)));
    }
    let after = ended.since(due);
    if after > IN_TIME {
        format!(", {} late", span(after))
    } else {
        format!(", in time: {} after it", span(after))
    }
}

fn plan(entries: &[Recorded]) -> Option<Plan<'_>> {
    let mut plan: Option<Plan<'_>> = None;
    for entry in entries {
        let acts_at = entry.time("acts_at");
        let fire_at = entry.time("fire_at");
        match (entry.kind.as_str(), &mut plan) {
            ("departure.planned" | "departure.changed", known) if entry.detail.get("leaves").is_some() => {
                let Some(due) = acts_at.or(fire_at) else { continue };
                *known = Some(Plan {
                    named: entry,
                    due,
                    cited: vec![entry.seq],
                    is_by_another: fire_at.is_some_and(|fire_at| due > fire_at),
                });
            }
            // The zone has other rules, or what was planned is carried out: both say anew when it was to end.
            ("departure.changed" | "departure.executed", Some(known)) => {
                known.due = acts_at.or(fire_at).unwrap_or(known.due);
                known.cited.push(entry.seq);
            }
            _ => {}
        }
    }
    plan
}

/// The last day that somebody works, and in which zone; nothing where the entry names an instant.
fn last_working_day(named: &Recorded) -> Option<(Date, String)> {
    let leaves: Leaves = serde_json::from_value(named.detail.get("leaves")?.clone()).ok()?;
    let Leaves::Wall { date, zone, rule, .. } = leaves else {
        return None;
    };
    let date: Date = date.parse().ok()?;
    let last = match rule {
        DateRule::LastDayInclusive => date,
        DateRule::FirstDayInactive => date.yesterday().ok()?,
    };
    Some((last, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_early_in_time_or_late() {
        let measured = |due, ended| measured(Timestamp::from_seconds(due), Timestamp::from_seconds(ended));
        assert_eq!(measured(1_000_000, 1_000_002), ", in time: 2.0 s after it");
        assert_eq!(measured(1_000_000, 1_000_000 + 115_811), ", 32 h 10 m late");
        assert_eq!(measured(1_000_000, 1_000_000 - 7_200), ", 2 h 0 m early");
    }
}
