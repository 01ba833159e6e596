//! Maps a row to a signal, or to the word that an employment stands; and a file to a delivery.

use super::latest::{LatestStatement, latest_statements};
use super::persons::Overtaken;
use super::rescind::EmploymentStates;
use crate::digest::hex;
use crate::model::{
    Delivery, Departure, DepartureStep, Disposition, Employment, Identity, Leaves, Priority, Reason, Refused, Signal, Timestamp,
    When,
};
use crate::sources::hr_csv::format::file_format::Undated;
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::contents::FileContents;
use crate::sources::hr_csv::rows::row::hash;
use crate::sources::hr_csv::settings::rules::Rules;

/// Where a part of a delivery stands that means the whole file.
pub(in crate::sources::hr_csv) const WHOLE_FILE: &str = Refused::WHOLE;

/// What a file comes to.
#[derive(Debug)]
pub(in crate::sources::hr_csv) struct FileDelivery {
    /// What is handed in.
    pub delivery: Delivery,
    /// What its statuses say, to be compared with what they have said before.
    pub states: EmploymentStates,
}

/// What a file comes to at `now`; `name` is its name as shown.
pub(in crate::sources::hr_csv) fn file_delivery(
    name: String,
    contents: FileContents,
    rules: &Rules,
    now: Timestamp,
) -> FileDelivery {
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
    let mut states = EmploymentStates::default();
    for said in latest_statements(contents.rows, now) {
        let row = &said.row;
        if row.names.len() > 1 && !matches!(row.change, ChangeKind::Nothing | ChangeKind::Unclear) {
            delivery.identities.push(Identity::of(row.names.clone()));
        }
        match row.change {
            ChangeKind::Nothing | ChangeKind::Unclear => {}
            ChangeKind::Active => {
                delivery.employments.push(Employment {
                    employee: row.employee.clone(),
                    employment: row.employment.clone(),
                    subject: row.subject.clone(),
                    stated_at: row.updated_at,
                });
                if row.open_ended && said.overtaken.is_none() {
                    states.stand.push(said.row);
                }
            }
            _ => {
                let Some(signal) = handed_in(&said, rules, now, &contents.sha256) else {
                    continue;
                };
                delivery.signals.push(signal);
                if row.is_state && row.change == ChangeKind::Terminate {
                    states
                        .end
                        .push((row.employee.clone(), row.employment.clone(), row.subject.clone()));
                }
            }
        }
    }
    FileDelivery { delivery, states }
}

/// The signal that a row is handed in as, if it is as one.
pub(in crate::sources::hr_csv) fn handed_in(
    said: &LatestStatement,
    rules: &Rules,
    now: Timestamp,
    file: &[u8; 32],
) -> Option<Signal> {
    match said.row.change {
        ChangeKind::Nothing | ChangeKind::Unclear | ChangeKind::Active => None,
        // An export says it again every night; that another position goes on is no news.
        _ if said.row.is_state && said.overtaken.is_some() => None,
        _ => Some(signal(said, rules, now, file)),
    }
}

/// The signal that a row is, seen at `now` in the file with this SHA-256. None is made of a row that only says that an employment stands.
pub(in crate::sources::hr_csv) fn signal(said: &LatestStatement, rules: &Rules, now: Timestamp, file: &[u8; 32]) -> Signal {
    let row = &said.row;
    let reason = match row.change {
        ChangeKind::Terminate | ChangeKind::Deleted => Reason::Departed,
        ChangeKind::Suspend => Reason::Suspended,
        ChangeKind::Rescind | ChangeKind::Rehire => Reason::Reactivated,
        ChangeKind::Active | ChangeKind::Nothing | ChangeKind::Unclear => Reason::Noted,
    };
    // What HR says again after it has said something else is news, though the words are the same; where the row has no stamp of its own,
    // the file tells them apart. The store knows which files were taken, and what stands.
    let key = match (row.updated_at, row.change) {
        (Some(_), _) | (None, ChangeKind::Suspend) => row.key.clone(),
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
    signal.when = match row.change {
        ChangeKind::Terminate => departure(DepartureStep::Leave { leaves, fire_at }),
        ChangeKind::Rescind => departure(DepartureStep::Rescind),
        ChangeKind::Rehire => departure(DepartureStep::Rehire),
        ChangeKind::Deleted => departure(DepartureStep::Vanished { at: now }),
        ChangeKind::Suspend if fire_at > now => When::At(fire_at),
        ChangeKind::Suspend | ChangeKind::Active | ChangeKind::Nothing | ChangeKind::Unclear => When::Now,
    };
    if matches!(row.change, ChangeKind::Terminate | ChangeKind::Suspend) && !row.urgency.is_usual() {
        signal.priority = signal.priority.min(Priority::PROMPT);
    }
    signal.disposition = disposition(said, fire_at, rules, now);
    signal
}

/// Whether a row is acted on, is for a human, or is followed by nothing.
fn disposition(said: &LatestStatement, fire_at: Timestamp, rules: &Rules, now: Timestamp) -> Disposition {
    let row = &said.row;
    if let Some(Overtaken { line, how }) = said.overtaken {
        return Disposition::Ignore(format!("line {line} of the same file {how}"));
    }
    if let Some(doubt) = &said.doubt {
        return Disposition::Hold(doubt.clone());
    }
    if row.change == ChangeKind::Deleted {
        return Disposition::Hold("the HR record was deleted, which is not a termination: ask HR".to_owned());
    }
    if row.undated && rules.format.undated == Undated::Hold {
        return Disposition::Hold("the status says that the person has left, and nothing says on which day: ask HR".to_owned());
    }
    // Of several employments the last counts: those that ended long ago are no history of somebody who leaves now.
    let at = fire_at.max(said.last_end.unwrap_or(fire_at));
    if matches!(row.change, ChangeKind::Terminate | ChangeKind::Suspend) && now.since(at) > rules.hold_older_than {
        let days = now.since(at).as_secs() / 86_400;
        let day = match &row.leaves {
            Some((Leaves::Wall { date, zone, .. }, _)) if at == fire_at => format!("its day was {date} ({zone})"),
            _ => format!("it was to take effect on {at}"),
        };
        return Disposition::Hold(format!("{day}, {days} days ago: an old row, or an export of history"));
    }
    Disposition::Act
}
