//! Rescinds departures that a status has planned and no longer says. An export of how things stand has no word for "called off": the last day is
//! empty again, or the person is active again, and a plan that nobody takes back would end the access of somebody who stays.
//!
//! Only what a status of this source has planned is called off by one. A plan that an action made is taken back by an action alone.

use std::collections::HashSet;

use crate::digest::hex;
use crate::model::{Delivery, Departure, DepartureStep, Reason, Signal, StateChange, StateEntry, Subject, When};
use crate::sources::SourceState;
use crate::sources::hr_csv::rows::row::{Row, hash};

/// The namespace of the employments of which a status has once said that they end.
const NAMESPACE: &str = "ends";
/// So many entries are read at once.
const PAGE: u32 = 1000;

/// What the statuses of a file say.
#[derive(Debug, Default)]
pub(in crate::sources::hr_csv) struct EmploymentStates {
    /// The employments that end, with whose they are.
    pub end: Vec<(String, String, Subject)>,
    /// The rows of people who are employed, and of whom no last day is named.
    pub stand: Vec<Row>,
}

/// The employments of which a status has once said that they end, as far as they were needed: what one file of a look says counts for the next.
#[derive(Debug, Default)]
pub(in crate::sources::hr_csv) struct KnownEnds(Option<HashSet<String>>);

/// Calls off what the statuses of the file no longer say, before anything else that it asks for, and remembers what they say now.
pub(in crate::sources::hr_csv) async fn rescind_open_ended(
    delivery: &mut Delivery,
    states: EmploymentStates,
    known: &mut KnownEnds,
    state: &dyn SourceState,
) -> anyhow::Result<()> {
    if states.end.is_empty() && states.stand.is_empty() {
        return Ok(());
    }
    let known = match &mut known.0 {
        Some(known) => known,
        unread => unread.insert(read(state).await?),
    };
    let file = delivery.digest.unwrap_or_default();
    let taken_back = states
        .stand
        .iter()
        .filter(|row| known.contains(&key(&row.employee, &row.employment)));
    let mut signals: Vec<Signal> = taken_back.map(|row| rescission(row, &file)).collect();
    signals.append(&mut delivery.signals);
    delivery.signals = signals;
    for (employee, employment, about) in states.end {
        let key = key(&employee, &employment);
        if known.insert(key.clone()) {
            delivery.state_changes.push(StateChange::Put(StateEntry {
                namespace: NAMESPACE.to_owned(),
                key,
                look_up: None,
                about: Some(about),
                body: String::from("{}"),
            }));
        }
    }
    Ok(())
}

async fn read(state: &dyn SourceState) -> anyhow::Result<HashSet<String>> {
    let mut known = HashSet::new();
    let mut after = String::new();
    loop {
        let page = state.state_entries_after(NAMESPACE, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(known) };
        after.clone_from(&last.key);
        known.extend(page.into_iter().map(|entry| entry.key));
    }
}

/// The row as the word that nothing ends. The store tells it from a repetition by what was said last, and answers that nothing is planned
/// where that is so.
fn rescission(row: &Row, file: &[u8; 32]) -> Signal {
    let digest = hash(&[hex(&row.digest), "called off".to_owned()]);
    let mut words = vec![row.key.clone(), "called off".to_owned()];
    if row.updated_at.is_none() {
        words.push(hex(file));
    }
    let mut signal = Signal::new(hex(&hash(&words)), digest, row.subject.clone(), Reason::Reactivated);
    signal.occurred_at = row.updated_at;
    signal.when = When::Departure(Departure {
        employee: row.employee.clone(),
        employment: row.employment.clone(),
        step: DepartureStep::Rescind,
    });
    signal
}

/// The key of an entry stands in the trail, so it is no number of HR's.
fn key(employee: &str, employment: &str) -> String {
    hex(&hash(&[employee.to_owned(), employment.to_owned()])[..16])
}

/// Where the source remembers that a status has once said that this employment ends: namespace and key.
#[must_use]
pub fn state_key_of_end(employee: &str, employment: &str) -> (&'static str, String) {
    (NAMESPACE, key(employee, employment))
}
