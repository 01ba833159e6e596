//! The reader of columns: a value that is not what the schema says is an error of the one who reads it, and never a panic.

use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Decode, Row as _, Sqlite, Type};

use super::{Result, StoreError};
use crate::model::Timestamp;

/// Reading a row column by column.
pub(super) trait Columns {
    /// The value of the column at `index`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] where it is of another type, is missing, or is a text that is not UTF-8: another program wrote it, or the
    /// file is damaged.
    fn read<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, index: usize) -> Result<T>;

    /// The text in the column at `index`, with a mark for each byte that is none: for what is only shown or recorded, and must not keep
    /// anything from being done.
    ///
    /// # Errors
    /// As [`Columns::read`], where it is no text at all.
    fn lossy(&self, index: usize) -> Result<String>;

    /// Whether the column at `index` holds nothing.
    fn is_null(&self, index: usize) -> bool;
}

impl Columns for SqliteRow {
    fn read<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, index: usize) -> Result<T> {
        self.try_get(index).map_err(|error| StoreError::Unreadable {
            column: self
                .columns()
                .get(index)
                .map_or_else(String::new, |column| column.name().to_owned()),
            // What stands there is quoted by none of these: it may be somebody's name.
            why: match error {
                sqlx::Error::ColumnDecode { source, .. } => source.to_string(),
                other => other.to_string(),
            },
        })
    }

    fn lossy(&self, index: usize) -> Result<String> {
        Ok(String::from_utf8_lossy(self.read(index)?).into_owned())
    }

    fn is_null(&self, index: usize) -> bool {
        matches!(self.read::<Option<&[u8]>>(index), Ok(None))
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
