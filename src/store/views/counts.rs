//! The numbers of `status` and `/metrics`, read from the tables and never counted along.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// The numbers that `status` and `/metrics` show, read from the tables and never counted along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Jobs by state.
    pub jobs: BTreeMap<String, i64>,
    /// Cases by state.
    pub cases: BTreeMap<String, i64>,
    /// Closed cases by verdict.
    pub verdicts: BTreeMap<String, i64>,
    /// Jobs in the could-not-revoke ledger.
    pub ledger: i64,
    /// When the oldest of them failed.
    pub ledger_oldest: Option<Timestamp>,
    /// Open alerts.
    pub alerts: i64,
    /// Open holds.
    pub holds: i64,
    /// Entries of the trail.
    pub trail: i64,
    /// The size of the newest signed checkpoint.
    pub signed: Option<i64>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// Lanes that are paused, with why.
    pub paused: BTreeMap<String, String>,
    /// Departures that wait for their day.
    pub planned: i64,
}

impl Store {
    /// The numbers of `status`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts {
            jobs: self.tally("SELECT state, count(*) FROM job GROUP BY state").await?,
            cases: self.tally("SELECT state, count(*) FROM cases GROUP BY state").await?,
            verdicts: self
                .tally("SELECT verdict, count(*) FROM cases WHERE verdict IS NOT NULL GROUP BY verdict")
                .await?,
            ..Counts::default()
        };
        let row = sqlx::query(
            "WITH ledger AS (SELECT j.finished_at FROM job j INDEXED BY job_ledger JOIN cases c ON c.id = j.case_id \
                             WHERE j.state = 'failed' AND c.called_off_at IS NULL) \
             SELECT (SELECT count(*) FROM ledger), (SELECT min(finished_at) FROM ledger), (SELECT count(*) FROM alert WHERE cleared_at IS NULL), (SELECT count(*) FROM hold WHERE state = 'open'), \
                    (SELECT size FROM trail_head), (SELECT max(size) FROM checkpoint), \
                    (SELECT at FROM checkpoint ORDER BY size DESC LIMIT 1), (SELECT count(*) FROM departure WHERE state IN ('planned', 'blocked'))",
        )
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the status"))?;
        counts.ledger = row.read(0)?;
        counts.ledger_oldest = time_at(&row, 1)?;
        counts.alerts = row.read(2)?;
        counts.holds = row.read(3)?;
        counts.trail = row.read(4)?;
        counts.signed = row.read(5)?;
        counts.signed_at = time_at(&row, 6)?;
        counts.planned = row.read(7)?;
        let paused = sqlx::query("SELECT target, paused_why FROM lane WHERE paused_at IS NOT NULL")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the lanes"))?;
        counts.paused = paused
            .iter()
            .map(|row| Ok((row.read(0)?, row.read(1)?)))
            .collect::<Result<_>>()?;
        Ok(counts)
    }

    async fn tally(&self, sql: &'static str) -> Result<BTreeMap<String, i64>> {
        let rows = sqlx::query(sql)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("counting"))?;
        rows.iter().map(|row| Ok((row.read(0)?, row.read(1)?))).collect()
    }
}
