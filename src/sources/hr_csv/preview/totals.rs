//! How many rows there are of each kind.

use serde::Serialize;

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Rows in the file, apart from header, trailer and blank lines.
    pub rows: u64,
    /// Access would end at its time.
    pub planned: u64,
    /// A plan would move to another time.
    pub moves: u64,
    /// Access would end at once.
    pub at_once: u64,
    /// A human would be asked first.
    pub held: u64,
    /// A human would be asked, since the person has another employment.
    pub blocked: u64,
    /// A departure would be called off.
    pub calls_off: u64,
    /// The employment stands.
    pub stands: u64,
    /// Another row of the same file says otherwise.
    pub overtaken: u64,
    /// Nothing would follow.
    pub nothing: u64,
    /// What could not be read, in rows.
    pub refused: u64,
    /// Of those that would end access, those about people of whom nothing is known, where that was asked.
    pub unknown: u64,
    /// Of these, those whom no source has named, and of whom no target was asked.
    pub unnamed: u64,
    /// Of all rows, those with a day that stands for none, such as 0000-00-00.
    pub null_days: u64,
    /// Of those that stand, those of people who are called employed although their last day is over.
    pub stale: u64,
}
