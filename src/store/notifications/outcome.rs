//! What came of an attempt to bring a delivery, and what that means for its channel.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::EXEC_CHANNEL;
use crate::model::{Actor, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// How long after the last word the last step of an escalation is told again.
const REMIND: Duration = Duration::from_hours(1);
/// How many alerts an entry of the trail names.
const NAMED: i64 = 100;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendingOutcome {
    /// It was taken.
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
    /// Whoever was there says that nobody will be any more: the channel is switched off.
    Gone {
        /// What it said.
        why: String,
    },
}

impl SendingOutcome {
    /// The word of the metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Taken => "delivered",
            Self::Retry { .. } => "retried",
            Self::GivenUp { .. } | Self::Gone { .. } => "given_up",
        }
    }
}

impl Store {
    /// Records what came of an attempt at a delivery.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_sending(&self, id: i64, outcome: SendingOutcome) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.record_sending(id, &outcome).await }))
            .await
    }
}

impl Tx<'_> {
    async fn record_sending(&mut self, id: i64, outcome: &SendingOutcome) -> Result<()> {
        let (state, due, error) = match outcome {
            SendingOutcome::Taken => ("delivered", None, None),
            SendingOutcome::Retry { due, why } => ("pending", Some(due.ms()), Some(why)),
            SendingOutcome::GivenUp { why } | SendingOutcome::Gone { why } => ("given_up", None, Some(why)),
        };
        let row = sqlx::query(
            "UPDATE notify_delivery SET state = $1, due = coalesce($2, due), error = $3, attempts = min(attempts, 4294967295) + 1, \
                    finished_at = CASE WHEN $1 = 'pending' THEN NULL ELSE $4 END \
             WHERE id = $5 AND state = 'pending' RETURNING channel, attempts, bundle, uid",
        )
        .bind(state)
        .bind(due)
        .bind(error)
        .bind(self.now.ms())
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording what came of a delivery"))?;
        let Some(row) = row else { return Ok(()) };
        let (channel, attempts, bundle, uid): (String, i64, i64, String) =
            (row.lossy(0)?, row.read(1)?, row.read(2)?, row.lossy(3)?);
        let trial = self.is_trial(bundle).await?;
        let kind = match outcome {
            SendingOutcome::Retry { why, .. } => return self.channel_fails(&channel, why).await,
            SendingOutcome::Taken => EntryKind::AlertTold,
            SendingOutcome::GivenUp { .. } | SendingOutcome::Gone { .. } => EntryKind::AlertUntold,
        };
        let alerts = self.alerts_of(bundle).await?;
        self.record(&Entry::new(kind, Actor::Daemon).detail(serde_json::json!({
            "channel": channel, "delivery": uid, "alerts": alerts, "attempts": attempts, "trial": trial,
        })));
        match outcome {
            SendingOutcome::Taken => {
                self.channel_works(&channel).await?;
                self.plan_reminders(&channel, bundle).await
            }
            SendingOutcome::Gone { why } => self.switch_off(&channel, why).await,
            SendingOutcome::GivenUp { why } => {
                self.note_error(&channel, why).await?;
                if trial && channel != EXEC_CHANNEL {
                    // Whoever tries it is told what came of it.
                    return Ok(());
                }
                self.raise_untold(&channel, attempts, &alerts, why).await
            }
            SendingOutcome::Retry { .. } => Ok(()),
        }
    }

    /// The numbers of the alerts that a bundle tells of.
    pub(super) async fn alerts_of(&mut self, bundle: i64) -> Result<Vec<i64>> {
        sqlx::query_scalar("SELECT alert_id FROM notify_message WHERE bundle = ? AND alert_id IS NOT NULL ORDER BY id LIMIT ?")
            .bind(bundle)
            .bind(NAMED)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a delivery is about"))
    }

    async fn is_trial(&mut self, bundle: i64) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM notify_message WHERE bundle = ? AND what = 'trial')")
            .bind(bundle)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a delivery is about"))
    }

    async fn channel_fails(&mut self, channel: &str, why: &str) -> Result<()> {
        sqlx::query("UPDATE notify_channel SET failing_since = coalesce(failing_since, $1), error = $2 WHERE name = $3")
            .bind(self.now.ms())
            .bind(why)
            .bind(channel)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("recording that a channel fails"))?;
        Ok(())
    }

    async fn note_error(&mut self, channel: &str, why: &str) -> Result<()> {
        sqlx::query("UPDATE notify_channel SET error = $1 WHERE name = $2")
            .bind(why)
            .bind(channel)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("recording that a channel refuses"))?;
        Ok(())
    }

    /// It has taken something: what waits for its next try is tried at once, and its troubles are over.
    async fn channel_works(&mut self, channel: &str) -> Result<()> {
        let failed: Option<bool> = sqlx::query_scalar("SELECT failing_since IS NOT NULL FROM notify_channel WHERE name = ?")
            .bind(channel)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading how a channel stands"))?;
        sqlx::query("UPDATE notify_channel SET ok_at = $1, failing_since = NULL, error = NULL, off_at = NULL WHERE name = $2")
            .bind(self.now.ms())
            .bind(channel)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("recording that a channel works"))?;
        if failed == Some(true) {
            sqlx::query("UPDATE notify_delivery SET due = $1 WHERE channel = $2 AND state = 'pending' AND due > $1")
                .bind(self.now.ms())
                .bind(channel)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("bringing forward what waits for a channel"))?;
        }
        if channel == EXEC_CHANNEL {
            return self.end_alert("alert_untold", "alerts").await;
        }
        let key = key_of(channel);
        self.end_alert("notify_failing", &key).await?;
        self.end_alert("notify_refused", &key).await
    }

    /// Nobody is there any more: what waits is given up, and nothing more is written for it.
    async fn switch_off(&mut self, channel: &str, why: &str) -> Result<()> {
        for sql in [
            "UPDATE notify_channel SET off_at = $1, error = $2 WHERE name = $3",
            "UPDATE notify_delivery SET state = 'given_up', finished_at = $1, error = $2 WHERE channel = $3 AND state = 'pending'",
            "UPDATE notify_message SET state = 'dropped', why = $2 WHERE channel = $3 AND state = 'waiting' AND $1 IS NOT NULL",
        ] {
            sqlx::query(sql)
                .bind(self.now.ms())
                .bind(why)
                .bind(channel)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("switching a channel off"))?;
        }
        let summary = format!(
            "channel {channel} is switched off: {why}; mend the config and restart the daemon, or revoked notify test {channel}"
        );
        self.raise_alert_once("notify_refused", &key_of(channel), &summary).await
    }

    async fn raise_untold(&mut self, channel: &str, attempts: i64, alerts: &[i64], why: &str) -> Result<()> {
        if channel == EXEC_CHANNEL {
            let which = alerts.first().map_or_else(|| "a test".to_owned(), |id| format!("alert {id}"));
            let summary =
                format!("{which} could not be handed to the program of [alerts] exec, which was tried {attempts} times: {why}");
            return self.raise_alert("alert_untold", "alerts", &summary, None).await;
        }
        let which = match alerts {
            [] => "a message".to_owned(),
            [only] => format!("what was to be told of alert {only}"),
            [first, rest @ ..] => format!("what was to be told of alert {first} and {} more", rest.len()),
        };
        let summary = format!("channel {channel} did not take {which}, and it is not tried any more: {why}");
        self.raise_alert_once("notify_refused", &key_of(channel), &summary).await
    }

    /// Raises an alert that does not count up while it is open: two channels that refuse what is told of the other would never end.
    pub(super) async fn raise_alert_once(&mut self, kind: &str, key: &str, summary: &str) -> Result<()> {
        let is_open: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM alert WHERE kind = ? AND key = ? AND cleared_at IS NULL)")
                .bind(kind)
                .bind(key)
                .fetch_one(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking for an alert"))?;
        if is_open {
            return Ok(());
        }
        self.raise_alert(kind, key, summary, None).await
    }

    /// The last step of an escalation is told again, as long as nobody looks after what it was told of.
    async fn plan_reminders(&mut self, channel: &str, bundle: i64) -> Result<()> {
        sqlx::query(
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT DISTINCT m.channel, m.alert_id, m.thread, 'reminder', m.urgent, $1, $2 FROM notify_message m \
                    JOIN notify_channel c ON c.name = m.channel AND c.repeats \
                    JOIN alert a ON a.id = m.alert_id AND a.cleared_at IS NULL AND a.acknowledged_at IS NULL \
             WHERE m.bundle = $3 AND m.channel = $4 AND m.what IN ('raised', 'again', 'unstable', 'reminder', 'expired') \
             AND NOT EXISTS (SELECT 1 FROM notify_message w WHERE w.alert_id = m.alert_id AND w.channel = m.channel \
                             AND w.state = 'waiting' AND w.what = 'reminder')",
        )
        .bind(self.now.plus(REMIND).ms())
        .bind(self.now.ms())
        .bind(bundle)
        .bind(channel)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("planning to remind of an alert"))?;
        Ok(())
    }
}

/// What an alert about a channel is about.
pub(super) fn key_of(channel: &str) -> String {
    format!("channel:{channel}")
}
