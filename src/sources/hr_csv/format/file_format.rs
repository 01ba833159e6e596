//! How the files of one HR system are written: encoding, separator, header, days, and the words of the status column.

use encoding_rs::Encoding;
use jiff::civil::Date;

use super::columns::ColumnMapping;
use super::dates::Dates;
use super::status_words::StatusWords;

/// How files are written, and what their columns and words mean. The default is our own form.
///
/// ```toml
/// preset = "bamboohr"             # what a system's exports look like; every key below goes before it
/// separator = ";"                 # or ",", "tab", "|"; a line sep=; at the top of a file goes before it
/// encoding = "windows-1252"       # of files without a byte order mark; default UTF-8
/// dates = "DD.MM.YYYY"            # default YYYY-MM-DD
/// null_dates = ["TBD"]            # what else stands for no day
/// columns = { employee_id = "Employee #", last_working_day = ["Last Day of Work", "Termination Date"] }
/// ignore_columns = ["Statu"]      # columns that are almost ours, and are not
/// status_words = { terminated = ["Left"], active = ["On leave"], ignore = ["Transferred"] }
/// by_date = true                  # no status column: a row is of somebody who leaves where it names a day
/// undated = "hold"                # a status that says that somebody has left, without a day: a human is asked (default), or "now"
/// history_before = "2026-11-01"   # whose last day lies before this day has been dealt with elsewhere
/// skip_before_header = 2          # lines above the header
/// skip_after_header = 1           # lines below it, before the first person
/// header = ["Personalnummer", "E-Mail", "Austritt"]   # of files that have none
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFormat {
    /// What stands between two cells.
    pub separator: u8,
    /// What files without a byte order mark are written in.
    pub encoding: &'static Encoding,
    /// How days are written.
    pub dates: Dates,
    /// What the header calls our columns.
    pub columns: ColumnMapping,
    /// Columns that are passed over, however much they look like ours.
    pub ignore_columns: Vec<String>,
    /// What the words of the status column mean.
    pub words: StatusWords,
    /// Whether a row without a status is of somebody who leaves where it names a day.
    pub by_date: bool,
    /// What becomes of somebody who has left by the status, on a day that nobody names.
    pub undated: Undated,
    /// Whose last day lies before this one asks for nothing.
    pub history_before: Option<Date>,
    /// How many lines stand above the header.
    pub skip_before_header: usize,
    /// How many lines stand between the header and the first row.
    pub skip_after_header: usize,
    /// The header of files that have none.
    pub header: Option<Vec<String>>,
}

impl Default for FileFormat {
    fn default() -> Self {
        Self {
            separator: b',',
            encoding: encoding_rs::UTF_8,
            dates: Dates::default(),
            columns: ColumnMapping::default(),
            ignore_columns: Vec::new(),
            words: StatusWords::default(),
            by_date: false,
            undated: Undated::Hold,
            history_before: None,
            skip_before_header: 0,
            skip_after_header: 0,
            header: None,
        }
    }
}

/// What becomes of somebody who has left by the status, on a day that nobody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undated {
    /// A human is asked.
    Hold,
    /// Access ends at once.
    Now,
}
