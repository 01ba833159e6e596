//! What a file says in the end about each employment. A file may tell a story (left, stays after all, leaves later); acting on its middle
//! would end the access of somebody who stays.

use std::collections::HashMap;

use super::ask::Ask;
use super::row::Row;

/// A row in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The line it stands on.
    pub line: u64,
    /// The row.
    pub row: Row,
    /// The line of the row that says something else about the same employment, and later.
    pub overtaken: Option<u64>,
}

/// The rows in the order in which they are to be taken: whoever stays before whoever goes, since somebody may do both in one file.
pub(super) fn order(rows: Vec<(u64, Row)>) -> Vec<Said> {
    let mut last: HashMap<(String, String), usize> = HashMap::new();
    let mut hired: HashMap<String, usize> = HashMap::new();
    for (n, (_, row)) in rows.iter().enumerate().filter(|(_, (_, row))| is_statement(row.ask)) {
        let of = (row.employee.clone(), row.employment.clone());
        let best = last.entry(of).or_insert(n);
        if !is_older(row, &rows[*best].1) {
            *best = n;
        }
        if row.ask == Ask::Rehire && row.employment.is_empty() {
            let best = hired.entry(row.employee.clone()).or_insert(n);
            if !is_older(row, &rows[*best].1) {
                *best = n;
            }
        }
    }
    let overtaken = |n: usize, row: &Row| {
        if !is_statement(row.ask) {
            return None;
        }
        let best = *last.get(&(row.employee.clone(), row.employment.clone()))?;
        // The same row twice is a repetition, and two contents under one stamp are a contradiction that the store reports.
        if best != n && rows[best].1.key != row.key {
            return Some(rows[best].0);
        }
        // Hired again without a number: it is about all of the person's employments that were spoken of before.
        let again = *hired.get(&row.employee)?;
        let before = again != n
            && row.ask != Ask::Rehire
            && !is_older(&rows[again].1, row)
            && (again > n || is_stamped(&rows[again].1, row));
        before.then(|| rows[again].0)
    };
    let marks: Vec<Option<u64>> = rows.iter().enumerate().map(|(n, (_, row))| overtaken(n, row)).collect();
    let mut said: Vec<Said> = rows
        .into_iter()
        .zip(marks)
        .map(|((line, row), overtaken)| Said { line, row, overtaken })
        .collect();
    said.sort_by_key(|said| match said.row.ask {
        Ask::Active => 0,
        Ask::Rehire => 1,
        Ask::Rescind => 2,
        Ask::Terminate | Ask::Suspend | Ask::Deleted => 3,
    });
    said
}

/// Whether a later word about the same employment takes it back.
const fn is_statement(ask: Ask) -> bool {
    matches!(ask, Ask::Terminate | Ask::Rescind | Ask::Rehire | Ask::Deleted)
}

fn is_stamped(one: &Row, other: &Row) -> bool {
    one.updated_at.is_some() && other.updated_at.is_some() && one.updated_at != other.updated_at
}

/// Whether HR said `one` before `other`, where both say when.
fn is_older(one: &Row, other: &Row) -> bool {
    one.updated_at.zip(other.updated_at).is_some_and(|(one, other)| one < other)
}
