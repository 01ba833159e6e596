//! What is left for HR to correct: rows with the reason before each, and files with the reason beside them.

use std::fmt::Write as _;
use std::io;

use super::contents::{Bad, Contents};
use super::row::hex;

/// The most rows that a reason file lists.
const MOST_LISTED: usize = 1000;

/// The rows that could not be read, as a CSV file that a spreadsheet opens without running anything: the reason, then the row as sent.
pub(super) fn rows(header: &[String], bad: &[Bad]) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    // A file that was dropped again has the column already, with the reason of the last time in it.
    let last_time = header.iter().position(|name| name.trim().eq_ignore_ascii_case("why"));
    let row = |why: &str, cells: &[String]| {
        let kept = cells.iter().enumerate().filter(|(n, _)| Some(*n) != last_time);
        std::iter::once(disarmed(why))
            .chain(kept.map(|(_, cell)| disarmed(cell)))
            .collect::<Vec<_>>()
    };
    writer.write_record(row("why", header))?;
    for bad in bad {
        writer.write_record(row(&format!("{}: {}", bad.place(), bad.why), &bad.cells))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Why a whole file was rejected, for a person in HR.
pub(super) fn reason(name: &str, why: &str, contents: Option<&Contents>) -> String {
    let mut text = format!("{name} was not taken. Nothing in it was acted on.\n\nWhy: {why}\n");
    if let Some(contents) = contents {
        if !contents.bad.is_empty() {
            text.push_str("\nThese rows could not be read:\n");
            list(&mut text, &contents.bad);
        }
        let _ = writeln!(text, "\nSHA-256 of the file: {}", hex(&contents.sha256));
    }
    text.push_str("\nCorrect the file and drop it again. Rows that were taken before do no harm when they come again.\n");
    text
}

/// Which rows of a file were put aside, for a person in HR: which row, which column, what is wrong, what to write instead.
pub(super) fn report(name: &str, contents: &Contents) -> String {
    let (bad, good) = (contents.bad.len(), contents.rows.len());
    let mut text = format!(
        "{name}: {bad} of {} rows could not be read and were put aside. {}\n\n",
        bad + good,
        if good == 0 {
            "There are no others."
        } else {
            "All others were taken."
        }
    );
    list(&mut text, &contents.bad);
    text.push_str(
        "\nThe rows themselves stand in the .csv file of the same name beside this one, each with the reason in its first column. \
         Correct them there and drop that file, or drop the whole file again: rows that were taken before do no harm.\n",
    );
    text
}

fn list(text: &mut String, bad: &[Bad]) {
    // Writing to a string cannot fail.
    for bad in bad.iter().take(MOST_LISTED) {
        let column = bad.why.column.map_or(String::new(), |column| format!(", column {column}"));
        let _ = writeln!(text, "  {}{column}:", bad.place());
        let _ = writeln!(text, "    what is wrong: {}", bad.why.what);
        let _ = writeln!(text, "    write instead: {}", bad.why.instead);
    }
    if bad.len() > MOST_LISTED {
        let _ = writeln!(text, "  and {} more", bad.len() - MOST_LISTED);
    }
}

/// A cell that a spreadsheet takes for text, not for a formula.
#[must_use]
pub fn disarmed(cell: &str) -> String {
    if armed(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A cell as it was before the quarantine disarmed it.
pub(super) fn rearmed(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| armed(rest)).unwrap_or(cell)
}

fn armed(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::super::wrong::Wrong;
    use super::*;

    #[test]
    fn formula_cells_are_disarmed_and_come_back_as_they_were() {
        for cell in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(1)", "\tx", "\rx"] {
            assert_eq!(disarmed(cell), format!("'{cell}"));
            assert_eq!(rearmed(&disarmed(cell)), cell);
        }
        for cell in ["", "alice", "'quoted", "a=b"] {
            assert_eq!(disarmed(cell), cell);
            assert_eq!(rearmed(cell), cell);
        }
    }

    #[test]
    fn the_reason_stands_before_each_row_once() {
        let bad = Bad {
            first: 3,
            last: 3,
            why: Wrong::at("action", "action is none of them", "terminate"),
            cells: vec!["line 9: old".into(), "7".into(), "=1".into()],
        };
        let header = ["why".to_owned(), "employee_id".into(), "action".into()];
        let text = String::from_utf8(rows(&header, &[bad]).unwrap()).unwrap();
        assert_eq!(text, "why,employee_id,action\nline 3: action is none of them,7,'=1\n");
    }
}
