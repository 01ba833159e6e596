//! What is wrong with a row: said without quoting it, since it holds personal data, and with what to write instead.

use std::fmt;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct RowError {
    /// The column, where it is one's fault.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: String,
    /// Whether it counts against its file: nothing hangs on what stands in the row of somebody who stays.
    pub counts: bool,
}

impl RowError {
    /// Something is wrong in one column.
    pub(in crate::sources::hr_csv) fn at(column: &'static str, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            column: Some(column),
            ..Self::row(what, instead)
        }
    }

    /// The whole row is wrong.
    pub(in crate::sources::hr_csv) fn row(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            column: None,
            what: what.into(),
            instead: instead.into(),
            counts: true,
        }
    }

    /// The same in the row of somebody who stays.
    pub(in crate::sources::hr_csv) fn of_who_stays(self) -> Self {
        Self { counts: false, ..self }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
