//! A row that is shown although parts of it cannot be read: with gaps, and named.

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Sqlite, Type};

use super::columns::Columns as _;
use super::{Result, StoreError};
use crate::model::Timestamp;

/// Reads a row column by column, and keeps why the first that could not be read could not.
pub(super) struct Gaps<'r> {
    pub(super) row: &'r SqliteRow,
    first: Option<StoreError>,
}

impl<'r> Gaps<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, first: None }
    }

    /// The value of the column at `index`; a gap is nothing, or zero.
    pub(super) fn read<T: Decode<'r, Sqlite> + Type<Sqlite> + Default>(&mut self, index: usize) -> T {
        self.filled(self.row.read(index))
    }

    /// The text in the column at `index`; a gap is as much of it as is one, with a mark for each byte that is none.
    pub(super) fn text(&mut self, index: usize) -> String {
        let text = self.row.read(index);
        let gap = text.is_err();
        let text = self.filled(text);
        if gap {
            self.row.lossy(index).unwrap_or_default()
        } else {
            text
        }
    }

    /// The same of a column that may hold none.
    pub(super) fn text_if_any(&mut self, index: usize) -> Option<String> {
        (!self.row.is_null(index)).then(|| self.text(index))
    }

    /// The instant in the column at `index`; a gap is the beginning of time.
    pub(super) fn time(&mut self, index: usize) -> Timestamp {
        Timestamp::from_ms(self.read(index))
    }

    /// The same of a column that may hold none.
    pub(super) fn time_if_any(&mut self, index: usize) -> Option<Timestamp> {
        self.read::<Option<i64>>(index).map(Timestamp::from_ms)
    }

    /// What was read of the row, or nothing in its place.
    pub(super) fn filled<T: Default>(&mut self, value: Result<T>) -> T {
        value.unwrap_or_else(|error| {
            self.first.get_or_insert(error);
            T::default()
        })
    }

    /// What was read, where there is no gap in it.
    ///
    /// # Errors
    /// Why there is one.
    pub(super) fn whole<T>(self, value: T) -> Result<T> {
        self.first.map_or(Ok(value), Err)
    }

    /// Why there is a gap; `None` where there is none.
    pub(super) fn why(&self) -> Option<String> {
        let why = |error: &StoreError| error.of_a_row().unwrap_or_else(|| error.to_string());
        self.first.as_ref().map(why)
    }
}
