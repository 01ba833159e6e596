//! A row becomes a signal.

use super::row::{Ask, Row};
use super::rules::Rules;
use crate::model::{Departure, DepartureStep, Leaves, Priority, Reason, Signal, Timestamp, When, Wish};

/// The signal that a row is, seen at `now`.
pub(super) fn signal(row: &Row, rules: &Rules, now: Timestamp) -> Signal {
    let reason = match row.ask {
        Ask::Terminate => Reason::Departed,
        Ask::Suspend => Reason::Suspended,
        Ask::Rescind | Ask::Rehire => Reason::Reactivated,
    };
    let mut signal = Signal::new(&row.key, row.digest, row.subject.clone(), reason);
    signal.occurred_at = row.updated_at;
    signal.note.clone_from(&row.note);
    let departure = |step| {
        When::Departure(Departure {
            employee: row.employee.clone(),
            employment: row.employment.clone(),
            step,
        })
    };
    let (leaves, fire_at) = row.leaves.clone().unwrap_or((Leaves::Instant { at: now }, now));
    signal.when = match row.ask {
        Ask::Terminate => departure(DepartureStep::Leave { leaves, fire_at }),
        Ask::Rescind => departure(DepartureStep::Rescind),
        Ask::Rehire => departure(DepartureStep::Rehire),
        Ask::Suspend if fire_at > now => When::At(fire_at),
        Ask::Suspend => When::Now,
    };
    if matches!(row.ask, Ask::Terminate | Ask::Suspend) {
        if row.unwilling {
            signal.priority = signal.priority.min(Priority::PROMPT);
        }
        if now.since(fire_at) > rules.hold_older_than {
            signal.wish = Wish::Hold(format!(
                "it was to take effect on {}, {} days ago: an old row, or an export of history",
                fire_at,
                now.since(fire_at).as_secs() / 86_400
            ));
        }
    }
    signal
}
