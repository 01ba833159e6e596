//! What the canaries of targets showed: the newest observed delay of each kind, and the alert where a credential outlived its end.

use std::collections::BTreeMap;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use super::columns::Columns as _;
use super::{Listed, Result, Store, StoreError, Tx};
use crate::model::{Actor, GrantKind, Timestamp};

/// How long a credential of one kind still worked after its end was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryDelay {
    /// What it was.
    pub kind: GrantKind,
    /// How long; `None` where it still worked after the time that is given.
    pub delay: Option<Duration>,
}

/// What a target's canary showed last, for one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedDelay {
    /// The target.
    pub target: String,
    /// What was tried.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The server's version then.
    pub version: Option<String>,
    /// Until it was refused, in milliseconds; nothing where it still worked after `within_ms`.
    pub delay_ms: Option<i64>,
    /// How long it was tried, in milliseconds.
    pub within_ms: i64,
}

impl Store {
    /// What the canaries showed last, in the order of the targets.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn observed_delays(&self) -> Result<Listed<ObservedDelay>> {
        let rows = sqlx::query("SELECT target, kind, at, version, delay_ms, within_ms FROM canary ORDER BY target, kind")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what the canaries showed"))?;
        Listed::read("canary", &rows, |row| {
            Ok(ObservedDelay {
                target: row.read(0)?,
                kind: row.read(1)?,
                at: Timestamp::from_ms(row.read(2)?),
                version: row.read(3)?,
                delay_ms: row.read(4)?,
                within_ms: row.read(5)?,
            })
        })
    }

    /// Keeps what a canary showed. One that outlived its end alerts until another trial shows better.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_canary(
        &self,
        target: &str,
        version: Option<String>,
        within: Duration,
        delays: Vec<CanaryDelay>,
    ) -> Result<()> {
        let target = target.to_owned();
        self.write(move |tx| Box::pin(async move { tx.keep_canary(&target, version.as_deref(), within, &delays).await }))
            .await
    }
}

impl Tx<'_> {
    async fn keep_canary(&mut self, target: &str, version: Option<&str>, within: Duration, delays: &[CanaryDelay]) -> Result<()> {
        let ms = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        for shown in delays {
            sqlx::query(
                "INSERT INTO canary (target, kind, at, version, delay_ms, within_ms) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (target, kind) DO UPDATE SET at = $3, version = $4, delay_ms = $5, within_ms = $6",
            )
            .bind(target)
            .bind(shown.kind.word())
            .bind(self.now.ms())
            .bind(version)
            .bind(shown.delay.map(ms))
            .bind(ms(within))
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping what a canary showed"))?;
        }
        let by_kind: BTreeMap<&str, Option<i64>> = delays.iter().map(|shown| (shown.kind.word(), shown.delay.map(ms))).collect();
        self.record(&Entry::new(EntryKind::CanaryTried, Actor::Daemon).detail(serde_json::json!({
            "target": target, "version": version, "delay_ms": by_kind, "within_ms": ms(within),
        })));
        let key = format!("target:{target}");
        self.end_alert("canary_untried", &key).await?;
        let survivors: Vec<&str> = delays
            .iter()
            .filter(|shown| shown.delay.is_none())
            .map(|shown| shown.kind.word())
            .collect();
        if survivors.is_empty() {
            return self.end_alert("canary_survived", &key).await;
        }
        let summary = format!(
            "target {target}: the canary's {} still worked {} s after its end was accepted: no verdict there can be trusted until \
             revoked check --prove shows otherwise",
            survivors.join(" and "),
            within.as_secs()
        );
        self.raise_alert("canary_survived", &key, &summary, None).await
    }
}
