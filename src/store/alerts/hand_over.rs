//! What the program of `[alerts] exec` is still to be handed: each alert that was raised since it was handed over last. An alert that is raised
//! again before its turn is handed over once, as it stands then.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::{Alert, alert, query};
use crate::model::{Actor, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// The same alert again comes no sooner than this: what counts up every minute is not told every minute.
const AGAIN: Duration = Duration::from_mins(15);

/// What was over for so long before anybody was to be told is not told any more.
const STALE: Duration = Duration::from_hours(1);

/// An alert that is still to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldAlert {
    /// The alert as it stands.
    pub alert: Alert,
    /// How often that was tried.
    pub attempts: u32,
}

/// What came of a try to hand an alert over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandOver {
    /// The program has taken it.
    Taken,
    /// It is to be tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// What went wrong.
        why: String,
    },
    /// It is not tried any more.
    GivenUp {
        /// What went wrong the last time.
        why: String,
    },
}

impl Store {
    /// Begins to hand alerts over, or not: what nobody is to be told any more is forgotten.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn begin_handing_over(&self, is_wanted: bool) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let before = tx.now.minus(STALE).ms();
                sqlx::query(
                    "UPDATE alert SET told = times, tell_attempts = 0 WHERE told < times \
                     AND (NOT $1 OR cleared_at IS NOT NULL AND tell_attempts = 0 AND last_at < $2)",
                )
                .bind(is_wanted)
                .bind(before)
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("forgetting which alerts were to be handed over"))?;
                Ok(())
            })
        })
        .await
    }

    /// Up to `limit` alerts that are to be handed over now, the oldest first. What tells of failures to do so is not among them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn untold_alerts(&self, limit: u32) -> Result<Listed<UntoldAlert>> {
        let sql = query(
            "WHERE a.id IN (SELECT id FROM alert INDEXED BY alert_untold WHERE told < times AND kind <> 'alert_untold' \
                            AND coalesce(tell_due, 0) <= $1 ORDER BY id LIMIT $2) ORDER BY a.id",
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.clock().now().ms())
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for alerts to hand over"))?;
        Listed::read("alert", &rows, |row| {
            Ok(UntoldAlert {
                alert: alert(row)?,
                attempts: u32::try_from(row.read::<i64>(17)?).unwrap_or(u32::MAX),
            })
        })
    }

    /// Records what came of handing an alert over that had been raised so many `times`.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_hand_over(&self, id: i64, times: i64, outcome: HandOver) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.record_hand_over(id, times, &outcome).await }))
            .await
    }

    /// How the handing over of an alert stands: whether it was taken or given up, and what stood in the way the last time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn hand_over_of(&self, kind: &str, key: &str) -> Result<(i64, bool, Option<String>)> {
        let row =
            sqlx::query("SELECT id, told >= times, tell_error FROM alert WHERE kind = ? AND key = ? ORDER BY id DESC LIMIT 1")
                .bind(kind)
                .bind(key)
                .fetch_optional(self.readers())
                .await
                .map_err(StoreError::sql("looking whether an alert was handed over"))?
                .ok_or(StoreError::NotFound { what: "alert", id: 0 })?;
        Ok((row.read(0)?, row.read(1)?, row.read(2)?))
    }
}

impl Tx<'_> {
    async fn record_hand_over(&mut self, id: i64, times: i64, outcome: &HandOver) -> Result<()> {
        let (told, due, error) = match outcome {
            HandOver::Taken => (true, Some(self.now.plus(AGAIN)), None),
            HandOver::Retry { due, why } => (false, Some(*due), Some(why)),
            HandOver::GivenUp { why } => (true, Some(self.now.plus(AGAIN)), Some(why)),
        };
        let attempts: Option<i64> = sqlx::query_scalar(
            "UPDATE alert SET told = CASE WHEN $1 THEN max(told, $2) ELSE told END, tell_due = $3, tell_error = $4, \
                    tell_attempts = min(tell_attempts, 4294967295) + 1 WHERE id = $5 RETURNING tell_attempts",
        )
        .bind(told)
        .bind(times)
        .bind(due.map(Timestamp::ms))
        .bind(error)
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording that an alert was handed over"))?;
        let Some(attempts) = attempts else { return Ok(()) };
        if told {
            sqlx::query("UPDATE alert SET tell_attempts = 0 WHERE id = ?")
                .bind(id)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("recording that an alert was handed over"))?;
        }
        let kind = match outcome {
            HandOver::Taken => EntryKind::AlertTold,
            HandOver::GivenUp { .. } => EntryKind::AlertUntold,
            HandOver::Retry { .. } => return Ok(()),
        };
        self.record(&Entry::new(kind, Actor::Daemon).detail(serde_json::json!({ "alert": id, "attempts": attempts })));
        match outcome {
            HandOver::GivenUp { why } => {
                let summary = format!(
                    "alert {id} could not be handed to the program of [alerts] exec, which was tried {attempts} times: {why}"
                );
                self.raise_alert("alert_untold", "alerts", &summary, None).await
            }
            _ => self.end_alert("alert_untold", "alerts").await,
        }
    }
}
