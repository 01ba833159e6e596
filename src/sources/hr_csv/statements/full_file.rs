//! A file that names everybody. Who is missing from it has not left: a human is asked, once two complete files in a row miss the person.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::signals::WHOLE_FILE;
use crate::digest::hex;
use crate::model::{
    Delivery, Departure, DepartureStep, Disposition, Reason, Refused, Signal, StateChange, StateEntry, Subject, Timestamp, When,
};
use crate::sources::SourceState;
use crate::sources::hr_csv::rows::row::hash;
use crate::sources::hr_csv::settings::rules::Rules;

/// The namespace of the employments that the last file named.
const ROSTER: &str = "roster";
/// The namespace and the key of the last file itself.
pub const LAST: (&str, &str) = ("full_file", "last");
/// So many entries are read at once.
const PAGE: u32 = 1000;

/// What is remembered of an employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    employee: String,
    employment: String,
    stated_at: Option<Timestamp>,
    /// Since when no file has named it.
    missing_since: Option<Timestamp>,
}

/// What is remembered of the last file that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct LastFile {
    /// How many employments it named.
    named: u64,
    /// When it was written: seconds and nanoseconds. The same file read again after a crash is no second file.
    modified: (i64, i64),
}

/// Which employments a file names: those of every row, whatever it asks for.
pub(in crate::sources::hr_csv) type NamedEmployments = Vec<(String, String, Subject)>;

/// Why a full file is not accepted, if it is not: an empty or short one is an accident upstream, not a wave of departures.
fn too_short(named: u64, last: Option<LastFile>, rules: &Rules) -> Option<String> {
    if named == 0 {
        return Some("it names nobody, and a file that should name everybody does".to_owned());
    }
    let last = last.filter(|last| named * 100 < last.named * rules.full_file_percent)?;
    Some(format!(
        "it names {named} employments and the last one named {}: fewer than {} % are left, so it is taken for incomplete",
        last.named, rules.full_file_percent
    ))
}

/// What is said of a full file before it is dropped; `last` is what [`last`] remembers, as it is kept.
pub(in crate::sources::hr_csv) fn would_be_refused(named: u64, last: Option<&str>, rules: &Rules) -> Option<String> {
    too_short(named, last.and_then(|text| serde_json::from_str(text).ok()), rules)
}

/// The last file that was accepted.
async fn last(state: &dyn SourceState) -> anyhow::Result<Option<LastFile>> {
    let entry = state.state_entry(LAST.0, LAST.1).await?;
    Ok(entry.and_then(|entry| serde_json::from_str(&entry.body).ok()))
}

/// Compares a full file with what is remembered: who is new, who is missing, and who has been missing for long enough to ask a human.
/// Only what has changed is handed on, so that a file of a hundred thousand names costs little where nothing has.
pub(in crate::sources::hr_csv) async fn compare(
    mut delivery: Delivery,
    everybody: NamedEmployments,
    modified: (i64, i64),
    rules: &Rules,
    state: &dyn SourceState,
) -> anyhow::Result<Delivery> {
    let now = delivery.received_at;
    let last = last(state).await?;
    let named: HashSet<String> = everybody
        .iter()
        .map(|(employee, employment, _)| key(employee, employment))
        .collect();
    if let Some(why) = too_short(named.len() as u64, last, rules) {
        return Ok(Delivery {
            name: delivery.name,
            digest: delivery.digest,
            refused: vec![Refused {
                place: WHOLE_FILE.to_owned(),
                why,
            }],
            put_aside: delivery.put_aside,
            ..Delivery::of(delivery.source, Vec::new(), now)
        });
    }
    let mut roster = roster(state).await?;
    // The same file again, or one of which a row could not be read, proves nothing about who is not in it.
    let is_proof = delivery.refused.is_empty() && last.is_none_or(|last| last.modified != modified);
    let stated: HashMap<String, Option<Timestamp>> = delivery
        .employments
        .iter()
        .map(|one| (key(&one.employee, &one.employment), one.stated_at))
        .collect();
    let (mut unchanged, mut changed) = (HashSet::new(), HashSet::new());
    for (employee, employment, subject) in everybody {
        let key = key(&employee, &employment);
        let known = roster.remove(&key);
        let fresh = Named {
            stated_at: stated.get(&key).copied().flatten(),
            employee,
            employment,
            missing_since: None,
        };
        let is_known = known.is_some_and(|(named, about)| named == fresh && about.as_ref() == Some(&subject));
        if is_known {
            unchanged.insert(key);
        } else {
            changed.insert(Subject::EmployeeId(fresh.employee.clone()));
            delivery.state_changes.push(keep(key, &fresh, Some(subject))?);
        }
    }
    delivery
        .employments
        .retain(|one| !unchanged.contains(&key(&one.employee, &one.employment)));
    delivery
        .identities
        .retain(|one| one.names.first().is_some_and(|number| changed.contains(number)));
    if is_proof {
        missing(&mut delivery, roster, rules, now)?;
    }
    let last = LastFile {
        named: named.len() as u64,
        modified,
    };
    delivery.state_changes.push(StateChange::Put(StateEntry {
        namespace: LAST.0.to_owned(),
        key: LAST.1.to_owned(),
        look_up: None,
        about: None,
        body: serde_json::to_string(&last)?,
    }));
    Ok(delivery)
}

/// What is left of the roster: nobody named it this time.
fn missing(
    delivery: &mut Delivery,
    roster: HashMap<String, (Named, Option<Subject>)>,
    rules: &Rules,
    now: Timestamp,
) -> serde_json::Result<()> {
    let mut rest: Vec<_> = roster.into_iter().collect();
    rest.sort_by(|one, other| one.0.cmp(&other.0));
    for (key, (named, about)) in rest {
        let Some(since) = named.missing_since else {
            let missing = Named {
                missing_since: Some(now),
                ..named
            };
            delivery.state_changes.push(keep(key, &missing, about)?);
            continue;
        };
        if now.since(since) < rules.full_file_apart {
            continue;
        }
        // From here on it is for a human; what the human decides stands until the record is there again.
        delivery.state_changes.push(StateChange::Delete {
            namespace: ROSTER.to_owned(),
            key: key.clone(),
        });
        let Some(subject) = about else { continue };
        let words = ["missing".to_owned(), key, since.to_string()];
        let digest = hash(&words);
        let mut signal = Signal::new(hex(&digest), digest, subject, Reason::Departed);
        signal.when = When::Departure(Departure {
            employee: named.employee,
            employment: named.employment,
            step: DepartureStep::Vanished { at: now },
        });
        signal.disposition = Disposition::Hold(format!(
            "missing since {since} from the files that should name everybody, which is not a termination: ask HR"
        ));
        delivery.signals.push(signal);
    }
    Ok(())
}

async fn roster(state: &dyn SourceState) -> anyhow::Result<HashMap<String, (Named, Option<Subject>)>> {
    let mut roster = HashMap::new();
    let mut after = String::new();
    loop {
        let page = state.state_entries_after(ROSTER, &after, PAGE).await?;
        let Some(end) = page.last() else { return Ok(roster) };
        end.key.clone_into(&mut after);
        for entry in page {
            if let Ok(named) = serde_json::from_str(&entry.body) {
                roster.insert(entry.key, (named, entry.about));
            }
        }
    }
}

fn keep(key: String, named: &Named, about: Option<Subject>) -> serde_json::Result<StateChange> {
    Ok(StateChange::Put(StateEntry {
        namespace: ROSTER.to_owned(),
        key,
        look_up: None,
        about,
        body: serde_json::to_string(named)?,
    }))
}

/// The key of an entry stands in the trail, so it is no number of HR's.
fn key(employee: &str, employment: &str) -> String {
    hex(&hash(&[employee.to_owned(), employment.to_owned()])[..16])
}
