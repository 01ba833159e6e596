//! Rows that were put aside, and whether HR has said them again since in a form that can be read: then nobody need look after them any more.
//!
//! A row is said again by one about the same employment that asks for the same, or that tells how things stand. What cannot be told so for
//! certain (a row without a number, a file that was rejected for anything but its rows) is left to whoever clears the alert.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::digest::hex;
use crate::model::{Alarm, AlarmKind, Delivery, Refused, StateChange, StateEntry, Subject};
use crate::sources::SourceState;
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::contents::FileContents;
use crate::sources::hr_csv::rows::row::hash;

/// The namespace of the employments about which a row was put aside.
const NAMESPACE: &str = "put_aside";
/// So many entries are read at once.
const PAGE: u32 = 1000;
/// So many rows of one file are remembered at most, so many files about one employment, and so many employments.
const MOST_ROWS: usize = 1000;
const MOST_FILES: usize = 20;
const MOST_EMPLOYMENTS: usize = 5000;

/// What a file says that is to be compared with what was put aside.
#[derive(Debug, Default)]
pub(in crate::sources::hr_csv) struct SaidRows {
    /// The rows that can be read.
    read: Vec<Said>,
    /// Those that cannot; nothing where one of them does not say whose it is, or there are too many.
    aside: Option<Vec<Said>>,
    /// Whether the file is rejected whole for its rows.
    is_rejected: bool,
}

/// What one row says.
#[derive(Debug, Clone)]
struct Said {
    employee: String,
    employment: String,
    /// The action, where the row names one that is known; a row that tells how things stand asks for nothing.
    asks: Option<&'static str>,
}

/// What is remembered of an employment: the files of which a row about it was put aside, each with what that row asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered(BTreeMap<String, Option<String>>);

/// What is remembered, while files are read.
#[derive(Debug)]
pub(in crate::sources::hr_csv) struct RowsAside(BTreeMap<String, (Remembered, Option<Subject>)>);

impl SaidRows {
    /// What a file says. Of one that is rejected whole every row is put aside, where its rows are why.
    pub(in crate::sources::hr_csv) fn of(contents: &FileContents) -> Self {
        let bad: HashSet<u64> = contents.bad.iter().map(|bad| bad.first).collect();
        let read = contents.rows.iter().filter(|(line, _)| !bad.contains(line));
        let read: Vec<Said> = read
            .map(|(_, row)| Said {
                employee: row.employee.clone(),
                employment: row.employment.clone(),
                asks: row.action.map(ChangeKind::word),
            })
            .collect();
        let aside = contents.bad.iter().map(|bad| {
            let whose = bad.whose.as_ref().filter(|whose| !whose.employee.is_empty())?;
            Some(Said {
                employee: whose.employee.clone(),
                employment: whose.employment.clone(),
                asks: ChangeKind::of_action(&whose.asks, false).ok().map(ChangeKind::word),
            })
        });
        let aside: Option<Vec<Said>> = aside.collect();
        let (read, aside) = match (&contents.rejected, aside) {
            (None, aside) => (read, aside),
            (Some(_), Some(aside)) if contents.is_whole => (Vec::new(), Some(aside.into_iter().chain(read).collect())),
            (Some(_), _) => (Vec::new(), None),
        };
        Self {
            read,
            aside: aside.filter(|aside| aside.len() <= MOST_ROWS),
            is_rejected: contents.rejected.is_some(),
        }
    }
}

/// How an alert about a file is told from others: as the store keys it.
fn file_key(digest: &[u8; 32]) -> String {
    hex(&digest[..8])
}

impl RowsAside {
    pub(in crate::sources::hr_csv) async fn load(state: &dyn SourceState) -> anyhow::Result<Self> {
        let mut rows = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = state.state_entries_after(NAMESPACE, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(Self(rows)) };
            after.clone_from(&last.key);
            for entry in page {
                if let Ok(remembered) = serde_json::from_str(&entry.body) {
                    rows.insert(entry.key, (remembered, entry.about));
                }
            }
        }
    }

    /// Compares what a file says with what was put aside: ends the alerts of which every row is said again, and remembers what of this file is put
    /// aside.
    pub(in crate::sources::hr_csv) fn compare(&mut self, delivery: &mut Delivery, mut said: SaidRows) -> anyhow::Result<()> {
        let Some(digest) = delivery.digest else { return Ok(()) };
        // Rejected for anything but its rows, it says nothing by them.
        if !said.is_rejected && delivery.refused.iter().any(|part| part.place == Refused::WHOLE) {
            said = SaidRows::default();
        }
        let own = file_key(&digest);
        let mut over = BTreeSet::new();
        if delivery.refused.is_empty() {
            over.insert(own.clone());
        }
        let mut changed = BTreeSet::new();
        let mut done: BTreeSet<String> = BTreeSet::new();
        if !self.0.is_empty() {
            for said in &said.read {
                let key = key(said);
                let Some((remembered, _)) = self.0.get_mut(&key) else {
                    continue;
                };
                let before = remembered.0.len();
                remembered.0.retain(|file, asked| {
                    let stays = *file == own || !says_again(said, asked.as_deref());
                    if !stays {
                        done.insert(file.clone());
                    }
                    stays
                });
                if remembered.0.len() < before {
                    changed.insert(key);
                }
            }
        }
        over.extend(
            done.into_iter()
                .filter(|file| !self.0.values().any(|(one, _)| one.0.contains_key(file))),
        );
        if !delivery.refused.is_empty() {
            let told = self.remember(&own, said.aside, &mut changed);
            if let Some(put_aside) = &mut delivery.put_aside {
                put_aside.over_by_itself = told;
            }
        }
        for key in changed {
            delivery.state_changes.push(self.keep(key)?);
        }
        delivery.alarms.extend(over.into_iter().map(|file| Alarm {
            kind: AlarmKind::PutAside,
            about: Some(format!("file:{file}")),
            summary: None,
        }));
        Ok(())
    }

    /// Remembers the rows of a file that are put aside. Answers whether it can be told later that all of them were said again.
    fn remember(&mut self, file: &str, aside: Option<Vec<Said>>, changed: &mut BTreeSet<String>) -> bool {
        let Some(aside) = aside.filter(|aside| !aside.is_empty()) else {
            return false;
        };
        let full = |said: &Said| match self.0.get(&key(said)) {
            Some((remembered, _)) => remembered.0.len() >= MOST_FILES && !remembered.0.contains_key(file),
            None => self.0.len() + aside.len() > MOST_EMPLOYMENTS,
        };
        if aside.iter().any(full) {
            return false;
        }
        for said in aside {
            let key = key(&said);
            let about = Subject::EmployeeId(said.employee);
            let (remembered, _) = self
                .0
                .entry(key.clone())
                .or_insert_with(|| (Remembered::default(), Some(about)));
            remembered.0.insert(file.to_owned(), said.asks.map(str::to_owned));
            changed.insert(key);
        }
        true
    }

    fn keep(&mut self, key: String) -> anyhow::Result<StateChange> {
        let namespace = NAMESPACE.to_owned();
        let Some((remembered, about)) = self.0.get(&key).filter(|(remembered, _)| !remembered.0.is_empty()) else {
            self.0.remove(&key);
            return Ok(StateChange::Delete { namespace, key });
        };
        Ok(StateChange::Put(StateEntry {
            namespace,
            look_up: None,
            about: about.clone(),
            body: serde_json::to_string(remembered)?,
            key,
        }))
    }
}

/// Whether a row says again what one asked for that was put aside. Of one whose action could not be read anything does.
fn says_again(said: &Said, asked: Option<&str>) -> bool {
    match (said.asks, asked) {
        (None, _) | (_, None) => true,
        (Some(said), Some(asked)) => said == asked,
    }
}

/// The key of an entry stands in the trail, so it is no number of HR's.
fn key(said: &Said) -> String {
    hex(&hash(&[said.employee.clone(), said.employment.clone()])[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(asks: Option<&'static str>) -> Said {
        Said {
            employee: "1".to_owned(),
            employment: String::new(),
            asks,
        }
    }

    #[test]
    fn another_action_says_nothing_again_and_how_things_stand_does() {
        assert!(says_again(&said(Some("terminate")), Some("terminate")));
        assert!(!says_again(&said(Some("suspend")), Some("terminate")));
        assert!(says_again(&said(None), Some("terminate")));
        assert!(says_again(&said(Some("suspend")), None));
    }
}
