//! The reader of columns: a value that is not what the schema says is an error of the one who reads it, and never a panic.

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::{Result, StoreError};
use crate::model::Timestamp;

/// Reading a row column by column.
pub(super) trait Columns {
    /// The value of the column at `index`.
    ///
    /// # Errors
    /// [`StoreError::Sql`] where it is of another type, is missing, or is a text that is not UTF-8: another program wrote it, or the file is
    /// damaged.
    fn read<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, index: usize) -> Result<T>;
}

impl Columns for SqliteRow {
    fn read<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, index: usize) -> Result<T> {
        self.try_get(index).map_err(StoreError::sql("reading a column"))
    }
}

/// The instant in the column at `index`, which may hold none.
///
/// # Errors
/// As [`Columns::read`].
pub(super) fn time_at(row: &SqliteRow, index: usize) -> Result<Option<Timestamp>> {
    Ok(row.read::<Option<i64>>(index)?.map(Timestamp::from_ms))
}

/// `value` as the JSON that a column holds. `what` it is, for the error.
///
/// # Errors
/// [`StoreError::Unwritten`] where it cannot be written: then nothing is stored in its place.
pub(super) fn written<T: serde::Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Unwritten { what, source })
}
