//! What of a file cannot be read: where it stands, why, and whom it seems to be about. What it says is for whoever may read the file, never for
//! the trail or an alert.

use super::fields::Fields;
use super::row_error::RowError;
use crate::sources::hr_csv::csv::csv_reader::Record;
use crate::sources::hr_csv::format::columns::Columns;
use crate::sources::hr_csv::format::dates::Dates;

/// So much of a cell, a header or a word is quoted at most, in characters.
const LONGEST_QUOTE: usize = 60;

/// What cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct RefusedRow {
    /// The lines it stands on.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Why, and what to write instead.
    pub why: RowError,
    /// Whom the row names, where its cells can be told apart.
    pub whose: Option<Whose>,
    /// What stands in the column at fault, shortened and in quotes, without anything that cannot be seen.
    pub value: Option<String>,
    /// What it holds, for the quarantine only.
    pub cells: Vec<String>,
}

/// Whom a row that cannot be read names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sources::hr_csv) struct Whose {
    /// HR's number of the person, as it stands there.
    pub employee: String,
    /// HR's number of the employment.
    pub employment: String,
    /// The address, or the sign-in name.
    pub name: String,
    /// What the row asks for: its action, or its status.
    pub asks: String,
}

impl RefusedRow {
    /// What of a record is put aside for this reason.
    pub(in crate::sources::hr_csv) fn of(record: Record, columns: &Columns, dates: &Dates, why: RowError) -> Self {
        let (mut whose, mut value) = (None, None);
        // Where no column is at fault the cells may be others than they look.
        if let Some(column) = why.column {
            let fields = Fields {
                columns,
                record: &record,
            };
            let written = fields.at_fault(column, dates);
            value = (!written.is_empty()).then(|| quoted(written));
            whose = Some(Whose::of(&fields));
        }
        Self {
            first: record.first,
            last: record.last,
            whose,
            value,
            why,
            cells: record.cells,
        }
    }

    /// Where it stands, for people.
    pub(in crate::sources::hr_csv) fn place(&self) -> String {
        if self.first == self.last {
            format!("line {}", self.first)
        } else {
            format!("lines {} to {}", self.first, self.last)
        }
    }

    /// Whom the row names, for whoever may read the file: `user11@example.test (2001)`.
    pub(in crate::sources::hr_csv) fn named(&self) -> Option<String> {
        let Whose { employee, name, .. } = self.whose.as_ref()?;
        match (name.as_str(), employee.as_str()) {
            ("", "") => None,
            ("", number) => Some(format!("employee {}", harmless(number))),
            (name, "") => Some(harmless(name)),
            (name, number) => Some(format!("{} ({})", harmless(name), harmless(number))),
        }
    }
}

impl Whose {
    fn of(fields: &Fields<'_>) -> Self {
        let first = |columns: [&str; 2]| {
            let found = columns.into_iter().map(|column| fields.text(column));
            found.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
        };
        Self {
            employee: fields.text("employee_id").to_owned(),
            employment: fields.text("employment_id").to_owned(),
            name: first(["email", "upn"]),
            asks: first(["action", "status"]).to_lowercase(),
        }
    }
}

/// A text from a file in quotes, for people: short, and with what cannot be seen escaped.
pub(in crate::sources::hr_csv) fn quoted(text: &str) -> String {
    let text = text.trim();
    let kept = cut(text);
    let more = if kept.len() < text.len() { "…" } else { "" };
    format!("{kept:?}{more}")
}

/// The same without the quotes.
fn harmless(text: &str) -> String {
    let quoted = quoted(text);
    quoted
        .replacen('"', "", 1)
        .rsplit_once('"')
        .map_or(String::new(), |(start, end)| format!("{start}{end}"))
}

/// What is quoted of a text.
pub(in crate::sources::hr_csv) fn cut(text: &str) -> String {
    text.trim().chars().take(LONGEST_QUOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_short_and_moves_nothing() {
        assert_eq!(quoted(" 31.12.2026 "), "\"31.12.2026\"");
        assert_eq!(quoted("a\u{1b}[2J\u{202e}b\"c"), r#""a\u{1b}[2J\u{202e}b\"c""#);
        assert_eq!(quoted(&"x".repeat(99)), format!("\"{}\"…", "x".repeat(60)));
        assert_eq!(harmless("kim@example.test"), "kim@example.test");
        assert_eq!(harmless("a\u{202e}\"b"), r#"a\u{202e}\"b"#);
    }
}
