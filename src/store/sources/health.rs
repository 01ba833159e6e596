//! Health of sources: when each last spoke, how late its signals come, and what was refused of it.
//!
//! What is written here are observations, which change nothing for anybody, so they leave no entry of their own in the trail. The alert does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::lag::Lag;
use crate::model::{Delivery, Receipt, SignalReceipt, Timestamp};
use crate::policy::Mode;
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// The cause under which the parts of a delivery are counted that could not be read: rows of a file, tokens of a poll.
const UNREADABLE: &str = "unreadable";

pub(super) const HEALTH_ROWS: &str = "SELECT source, since, spoke_at, signal_at, verified_at, looked_at, lags, alerted_at, mode, mode_since FROM source_health ORDER BY source";

/// How a source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SourceHealth {
    /// The source's name.
    pub source: String,
    /// Since when it is known here.
    pub since: Timestamp,
    /// When it last said anything: signals, a file, a verification, a question.
    pub spoke_at: Option<Timestamp>,
    /// When its last signal came.
    pub signal_at: Option<Timestamp>,
    /// When it last proved, asked by us, that it is alive.
    pub verified_at: Option<Timestamp>,
    /// When we last looked at it and could, where we go and look.
    pub looked_at: Option<Timestamp>,
    /// How late its signals come; `None` where none said when its cause occurred.
    pub lag: Option<Lag>,
    /// Refused deliveries, by cause.
    pub refused: BTreeMap<String, Refusals>,
    /// Since when an alert says that it is silent.
    pub alerted_at: Option<Timestamp>,
    /// Whether it is acted on, as its config said at the daemon's last start: `act`, or `rehearse`.
    pub mode: String,
    /// Since when, where that was ever anything but `act`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_since: Option<Timestamp>,
}

/// Deliveries that were refused for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Refusals {
    /// How many.
    pub times: i64,
    /// When the last one came.
    pub last_at: Timestamp,
}

/// When a source was last seen, without a delivery to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastSeen {
    /// It said something that is not stored: a question.
    pub spoke_at: Option<Timestamp>,
    /// We looked at it and could.
    pub looked_at: Option<Timestamp>,
}

impl SourceHealth {
    /// Since when the source is silent: since it last spoke, or since it is known.
    #[must_use]
    pub fn silent_since(&self) -> Timestamp {
        self.spoke_at.unwrap_or(self.since)
    }

    /// Whether nothing follows from what it says.
    #[must_use]
    pub fn rehearses(&self) -> bool {
        self.mode == Mode::Rehearse.word()
    }
}

impl Store {
    /// How every source is that was ever known here, by name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn source_health(&self) -> Result<Listed<SourceHealth>> {
        let rows = sqlx::query(HEALTH_ROWS).fetch_all(self.readers()).await;
        let rows = rows.map_err(StoreError::sql("reading the sources' health"))?;
        let refused = sqlx::query("SELECT source, code, times, last_at FROM source_refusal")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what was refused"))?;
        let mut sources = Listed::read("source_health", &rows, health)?;
        let refused = Listed::read("source_refusal", &refused, |row| {
            let last_at = Timestamp::from_ms(row.read(3)?);
            let times = row.read(2)?;
            Ok((row.read::<String>(0)?, row.read(1)?, Refusals { times, last_at }))
        })?;
        for (name, code, refusals) in refused.rows {
            if let Some(source) = sources.iter_mut().find(|source| source.source == name) {
                source.refused.insert(code, refusals);
            }
        }
        sources.unreadable.extend(refused.unreadable);
        Ok(sources)
    }

    /// Makes the configured sources known, so that silence is counted from now on for one that never speaks.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn register_sources(&self, names: Vec<String>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let names = written("the names of sources", &names)?;
                sqlx::query(
                    "INSERT INTO source_health (source, since) SELECT value, ?2 FROM json_each(?1) WHERE true ON CONFLICT (source) DO NOTHING",
                )
                .bind(names)
                .bind(tx.now.ms())
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("making the sources known"))?;
                Ok(())
            })
        })
        .await
    }

    /// Counts refused deliveries of which no entry tells, by source and cause.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn count_refusals(&self, refused: BTreeMap<(String, &'static str), u64>) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        self.write(move |tx| {
            Box::pin(async move {
                for ((source, code), times) in &refused {
                    let times = usize::try_from(*times).unwrap_or(usize::MAX);
                    tx.note_refusals(source, code, times).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Notes a delivery that says something, and ends the alert about its source's silence. One statement: this is on the way of every
    /// signal.
    pub(in crate::store) async fn note_delivery(&mut self, delivery: &Delivery, receipt: &Receipt) -> Result<()> {
        if !delivery.speaks() {
            return Ok(());
        }
        let at = delivery.received_at;
        // What comes again may come late, which says nothing about the source.
        let fresh = delivery.signals.iter().zip(&receipt.signals);
        let fresh = fresh.filter(|(_, receipt)| !matches!(receipt, SignalReceipt::Repeated { .. } | SignalReceipt::Conflict));
        let lag = fresh.filter_map(|(signal, _)| Some(at.since(signal.occurred_at?))).max();
        let alerted: Option<i64> = sqlx::query_scalar(
            "INSERT INTO source_health (source, since, spoke_at, signal_at, verified_at, lags) \
             VALUES (?1, ?2, ?2, ?3, ?4, ?5) \
             ON CONFLICT (source) DO UPDATE SET spoke_at = max(?2, coalesce(spoke_at, ?2)), signal_at = coalesce(?3, signal_at), \
             verified_at = coalesce(?4, verified_at), \
             lags = CASE WHEN length(lags) % 8 = 0 THEN substr(lags || ?5, -256) ELSE ?5 END RETURNING alerted_at",
        )
        .bind(&delivery.source)
        .bind(at.ms())
        .bind((!delivery.signals.is_empty()).then(|| at.ms()))
        .bind(delivery.verified.then(|| at.ms()))
        .bind(lag.map_or(String::new(), Lag::written))
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("noting that a source spoke"))?;
        if alerted.is_some() {
            self.end_silence(&delivery.source).await?;
        }
        if !delivery.refused.is_empty() {
            self.note_refusals(&delivery.source, UNREADABLE, delivery.refused.len())
                .await?;
        }
        Ok(())
    }

    /// The shortest lag of a source's newest deliveries: its clock is behind by no more than that. `None` where no lag is known.
    pub(in crate::store) async fn shortest_lag(&mut self, source: &str) -> Result<Option<Duration>> {
        let lags = sqlx::query("SELECT lags FROM source_health WHERE source = $1")
            .bind(source)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading how late a source's signals come"))?;
        // What cannot be read shows nothing.
        let lags = lags.and_then(|row| row.read::<String>(0).ok());
        let shortest = lags.and_then(|lags| Lag::read(&lags).into_iter().min());
        Ok(shortest.map(Duration::from_millis))
    }

    /// Counts refused deliveries, or parts of one.
    pub(super) async fn note_refusals(&mut self, source: &str, code: &str, times: usize) -> Result<()> {
        sqlx::query(
            "INSERT INTO source_refusal (source, code, times, last_at) VALUES (?1, ?2, ?4, ?3) \
             ON CONFLICT (source, code) DO UPDATE SET times = times + ?4, last_at = ?3",
        )
        .bind(source)
        .bind(code)
        .bind(self.now.ms())
        .bind(i64::try_from(times).unwrap_or(i64::MAX))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("counting a refused delivery"))?;
        Ok(())
    }

    pub(super) async fn keep_last_seen(&mut self, source: &str, activity: LastSeen) -> Result<()> {
        sqlx::query(
            "UPDATE source_health SET spoke_at = max(coalesce(spoke_at, ?2), coalesce(?2, spoke_at)), looked_at = coalesce(?3, looked_at) \
             WHERE source = ?1",
        )
        .bind(source)
        .bind(activity.spoke_at.map(Timestamp::ms))
        .bind(activity.looked_at.map(Timestamp::ms))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping what was noticed about a source"))?;
        Ok(())
    }
}

pub(super) fn health(row: &SqliteRow) -> Result<SourceHealth> {
    Ok(SourceHealth {
        source: row.read(0)?,
        since: Timestamp::from_ms(row.read(1)?),
        spoke_at: time_at(row, 2)?,
        signal_at: time_at(row, 3)?,
        verified_at: time_at(row, 4)?,
        looked_at: time_at(row, 5)?,
        lag: Lag::of(&Lag::read(row.read(6)?)),
        refused: BTreeMap::new(),
        alerted_at: time_at(row, 7)?,
        mode: row.read(8)?,
        mode_since: time_at(row, 9)?,
    })
}
