//! The quarantine, for HR to correct: rows with the reason before each, and files with the reason beside them.

use std::fmt::Write as _;
use std::io;

use encoding_rs::UTF_8;

use crate::digest::hex;
use crate::sources::hr_csv::csv::formula_escape::disarmed;
use crate::sources::hr_csv::format::columns::WHY;
use crate::sources::hr_csv::format::header_name::normal;
use crate::sources::hr_csv::rows::contents::{FileContents, Header};
use crate::sources::hr_csv::rows::refused_row::RefusedRow;
use crate::sources::hr_csv::settings::rules::Rules;

/// The most rows that a reason file lists.
const MOST_LISTED: usize = 1000;

/// The rows that could not be read, as a CSV file that a spreadsheet opens without running anything: the reason, then the row as sent. It
/// is written as the file was, so that it can be corrected and dropped again; what was in another encoding comes as UTF-8 with a mark, which
/// is always taken.
pub(in crate::sources::hr_csv) fn rows(contents: &FileContents, rules: &Rules) -> io::Result<Vec<u8>> {
    let Header {
        cells: header,
        above,
        below,
        separator,
        marked,
    } = &contents.header;
    let separator = separator.unwrap_or(rules.format.separator);
    let mut start = if *marked || rules.format.encoding != UTF_8 {
        b"\xef\xbb\xbf".to_vec()
    } else {
        Vec::new()
    };
    if separator != rules.format.separator {
        start.extend([b"sep=".as_slice(), &[separator], b"\n"].concat());
    }
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .delimiter(separator)
        .from_writer(start);
    // A file that was dropped again has the column already, with the reason of the last time in it.
    let last_time = header.iter().position(|name| normal(name) == WHY);
    let row = |why: &str, cells: &[String]| {
        let kept = cells.iter().enumerate().filter(|(n, _)| Some(*n) != last_time);
        std::iter::once(disarmed(why))
            .chain(kept.map(|(_, cell)| disarmed(cell)))
            .collect::<Vec<_>>()
    };
    for cells in above {
        writer.write_record(cells.iter().map(|cell| disarmed(cell)))?;
    }
    writer.write_record(row(WHY, header))?;
    for cells in below {
        writer.write_record(row("", cells))?;
    }
    for bad in &contents.bad {
        writer.write_record(row(&format!("{}: {}", bad.place(), bad.why), &bad.cells))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Why a whole file was rejected, for a person in HR.
pub(in crate::sources::hr_csv) fn reason(name: &str, why: &str, contents: Option<&FileContents>) -> String {
    let mut text = format!("{name} was not taken. Nothing in it was acted on.\n\nWhy: {why}\n");
    if let Some(contents) = contents {
        if let Some(quotes) = &contents.quotes {
            let _ = writeln!(text, "\n{quotes}.");
        }
        mapping(&mut text, contents);
        if !contents.bad.is_empty() {
            text.push_str("\nThese rows could not be read:\n");
            list(&mut text, &contents.bad);
        }
        let _ = writeln!(text, "\nSHA-256 of the file: {}", hex(&contents.sha256));
    }
    text.push_str(
        "\nMend your own copy of the file, or a copy of the one beside this, which stays as it is, and drop that. Rows that were taken before \
         do no harm when they come again.\n",
    );
    text
}

/// Which rows of a file were put aside, for a person in HR: which row, which column, what is wrong, what to write instead.
pub(in crate::sources::hr_csv) fn report(name: &str, contents: &FileContents) -> String {
    let counted = contents.bad.iter().filter(|bad| bad.why.counts).count();
    let (bad, all) = (contents.bad.len(), contents.records);
    let mut text = format!(
        "{name}: {bad} of {all} rows could not be read and were put aside. {}\n",
        if bad as u64 == all {
            "There are no others."
        } else {
            "All others were taken."
        }
    );
    if counted < bad {
        let _ = writeln!(
            text,
            "Of {} of them nobody leaves by what could not be read: the person counts as employed.",
            bad - counted
        );
    }
    if let Some(quotes) = &contents.quotes {
        let _ = writeln!(text, "{quotes}.");
    }
    mapping(&mut text, contents);
    text.push('\n');
    list(&mut text, &contents.bad);
    text.push_str(
        "\nThe rows themselves stand in the .csv file of the same name beside this one, each with the reason in its first column. \
         Copy that file, mend the copy, and drop the copy; or mend your own file and drop all of it again: rows that were taken before do \
         no harm. What lies here stays as it is, as evidence.\n",
    );
    text
}

/// The config that would read a column which may be meant.
fn mapping(text: &mut String, contents: &FileContents) {
    if let Some(mapping) = &contents.mapping {
        text.push_str("\nWhoever keeps the config could write:\n\n");
        for line in mapping.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
}

fn list(text: &mut String, bad: &[RefusedRow]) {
    // Writing to a string cannot fail.
    for bad in bad.iter().take(MOST_LISTED) {
        let column = bad.why.column.map_or(String::new(), |column| format!(", column {column}"));
        let whose = bad.named().map_or(String::new(), |whose| format!(", {whose}"));
        let _ = writeln!(text, "  {}{whose}{column}:", bad.place());
        let _ = writeln!(text, "    what is wrong: {}", bad.why.what);
        if let Some(value) = &bad.value {
            let _ = writeln!(text, "    it says:       {value}");
        }
        let _ = writeln!(text, "    write instead: {}", bad.why.instead);
    }
    if bad.len() > MOST_LISTED {
        let _ = writeln!(text, "  and {} more", bad.len() - MOST_LISTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::hr_csv::rows::row_error::RowError;

    #[test]
    fn the_reason_stands_before_each_row_once() {
        let bad = RefusedRow {
            first: 3,
            last: 3,
            why: RowError::at("action", "action is none of them", "terminate"),
            whose: None,
            value: None,
            cells: vec!["line 9: old".into(), "7".into(), "=1".into()],
        };
        let mut contents = FileContents {
            bad: vec![bad],
            ..FileContents::default()
        };
        contents.header.cells = ["why".to_owned(), "employee_id".into(), "action".into()].to_vec();
        let mut rules = Rules::new("hr", "/drop");
        let write = |contents: &FileContents, rules: &Rules| String::from_utf8(rows(contents, rules).unwrap()).unwrap();
        assert_eq!(
            write(&contents, &rules),
            "why,employee_id,action\nline 3: action is none of them,7,'=1\n"
        );
        // Written as the file was: with what stood around the header, its own separator, and a mark where it was no plain UTF-8.
        contents.header.separator = Some(b';');
        contents.header.above = vec![vec!["Report of leavers".to_owned()]];
        contents.header.below = vec![vec![String::new(), "Number".into(), "Action".into()]];
        rules.format.encoding = encoding_rs::WINDOWS_1252;
        assert_eq!(
            write(&contents, &rules),
            "\u{feff}sep=;\nReport of leavers\nwhy;employee_id;action\n;Number;Action\nline 3: action is none of them;7;'=1\n"
        );
    }
}
