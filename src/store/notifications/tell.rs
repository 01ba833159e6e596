//! From an alert to its messages, in the alert's own transaction: one statement writes them for every channel that is to be told.
//!
//! A row of a channel that another program has spoilt must not keep an alert from being raised: what comes of it is passed over.

use std::time::Duration;

use super::AGAIN;
use crate::model::{Urgency, urgency_of};
use crate::store::{Result, StoreError, Tx};

/// What is raised again sooner than this after it was over was never over, for those who are told.
const QUIET: Duration = Duration::from_mins(5);
/// Raised so often within [`UNSTABLE_WITHIN`], it is unstable: no more is told until it is quiet for so long.
const UNSTABLE: i64 = 3;
const UNSTABLE_WITHIN: Duration = Duration::from_hours(1);

/// The channels that are told of an alert: `$1` its number, `$2` its kind, `$3` its thread, `$4` whether it is urgent, `$5` now, `$6` its key.
/// A channel is not told of its own trouble.
const TOLD: &str = "FROM notify_channel c WHERE c.off_at IS NULL AND (c.kinds IS NULL OR instr(c.kinds, '|' || $2 || '|') > 0) \
     AND ($4 OR NOT c.urgent_only) AND NOT ($2 IN ('notify_failing', 'notify_refused') AND $6 = 'channel:' || c.name) \
     AND NOT ($2 = 'alert_untold' AND c.tells_each)";

/// Whether the last thing that was told in the thread on the channel, or is about to be, is that there is trouble.
const IS_OPEN: &str = "coalesce((SELECT m.what <> 'over' FROM notify_message m WHERE m.thread = $3 AND m.channel = c.name \
     AND m.state <> 'dropped' ORDER BY m.id DESC LIMIT 1), 0)";

/// An alert as its messages need it: its number, its kind, its key.
type ToTell<'a> = (i64, &'a str, &'a str);

impl Tx<'_> {
    /// Writes the messages about an alert that was raised, for the first time or again.
    pub(in crate::store) async fn tell_raised(&mut self, alert: ToTell<'_>, is_first: bool) -> Result<()> {
        if !is_first {
            let again = format!(
                "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
                 SELECT CAST(c.name AS TEXT), $1, $3, 'again', $4, \
                        CAST(max($5 + c.after_ms + (NOT $4) * c.wait_ms, \
                                 coalesce((SELECT max(m.due) FROM notify_message m WHERE m.thread = $3 AND m.channel = c.name \
                                           AND m.state <> 'dropped' AND m.what <> 'over') + $7, 0)) AS INTEGER), $5 \
                 {TOLD} AND NOT EXISTS (SELECT 1 FROM notify_message m WHERE m.alert_id = $1 AND m.channel = c.name \
                                        AND m.state = 'waiting' AND m.what IN ('raised', 'again', 'unstable'))"
            );
            return self.write_messages(&again, alert, ms(AGAIN)).await;
        }
        let raised = self.raised_lately(alert).await?;
        self.drop_messages(
            "UPDATE notify_message SET state = 'dropped', why = 'raised again' \
             WHERE thread = $1 AND state = 'waiting' AND what = 'over'",
            thread(alert),
        )
        .await?;
        let first = format!(
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT CAST(c.name AS TEXT), $1, $3, CASE WHEN $7 AND NOT c.tells_each THEN 'unstable' ELSE 'raised' END, $4, \
                    CAST($5 + c.after_ms + (NOT $4) * c.wait_ms AS INTEGER), $5 {TOLD} AND (c.tells_each OR $7 OR NOT {IS_OPEN})"
        );
        self.write_messages(&first, alert, i64::from(raised == UNSTABLE)).await
    }

    /// Writes the messages about an alert that is over, and drops those that say that it is there. What ended by itself may come again at once:
    /// then nobody is told that it was over.
    pub(in crate::store) async fn tell_over(&mut self, alert: ToTell<'_>, by_operator: bool) -> Result<()> {
        self.drop_messages(
            "UPDATE notify_message SET state = 'dropped', why = 'over before it was told' WHERE alert_id = $1 AND state = 'waiting' \
             AND what <> 'over' AND channel NOT IN (SELECT name FROM notify_channel WHERE tells_each)",
            alert.0,
        )
        .await?;
        let wait = if self.raised_lately(alert).await? >= UNSTABLE {
            UNSTABLE_WITHIN
        } else if by_operator {
            Duration::ZERO
        } else {
            QUIET
        };
        let over = format!(
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT CAST(c.name AS TEXT), $1, $3, 'over', $4, CAST($5 + $7 + (NOT $4) * c.wait_ms AS INTEGER), $5 \
             {TOLD} AND c.tells_over AND {IS_OPEN}"
        );
        self.write_messages(&over, alert, ms(wait)).await
    }

    /// Writes the messages about an alert that somebody looks after now, and ends its escalation.
    pub(in crate::store) async fn tell_acknowledged(&mut self, alert: ToTell<'_>) -> Result<()> {
        self.drop_messages(
            "UPDATE notify_message SET state = 'dropped', why = 'acknowledged' WHERE alert_id = $1 AND state = 'waiting' \
             AND (what = 'reminder' OR channel IN (SELECT name FROM notify_channel WHERE after_ms > 0)) AND what <> 'over'",
            alert.0,
        )
        .await?;
        let care = format!(
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT CAST(c.name AS TEXT), $1, $3, 'acknowledged', $4, CAST($5 + (NOT $4) * c.wait_ms AS INTEGER), $5 \
             {TOLD} AND c.tells_care AND $7 = 0 AND {IS_OPEN}"
        );
        self.write_messages(&care, alert, 0).await
    }

    /// Writes the messages about an alert whose acknowledgement has ended: the first step is told at once, the others in their turn.
    pub(super) async fn tell_expired(&mut self, alert: ToTell<'_>) -> Result<()> {
        let expired = format!(
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT CAST(c.name AS TEXT), $1, $3, 'expired', $4, CAST($5 + c.after_ms + (NOT $4) * c.wait_ms AS INTEGER), $5 \
             {TOLD} AND NOT c.tells_each AND $7 = 0"
        );
        self.write_messages(&expired, alert, 0).await
    }

    async fn write_messages(&mut self, sql: &str, alert: ToTell<'_>, seventh: i64) -> Result<()> {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(alert.0)
            .bind(alert.1)
            .bind(thread(alert))
            .bind(urgency_of(alert.1) == Urgency::Urgent)
            .bind(self.now.ms())
            .bind(alert.2)
            .bind(seventh)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("writing the messages about an alert"))?;
        Ok(())
    }

    async fn drop_messages<'q, B>(&mut self, sql: &'static str, which: B) -> Result<()>
    where
        B: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        sqlx::query(sql)
            .bind(which)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("dropping messages about an alert"))?;
        Ok(())
    }

    /// How often the same trouble was raised after it had been over, lately.
    async fn raised_lately(&mut self, alert: ToTell<'_>) -> Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM alert WHERE kind = ? AND key = ? AND raised_at > ?")
            .bind(alert.1)
            .bind(alert.2)
            .bind(self.now.minus(UNSTABLE_WITHIN).ms())
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("counting how often an alert was raised"))
    }
}

/// Kind and object.
fn thread((_, kind, key): ToTell<'_>) -> String {
    format!("{kind}/{key}")
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
