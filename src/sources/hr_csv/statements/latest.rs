//! The latest statement of a file about each employment. A file may tell a story (left, stays after all, leaves later); acting on its middle
//! would end the access of somebody who stays.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::persons::{Overtaken, Persons, mark_stale};
use crate::model::Timestamp;
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::row::Row;

/// A row in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct LatestStatement {
    /// The line it stands on.
    pub line: u64,
    /// The row.
    pub row: Row,
    /// What the same file says against it.
    pub overtaken: Option<Overtaken>,
    /// Why a human is asked first, whatever else is said.
    pub doubt: Option<String>,
    /// Whether it names a last day that is over, of somebody who is called employed.
    pub stale: bool,
    /// When the person is out by all of their employments in this file, where that is what it says.
    pub last_end: Option<Timestamp>,
}

/// The rows in the order in which they are to be taken at `now`: whoever stays before whoever goes, since somebody may do both in one file.
pub(in crate::sources::hr_csv) fn latest_statements(mut rows: Vec<(u64, Row)>, now: Timestamp) -> Vec<LatestStatement> {
    let stale = mark_stale(&mut rows, now);
    let mut persons = Persons::of(&rows);
    let stands_alone = |n: usize, row: &Row| is_statement(row.change) && persons.overtaken[n].is_none();
    let mut last: HashMap<(String, String), usize> = HashMap::new();
    let mut hired: HashMap<String, usize> = HashMap::new();
    for (n, (_, row)) in rows.iter().enumerate().filter(|(n, (_, row))| stands_alone(*n, row)) {
        let of = (row.employee.clone(), row.employment.clone());
        let best = last.entry(of).or_insert(n);
        if !is_older(row, &rows[*best].1) {
            *best = n;
        }
        if row.change == ChangeKind::Rehire && row.employment.is_empty() {
            let best = hired.entry(row.employee.clone()).or_insert(n);
            if !is_older(row, &rows[*best].1) {
                *best = n;
            }
        }
    }
    let overtaken = |n: usize, row: &Row| {
        if !stands_alone(n, row) {
            return persons.overtaken[n];
        }
        let best = *last.get(&(row.employee.clone(), row.employment.clone()))?;
        // The same row twice is a repetition, and two contents under one stamp are a contradiction that the store reports.
        if best != n && rows[best].1.key != row.key {
            return Some(Overtaken::by_later_word(rows[best].0));
        }
        // Hired again without a number: it is about all of the person's employments that were spoken of before.
        let again = *hired.get(&row.employee)?;
        let before = again != n
            && row.change != ChangeKind::Rehire
            && !is_older(&rows[again].1, row)
            && (again > n || is_stamped(&rows[again].1, row));
        before.then(|| Overtaken::by_later_word(rows[again].0))
    };
    let marks: Vec<Option<Overtaken>> = rows.iter().enumerate().map(|(n, (_, row))| overtaken(n, row)).collect();
    let mut said = Vec::with_capacity(rows.len());
    for (n, (line, row)) in rows.into_iter().enumerate() {
        let last_end = persons.last_end.get(&row.employee).copied().filter(|_| row.is_state);
        said.push(LatestStatement {
            line,
            row,
            overtaken: marks[n],
            doubt: persons.doubts[n].take(),
            stale: stale[n],
            last_end,
        });
    }
    // And of one person what ends last before what ends first: an employment that has ended must not act before the store knows of one that
    // ends later.
    let mut turn: HashMap<String, usize> = HashMap::new();
    for (n, said) in said.iter().enumerate() {
        turn.entry(said.row.employee.clone()).or_insert(n);
    }
    said.sort_by_key(|said| {
        let class = match said.row.change {
            ChangeKind::Active | ChangeKind::Nothing | ChangeKind::Unclear => 0,
            ChangeKind::Rehire => 1,
            ChangeKind::Rescind => 2,
            ChangeKind::Terminate | ChangeKind::Suspend | ChangeKind::Deleted => 3,
        };
        let end = said
            .row
            .leaves
            .as_ref()
            .map(|(_, at)| *at)
            .filter(|_| said.row.change == ChangeKind::Terminate);
        (class, turn.get(&said.row.employee).copied(), Reverse(end))
    });
    said
}

/// Whether a later word about the same employment takes it back.
const fn is_statement(change: ChangeKind) -> bool {
    matches!(
        change,
        ChangeKind::Terminate | ChangeKind::Rescind | ChangeKind::Rehire | ChangeKind::Deleted
    )
}

fn is_stamped(one: &Row, other: &Row) -> bool {
    one.updated_at.is_some() && other.updated_at.is_some() && one.updated_at != other.updated_at
}

/// Whether HR said `one` before `other`, where both say when.
fn is_older(one: &Row, other: &Row) -> bool {
    one.updated_at.zip(other.updated_at).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::hr_csv::rows::contents;
    use crate::sources::hr_csv::settings::rules::Rules;

    /// What becomes of each row, in the order of the file: `-` where it counts, else the line that overtakes it.
    fn read(rows: &str) -> Vec<String> {
        let text = format!("employee_id,employment_id,email,action,last_working_day,updated_at\n{rows}");
        let contents = contents::read(text.as_bytes(), &Rules::new("hr", "/drop")).unwrap();
        assert_eq!((contents.bad, contents.rejected), (Vec::new(), None));
        let mut said = latest_statements(contents.rows, Timestamp::from_ms(0));
        said.sort_by_key(|said| said.line);
        said.iter()
            .map(|said| said.overtaken.map_or("-".to_owned(), |by| by.line.to_string()))
            .collect()
    }

    #[test]
    fn the_last_word_about_an_employment_counts() {
        assert_eq!(read("1,A,a@x.org,terminate,2026-03-01,\n1,A,a@x.org,rescind,,\n"), ["3", "-"]);
        assert_eq!(
            read("1,A,a@x.org,terminate,2026-03-01,\n1,A,a@x.org,rescind,,\n1,A,a@x.org,terminate,2026-04-01,\n"),
            ["4", "4", "-"]
        );
        assert_eq!(read("1,A,a@x.org,terminate,2026-03-01,\n1,B,a@x.org,rescind,,\n"), ["-", "-"]);
        assert_eq!(read("1,A,a@x.org,terminate,2026-03-01,\n2,A,a@x.org,rescind,,\n"), ["-", "-"]);
    }

    #[test]
    fn stamps_go_before_the_order_of_the_lines() {
        assert_eq!(
            read("1,A,a@x.org,rescind,,2026-02-02\n1,A,a@x.org,terminate,2026-03-01,2026-02-01\n"),
            ["-", "2"]
        );
    }

    #[test]
    fn a_rehire_without_a_number_takes_back_what_was_said_of_every_employment_before_it() {
        assert_eq!(read("1,A,a@x.org,terminate,2026-03-01,\n1,,a@x.org,rehire,,\n"), ["3", "-"]);
        assert_eq!(read("1,,a@x.org,rehire,,\n1,A,a@x.org,terminate,2026-03-01,\n"), ["-", "-"]);
        assert_eq!(
            read("1,,a@x.org,rehire,,2026-02-02\n1,A,a@x.org,terminate,2026-03-01,2026-02-01\n"),
            ["-", "2"]
        );
        assert_eq!(
            read("1,A,a@x.org,terminate,2026-03-01,2026-02-02\n1,,a@x.org,rehire,,2026-02-01\n"),
            ["-", "-"]
        );
    }

    #[test]
    fn the_same_row_twice_and_two_contents_under_one_stamp_are_left_to_the_store() {
        let row = "1,A,a@x.org,terminate,2026-03-01,2026-02-01\n";
        assert_eq!(read(&row.repeat(2)), ["-", "-"]);
        assert_eq!(read(&format!("{row}{}", row.replace("a@", "b@"))), ["-", "-"]);
    }

    #[test]
    fn active_records_and_leaves_are_no_end_and_take_none_back() {
        assert_eq!(
            read("1,A,a@x.org,terminate,2026-03-01,\n1,A,a@x.org,active,,\n1,A,a@x.org,suspend,,\n"),
            ["-", "-", "-"]
        );
    }

    #[test]
    fn who_stays_is_taken_before_who_goes() {
        let text = "employee_id,employment_id,email,action,last_working_day\n1,A,a@x.org,terminate,2026-03-01\n1,B,a@x.org,hire,\n2,A,b@x.org,rehire,\n";
        let contents = contents::read(text.as_bytes(), &Rules::new("hr", "/drop")).unwrap();
        let lines: Vec<u64> = latest_statements(contents.rows, Timestamp::from_ms(0))
            .iter()
            .map(|said| said.line)
            .collect();
        assert_eq!(lines, [3, 4, 2]);
    }
}
