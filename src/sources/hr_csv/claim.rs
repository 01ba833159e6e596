//! A row becomes a signal, or the word that an employment stands; and a file a delivery.

use super::ask::Ask;
use super::contents::Contents;
use super::row::{Row, hash, hex};
use super::rules::Rules;
use super::statements::{Said, order};
use crate::model::{
    Delivery, Departure, DepartureStep, Employment, Identity, Leaves, Priority, Reason, Refused, Signal, Timestamp, When, Wish,
};

/// What a file comes to at `now`; `name` is its name as shown.
pub(super) fn delivery(name: String, contents: Contents, rules: &Rules, now: Timestamp) -> Delivery {
    let refused = contents.bad.iter().map(|bad| Refused {
        place: bad.place(),
        why: bad.why.to_string(),
    });
    let refused = refused.collect();
    let mut delivery = Delivery {
        name: Some(name),
        digest: Some(contents.sha256),
        refused,
        ..Delivery::of(&rules.source, Vec::new(), now)
    };
    for said in order(contents.rows) {
        let Said { row, overtaken, .. } = &said;
        if row.names.len() > 1 {
            delivery.identities.push(Identity::of(row.names.clone()));
        }
        if row.ask == Ask::Active {
            delivery.employments.push(Employment {
                employee: row.employee.clone(),
                employment: row.employment.clone(),
                subject: row.subject.clone(),
                stated_at: row.updated_at,
            });
            continue;
        }
        let mut signal = signal(row, rules, now, &contents.sha256);
        if let Some(line) = overtaken {
            signal.wish = Wish::Ignore(format!(
                "line {line} of the same file says something else about this employment"
            ));
        }
        delivery.signals.push(signal);
    }
    delivery
}

/// The signal that a row is, seen at `now` in the file with this SHA-256. None is made of a row that only says that an employment stands.
pub(super) fn signal(row: &Row, rules: &Rules, now: Timestamp, file: &[u8; 32]) -> Signal {
    let reason = match row.ask {
        Ask::Terminate | Ask::Deleted => Reason::Departed,
        Ask::Suspend => Reason::Suspended,
        Ask::Rescind | Ask::Rehire => Reason::Reactivated,
        Ask::Active => Reason::Noted,
    };
    // What HR says again after it has said something else is news, though the words are the same; where the row has no stamp of its own,
    // the file tells them apart. The store knows which files were taken, and what stands.
    let key = match (row.updated_at, row.ask) {
        (Some(_), _) | (None, Ask::Suspend) => row.key.clone(),
        (None, _) => hex(&hash(&[row.key.clone(), hex(file)])),
    };
    let mut signal = Signal::new(key, row.digest, row.subject.clone(), reason);
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
        Ask::Deleted => departure(DepartureStep::Vanished { at: now }),
        Ask::Suspend if fire_at > now => When::At(fire_at),
        Ask::Suspend | Ask::Active => When::Now,
    };
    if row.ask == Ask::Deleted {
        signal.wish = Wish::Hold("the HR record was deleted, which is not a termination: ask HR".to_owned());
    }
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
