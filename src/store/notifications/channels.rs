//! The channels that the config names, as rows beside the alerts, and how each stands.

use std::time::Duration;

use serde::Serialize;

use super::ChannelRules;
use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// What was over for so long before anybody was to be told is not told any more.
const STALE: Duration = Duration::from_hours(1);

/// How far back deliveries are counted.
const DAY: Duration = Duration::from_hours(24);

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChannelState {
    /// Its name.
    pub channel: String,
    /// What brings messages there.
    pub kind: String,
    /// Messages and deliveries that wait.
    pub waiting: i64,
    /// Deliveries of the last day that were taken.
    pub delivered: i64,
    /// Deliveries of the last day that were given up.
    pub given_up: i64,
    /// Deliveries of the last day that were withheld, since the channel reaches somebody who was being contained.
    pub withheld: i64,
    /// When it last took something.
    pub last_success: Option<Timestamp>,
    /// Since when it takes nothing.
    pub failing_since: Option<Timestamp>,
    /// Since when it is switched off: its receiver said that it is gone.
    pub off_since: Option<Timestamp>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

impl Store {
    /// From now on alerts are told on these channels. What waits for another is not told any more; nor is what was over long before anybody was
    /// told.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn set_channels(&self, channels: Vec<ChannelRules>) -> Result<()> {
        let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        let names = written("the channels' names", &names)?;
        self.write(move |tx| Box::pin(async move { tx.set_channels(&channels, &names).await }))
            .await
    }

    /// How every channel stands, by name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn channels(&self) -> Result<Listed<ChannelState>> {
        let of = |state: &str| {
            format!(
                "(SELECT count(*) FROM notify_delivery d WHERE d.channel = c.name AND d.state = '{state}' AND d.created_at > $1)"
            )
        };
        let sql = format!(
            "SELECT c.name, c.carrier, (SELECT count(*) FROM notify_delivery d WHERE d.channel = c.name AND d.state = 'pending') + (SELECT count(*) FROM notify_message m WHERE m.channel = c.name AND m.state = 'waiting'), \
                    {}, {}, {}, c.ok_at, c.failing_since, c.off_at, c.error FROM notify_channel c ORDER BY c.name",
            of("delivered"),
            of("given_up"),
            of("withheld")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.clock().now().minus(DAY).ms())
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing the channels of notifications"))?;
        Listed::read("notify_channel", &rows, |row| {
            Ok(ChannelState {
                channel: row.lossy(0)?,
                kind: row.lossy(1)?,
                waiting: row.read(2)?,
                delivered: row.read(3)?,
                given_up: row.read(4)?,
                withheld: row.read(5)?,
                last_success: time_at(row, 6)?,
                failing_since: time_at(row, 7)?,
                off_since: time_at(row, 8)?,
                last_error: (!row.is_null(9)).then(|| row.lossy(9)).transpose()?,
            })
        })
    }
}

impl Tx<'_> {
    /// Takes away what was told, or given up, long ago.
    pub(in crate::store) async fn prune_notifications(&mut self, before: Timestamp) -> Result<()> {
        for sql in [
            "DELETE FROM notify_message WHERE id IN (SELECT id FROM notify_message WHERE state <> 'waiting' AND created_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM notify_delivery d WHERE d.bundle = notify_message.bundle AND d.state = 'pending') LIMIT 50000)",
            "DELETE FROM notify_delivery WHERE id IN (SELECT id FROM notify_delivery WHERE state <> 'pending' AND created_at < $1 LIMIT 50000)",
        ] {
            sqlx::query(sql)
                .bind(before.ms())
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("taking away what was told long ago"))?;
        }
        Ok(())
    }

    async fn set_channels(&mut self, channels: &[ChannelRules], names: &str) -> Result<()> {
        let now = self.now.ms();
        for sql in [
            "UPDATE notify_message SET state = 'dropped', why = 'no such channel is configured any more' \
             WHERE state = 'waiting' AND channel NOT IN (SELECT value FROM json_each($1)) AND $2 IS NOT NULL",
            "UPDATE notify_delivery SET state = 'given_up', finished_at = $2, error = 'no such channel is configured any more' \
             WHERE state = 'pending' AND channel NOT IN (SELECT value FROM json_each($1))",
            "DELETE FROM notify_channel WHERE name NOT IN (SELECT value FROM json_each($1)) AND $2 IS NOT NULL",
        ] {
            sqlx::query(sql)
                .bind(names)
                .bind(now)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("forgetting channels that are gone"))?;
        }
        sqlx::query(
            "UPDATE notify_message SET state = 'dropped', why = 'over long before anybody was told' WHERE state = 'waiting' AND alert_id IN \
             (SELECT id FROM alert WHERE cleared_at IS NOT NULL AND last_at < $1) AND what <> 'over'",
        )
        .bind(self.now.minus(STALE).ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("forgetting what is over"))?;
        for channel in channels {
            self.keep_channel(channel).await?;
        }
        Ok(())
    }

    async fn keep_channel(&mut self, channel: &ChannelRules) -> Result<()> {
        let kinds = (!channel.kinds.is_empty()).then(|| format!("|{}|", channel.kinds.join("|")));
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        // Switched on again: whoever starts the daemon anew has looked at it.
        sqlx::query(
            "INSERT INTO notify_channel (name, carrier, kinds, urgent_only, after_ms, repeats, wait_ms, tells_care, tells_over, tells_each) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (name) DO UPDATE SET carrier = $2, kinds = $3, urgent_only = $4, after_ms = $5, repeats = $6, wait_ms = $7, \
                    tells_care = $8, tells_over = $9, tells_each = $10, off_at = NULL",
        )
        .bind(&channel.name)
        .bind(channel.carrier)
        .bind(kinds)
        .bind(channel.urgent_only)
        .bind(ms(channel.after))
        .bind(channel.repeats)
        .bind(ms(channel.wait))
        .bind(channel.tells_care)
        .bind(channel.tells_over)
        .bind(channel.tells_each)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("writing down a channel of notifications"))?;
        Ok(())
    }
}
