//! What a source that rehearses, or has rehearsed, would have led to.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// Signals of one reason about which the same would have been decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RehearsedCount {
    /// What would have been done: `act`, `hold`, `ignore` or `withdraw`.
    pub would: String,
    /// The class of the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The reason.
    pub reason: String,
    /// The playbook that would have been followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// How many signals.
    pub signals: i64,
    /// How many people they are about.
    pub people: i64,
    /// When the last of them came.
    pub last_at: Timestamp,
}

/// Somebody about whom something would have been done, or decided by a human.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RehearsedPerson {
    /// The name that the signal came with; `None` where the person was erased.
    pub subject: Option<String>,
    /// What stands for the person in the trail.
    pub subject_ref: String,
    /// `act` or `hold`.
    pub would: String,
    /// The class of the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The reason.
    pub reason: String,
    /// When the signal came.
    pub received_at: Timestamp,
    /// The sentence that is kept with it.
    pub why: Option<String>,
}

/// What a source would have led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RehearsedReport {
    /// The source.
    pub source: String,
    /// `act`, or `rehearse`, as at the daemon's last start.
    pub mode: String,
    /// Since when, where that was ever anything but `act`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_since: Option<Timestamp>,
    /// Since when it is counted.
    pub since: Timestamp,
    /// By decision; what would have been done first.
    pub counts: Vec<RehearsedCount>,
    /// Some of the people about whom something would have been done, or decided.
    pub people: Vec<RehearsedPerson>,
}

impl Store {
    /// What a source would have led to since an instant, with at most so many people; nothing where the daemon knows no such source.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn rehearsed(&self, source: &str, since: Timestamp, named: u32) -> Result<Option<RehearsedReport>> {
        let sources = self.source_health().await?;
        let Some(known) = sources.iter().find(|known| known.source == source) else {
            return Ok(None);
        };
        Ok(Some(RehearsedReport {
            source: source.to_owned(),
            mode: known.mode.clone(),
            mode_since: known.mode_since,
            since,
            counts: self.rehearsed_counts(source, since).await?,
            people: self.rehearsed_people(source, since, named).await?,
        }))
    }

    /// What a source would have led to since an instant, by decision; what would have been done first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn rehearsed_counts(&self, source: &str, since: Timestamp) -> Result<Vec<RehearsedCount>> {
        let rows = sqlx::query(
            "SELECT rehearsed, rehearsed_class, reason, rehearsed_playbook, count(*), count(DISTINCT subject_ref), max(received_at) \
             FROM signal INDEXED BY signal_rehearsed WHERE rehearsed IS NOT NULL AND source = $1 AND received_at >= $2 \
             GROUP BY 1, 2, 3, 4 ORDER BY CASE rehearsed WHEN 'act' THEN 0 WHEN 'hold' THEN 1 ELSE 2 END, 5 DESC, 3, 2",
        )
        .bind(source)
        .bind(since.ms())
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("counting what was rehearsed"))?;
        rows.iter()
            .map(|row| {
                Ok(RehearsedCount {
                    would: row.lossy(0)?,
                    class: text_if_any(row, 1)?,
                    reason: row.lossy(2)?,
                    playbook: text_if_any(row, 3)?,
                    signals: row.read(4)?,
                    people: row.read(5)?,
                    last_at: Timestamp::from_ms(row.read(6)?),
                })
            })
            .collect()
    }

    /// Whom it would have concerned since an instant: of whom something would have been done first, and the newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn rehearsed_people(&self, source: &str, since: Timestamp, limit: u32) -> Result<Vec<RehearsedPerson>> {
        let rows = sqlx::query(
            "SELECT p.subject, s.subject_ref, s.rehearsed, s.rehearsed_class, s.reason, s.received_at, s.why \
             FROM signal s INDEXED BY signal_rehearsed LEFT JOIN person p ON p.ref = s.subject_ref \
             WHERE s.rehearsed IS NOT NULL AND s.source = $1 AND s.received_at >= $2 AND s.rehearsed IN ('act', 'hold') \
             ORDER BY s.rehearsed = 'hold', s.received_at DESC, s.id DESC LIMIT $3",
        )
        .bind(source)
        .bind(since.ms())
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading whom a rehearsal would have concerned"))?;
        rows.iter()
            .map(|row| {
                Ok(RehearsedPerson {
                    subject: text_if_any(row, 0)?,
                    subject_ref: row.lossy(1)?,
                    would: row.lossy(2)?,
                    class: text_if_any(row, 3)?,
                    reason: row.lossy(4)?,
                    received_at: Timestamp::from_ms(row.read(5)?),
                    why: text_if_any(row, 6)?,
                })
            })
            .collect()
    }
}

fn text_if_any(row: &SqliteRow, column: usize) -> Result<Option<String>> {
    if row.is_null(column) {
        Ok(None)
    } else {
        row.lossy(column).map(Some)
    }
}
