//! What keeps a target from being sent anything: an operator's word, or what the daemon has found.

use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError, TargetPause};

/// Why nothing is sent to a target, the weightiest reason alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// An operator has paused it.
    Paused(TargetPause),
    /// It refuses us: our credential, a permission, the address.
    Refused {
        /// Why.
        why: String,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It does not answer.
    Down {
        /// What came of the last call.
        why: String,
        /// Since when.
        since: Option<Timestamp>,
    },
}

/// The columns of which [`read_stopped`] makes a reason, of the target of `j`.
pub(super) const STOPPED: &str = "p.at, p.by, p.note, l.paused_at, l.paused_why, a.raised_at, a.summary";
/// Where they are from.
pub(super) const STOPPED_FROM: &str = "LEFT JOIN lane l ON l.target = j.target LEFT JOIN target_pause p ON p.target = j.target \
     LEFT JOIN alert a ON a.cleared_at IS NULL AND a.kind = 'target_down' AND a.key = 'target:' || j.target";

/// Why nothing goes on at a target, of [`STOPPED`] from column `first` on. Whatever stands there, that it is there says that it is stopped.
pub(super) fn read_stopped(row: &SqliteRow, first: usize) -> Result<Option<Stopped>> {
    let since = |index: usize| time_at(row, first + index).ok().flatten();
    if !row.is_null(first) {
        return Ok(Some(Stopped::Paused(TargetPause {
            since: since(0).unwrap_or(Timestamp::from_ms(0)),
            by: row.lossy(first + 1).unwrap_or_default(),
            note: row.lossy(first + 2).unwrap_or_default(),
        })));
    }
    if !row.is_null(first + 4) {
        return Ok(Some(Stopped::Refused {
            why: row.lossy(first + 4)?,
            since: since(3),
        }));
    }
    if !row.is_null(first + 6) {
        let summary = row.lossy(first + 6)?;
        // The alert is a sentence with the target's name, and ends with what came of the call.
        let why = summary
            .split_once(", its jobs wait: ")
            .map_or(summary.as_str(), |(_, why)| why);
        return Ok(Some(Stopped::Down {
            why: why.to_owned(),
            since: since(5),
        }));
    }
    Ok(None)
}

impl Store {
    /// Why nothing is sent to a target, where something is in the way.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn stopped(&self, target: &str) -> Result<Option<Stopped>> {
        let sql = format!("SELECT {STOPPED} FROM (SELECT $1 AS target) j {STOPPED_FROM}");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(target)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("looking what keeps a target from being asked"))?;
        read_stopped(&row, 0)
    }
}
