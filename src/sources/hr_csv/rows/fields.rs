//! The cells of one row, by the names of our columns. A cell is looked at only where it is needed: what stands in the others never decides.

use super::row_error::RowError;
use crate::model::Timestamp;
use crate::sources::hr_csv::csv::csv_reader::Record;
use crate::sources::hr_csv::csv::formula_escape;
use crate::sources::hr_csv::format::columns::{Columns, WHY};
use crate::sources::hr_csv::format::dates::{Dates, Day};
use crate::sources::hr_csv::format::header_name::is_unseen;

/// The column of the day on which somebody leaves.
pub(in crate::sources::hr_csv) const LAST_DAY: &str = "last_working_day";

/// One row with the columns of its file.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources::hr_csv) struct Fields<'r> {
    pub columns: &'r Columns,
    pub record: &'r Record,
}

/// What a cell says that holds an instant, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) enum Instant {
    /// Nothing, or something that stands for no instant.
    None,
    /// An instant.
    At(Timestamp),
    /// Something that is neither.
    Unread,
}

impl<'r> Fields<'r> {
    /// A cell as it stands there.
    fn cell(&self, place: usize) -> &'r str {
        let cell = self.record.cells.get(place).map_or("", |cell| cell.trim());
        // A file that went through the quarantine has its formula cells disarmed: taken back here.
        if self.columns.has(WHY) {
            formula_escape::rearmed(cell)
        } else {
            cell
        }
    }

    /// The place of a column: of several, the first that is filled.
    fn place(&self, column: &str) -> Option<usize> {
        let places = self.columns.places(column);
        places.iter().copied().find(|place| !self.cell(*place).is_empty())
    }

    /// What stands in a column, unchecked; empty where there is nothing.
    pub(in crate::sources::hr_csv) fn text(&self, column: &str) -> &'r str {
        self.place(column).map_or("", |place| self.cell(place))
    }

    /// What stands in a column that is needed; empty where there is nothing.
    pub(in crate::sources::hr_csv) fn need(&self, column: &'static str) -> Result<&'r str, RowError> {
        let Some(place) = self.place(column) else { return Ok("") };
        if let Some(why) = self.spoilt(place) {
            return Err(RowError::at(
                column,
                why,
                "the same on one line, and no longer than it must be",
            ));
        }
        let cell = self.cell(place);
        visible(column, cell)?;
        Ok(cell)
    }

    fn spoilt(&self, place: usize) -> Option<&'static str> {
        let spoilt = self.record.spoilt.iter().find(|(n, _)| *n == place);
        spoilt.map(|(_, why)| *why)
    }

    /// The day in a column: of several, the first that names one.
    pub(in crate::sources::hr_csv) fn day(&self, column: &str, dates: &Dates) -> Day {
        let mut found = Day::Empty;
        for place in self.columns.places(column) {
            let day = if self.spoilt(*place).is_some() {
                Day::Unread
            } else {
                dates.read(self.cell(*place))
            };
            match day {
                Day::On(_) | Day::Unread => return day,
                Day::None => found = Day::None,
                Day::Empty => {}
            }
        }
        found
    }

    /// What stands in a column: of several cells with a day the one that is none.
    pub(in crate::sources::hr_csv) fn at_fault(&self, column: &str, dates: &Dates) -> &'r str {
        let cells = self.columns.places(column).iter().map(|place| self.cell(*place));
        let unread = || cells.clone().find(|cell| dates.read(cell) == Day::Unread);
        if column == LAST_DAY {
            unread().unwrap_or_else(|| self.text(column))
        } else {
            self.text(column)
        }
    }

    /// The instant in a column.
    pub(in crate::sources::hr_csv) fn instant(&self, column: &str, dates: &Dates) -> Instant {
        match self.text(column) {
            "" => Instant::None,
            text if dates.is_none(text) => Instant::None,
            text => instant(text).map_or(Instant::Unread, Instant::At),
        }
    }
}

/// An RFC 3339 instant, and nothing looser.
pub(in crate::sources::hr_csv) fn instant(text: &str) -> Option<Timestamp> {
    let plain = |byte: u8| byte.is_ascii_digit() || b"TtZz+-:.".contains(&byte);
    let shape = text.len() >= 20 && matches!(text.as_bytes()[10], b'T' | b't') && text.bytes().all(plain);
    shape
        .then(|| text.parse::<jiff::Timestamp>().ok())
        .flatten()
        .map(Timestamp::from)
}

/// Refuses what a reader would not see. Free text may hold the joiners that emoji and some scripts need.
fn visible(column: &'static str, cell: &str) -> Result<(), RowError> {
    let free = matches!(column, "reason" | "status");
    let hidden = |c: char| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        unseen if is_unseen(unseen) => !free,
        other => other.is_control(),
    };
    if cell.chars().any(hidden) {
        let instead = "the same by hand: what was pasted from elsewhere brought characters along that cannot be seen";
        return Err(RowError::at(
            column,
            format!("{column} holds control or invisible characters"),
            instead,
        ));
    }
    Ok(())
}
