//! What a file that tells how things stand says of each person. Exports have a row for each position, or each office, and somebody leaves
//! only when none of these rows is of an employment that goes on.

use std::collections::HashMap;

use crate::model::{Subject, Timestamp};
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::row::Row;

/// What stands against a row in the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Overtaken {
    /// The line that overtakes it.
    pub line: u64,
    /// What that line does.
    pub how: &'static str,
}

impl Overtaken {
    /// Another word about the same employment, and later.
    pub(in crate::sources::hr_csv) const fn by_later_word(line: u64) -> Self {
        Self {
            line,
            how: "says something else about this employment",
        }
    }
}

/// What becomes of the rows that tell how things stand.
#[derive(Debug, Default)]
pub(in crate::sources::hr_csv) struct Persons {
    /// For each row, what overtakes it.
    pub overtaken: Vec<Option<Overtaken>>,
    /// For each row, why a human is asked.
    pub doubts: Vec<Option<String>>,
    /// When the last employment ends of each person of whom none goes on.
    pub last_end: HashMap<String, Timestamp>,
}

/// Takes the last day of somebody who is called employed for what it is once it is over: stale, and no departure. Answers which rows.
pub(in crate::sources::hr_csv) fn mark_stale(rows: &mut [(u64, Row)], now: Timestamp) -> Vec<bool> {
    let stale = rows.iter_mut().map(|(_, row)| {
        let over = row.still_here && row.leaves.as_ref().is_none_or(|(_, at)| *at <= now);
        if over {
            row.change = ChangeKind::Active;
            row.leaves = None;
        }
        over
    });
    stale.collect()
}

impl Persons {
    pub(in crate::sources::hr_csv) fn of(rows: &[(u64, Row)]) -> Self {
        let mut overtaken = stamped(rows);
        let mut standing: HashMap<&str, Overtaken> = HashMap::new();
        let mut names: HashMap<&Subject, &(u64, Row)> = HashMap::new();
        for (n, entry) in rows.iter().enumerate() {
            let (line, row) = entry;
            let how = match row.change {
                ChangeKind::Active => "says that the person is employed",
                ChangeKind::Unclear => "may say that the person is employed",
                _ => continue,
            };
            if row.is_state && overtaken[n].is_none() {
                standing.entry(&row.employee).or_insert(Overtaken { line: *line, how });
                for name in &row.names[1..] {
                    names.entry(name).or_insert(entry);
                }
            }
        }
        let mut best: HashMap<(&str, &str), usize> = HashMap::new();
        for (n, (_, row)) in rows.iter().enumerate().filter(|(_, (_, row))| ends(row)) {
            if overtaken[n].is_some() {
                continue;
            }
            overtaken[n] = standing.get(row.employee.as_str()).copied();
            if overtaken[n].is_none() {
                let best = best.entry((&row.employee, &row.employment)).or_insert(n);
                if end(row) > end(&rows[*best].1) {
                    *best = n;
                }
            }
        }
        let mut persons = Self {
            doubts: vec![None; rows.len()],
            overtaken,
            last_end: HashMap::new(),
        };
        for (n, (_, row)) in rows.iter().enumerate().filter(|(_, (_, row))| ends(row)) {
            if persons.overtaken[n].is_some() {
                continue;
            }
            let (line, other) = &rows[best[&(row.employee.as_str(), row.employment.as_str())]];
            // The same row twice is a repetition, which the store tells.
            if other.key != row.key {
                persons.overtaken[n] = Some(Overtaken {
                    line: *line,
                    how: "names another day for the end of this employment",
                });
                continue;
            }
            if let Some((_, at)) = &row.leaves {
                let last = persons.last_end.entry(row.employee.clone()).or_insert(*at);
                *last = (*last).max(*at);
            }
            // Of somebody with the same names the store knows; somebody with one of them may be another, or the same under two numbers.
            let alike = row.names[1..].iter().filter_map(|name| names.get(name));
            let alike = alike
                .copied()
                .find(|(_, other)| other.employee != row.employee && other.subject != row.subject);
            persons.doubts[n] = alike.map(|(line, _)| {
                format!("line {line} of the same file is of somebody who is employed, under another number and one of this person's names: ask HR")
            });
        }
        persons
    }
}

/// Whether a row says that somebody has left or leaves, and no action does.
fn ends(row: &Row) -> bool {
    row.is_state && row.change == ChangeKind::Terminate
}

/// Which of two ends counts: one with a day before one without, and the later one.
fn end(row: &Row) -> Option<Timestamp> {
    row.leaves.as_ref().map(|(_, at)| *at)
}

/// Rows about employments of which HR has changed the record since, by a row of the same file.
fn stamped(rows: &[(u64, Row)]) -> Vec<Option<Overtaken>> {
    let mut newest: HashMap<(&str, &str), (Timestamp, u64)> = HashMap::new();
    let of_state = || rows.iter().filter(|(_, row)| row.is_state);
    for (line, row) in of_state() {
        let Some(at) = row.updated_at else { continue };
        let best = newest.entry((&row.employee, &row.employment)).or_insert((at, *line));
        if at > best.0 {
            *best = (at, *line);
        }
    }
    let older = |row: &Row| {
        let (at, line) = *newest.get(&(row.employee.as_str(), row.employment.as_str()))?;
        (row.is_state && row.updated_at? < at).then(|| Overtaken::by_later_word(line))
    };
    rows.iter().map(|(_, row)| older(row)).collect()
}
