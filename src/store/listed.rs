//! Lists of rows of which some cannot be read: the others are listed, and those are named.

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::Result;
use crate::store::columns::Columns as _;
use crate::store::gaps::Gaps;

/// A row that a list does not show, or not whole, since another program wrote into it or the file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UnreadableRow {
    /// The table.
    pub table: &'static str,
    /// Its number there, or its name.
    pub row: String,
    /// Why it cannot be read, without what stands in it.
    pub why: String,
}

impl UnreadableRow {
    /// Names a row that is shown with gaps; its first column is its number, or its name. `None` where there is none.
    pub(super) fn of_gaps(table: &'static str, gaps: &Gaps<'_>) -> Option<Self> {
        let why = format!("{}, and the row is shown without it", gaps.why()?);
        Some(Self::new(table, gaps.row, why))
    }

    fn new(table: &'static str, row: &SqliteRow, why: String) -> Self {
        let number = row.read(0).map(|id: i64| id.to_string());
        Self {
            table,
            row: number.or_else(|_| row.lossy(0)).unwrap_or_default(),
            why,
        }
    }
}

/// The rows of a list, and those that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What could be read.
    pub rows: Vec<T>,
    /// What could not.
    pub unreadable: Vec<UnreadableRow>,
}

impl<T> Listed<T> {
    /// Reads each row of `table`. Its first column is its number, or its name.
    ///
    /// # Errors
    /// What `read` says, where it is no row that is at fault.
    pub(super) fn read(table: &'static str, rows: &[SqliteRow], read: impl Fn(&SqliteRow) -> Result<T>) -> Result<Self> {
        let mut listed = Self {
            rows: Vec::with_capacity(rows.len()),
            unreadable: Vec::new(),
        };
        for row in rows {
            match read(row) {
                Ok(value) => listed.rows.push(value),
                Err(error) => match error.of_a_row() {
                    Some(why) => listed.name(table, row, why),
                    None => return Err(error),
                },
            }
        }
        Ok(listed)
    }

    /// Adds what comes behind it.
    pub(super) fn append(&mut self, behind: Self) {
        self.rows.extend(behind.rows);
        self.unreadable.extend(behind.unreadable);
    }

    /// Names a row that is not shown, or not whole.
    pub(super) fn name(&mut self, table: &'static str, row: &SqliteRow, why: String) {
        self.unreadable.push(UnreadableRow::new(table, row, why));
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl<T> Deref for Listed<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.rows
    }
}

impl<T> DerefMut for Listed<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.rows
    }
}

impl<T> IntoIterator for Listed<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'l, T> IntoIterator for &'l Listed<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Listed<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        self.unreadable.is_empty() && self.rows == other
    }
}

impl<T: PartialEq> PartialEq<&[T]> for Listed<T> {
    fn eq(&self, other: &&[T]) -> bool {
        self.unreadable.is_empty() && self.rows == *other
    }
}
