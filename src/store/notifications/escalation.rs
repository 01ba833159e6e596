//! Escalation, and what else time alone brings about: an acknowledgement that has lasted long enough, and a channel that has failed for too long.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::EXEC_CHANNEL;
use super::outcome::key_of;
use crate::model::{ALERT_KINDS, Actor, Urgency};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How long an acknowledgement keeps an escalation from going on.
const ACKNOWLEDGED_FOR: Duration = Duration::from_hours(1);
/// How long a channel may take nothing before the others are told.
const FAILING: Duration = Duration::from_mins(10);

/// Acknowledgements that have lasted for long enough. They end only where there is somebody else to be told next.
const LAPSED: &str = "SELECT id, kind, key FROM alert INDEXED BY alert_looked_after WHERE cleared_at IS NULL AND acknowledged_at IS NOT NULL \
     AND acknowledged_at <= $1 AND EXISTS (SELECT 1 FROM notify_channel c WHERE c.after_ms > 0 AND c.off_at IS NULL \
     AND (c.kinds IS NULL OR instr(c.kinds, '|' || alert.kind || '|') > 0) \
     AND (NOT c.urgent_only OR instr($2, '|' || alert.kind || '|') > 0)) ORDER BY id LIMIT 100";

impl Store {
    /// Ends acknowledgements that have lasted for an hour, where there is a next step, and alerts about channels that have failed for long.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn look_at_escalation(&self) -> Result<()> {
        let before = self.clock().now().minus(ACKNOWLEDGED_FOR).ms();
        let urgent = ALERT_KINDS.iter().filter(|(_, urgency, _)| *urgency == Urgency::Urgent);
        let urgent: String = urgent.fold("|".to_owned(), |all, (kind, ..)| all + kind + "|");
        let lapsed = sqlx::query(LAPSED)
            .bind(before)
            .bind(urgent)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for acknowledgements that have ended"))?;
        let lapsed: Vec<i64> = lapsed.iter().filter_map(|row| row.read(0).ok()).collect();
        let failing = sqlx::query(
            "SELECT name, error FROM notify_channel c WHERE failing_since <= $1 AND name <> $2 AND NOT EXISTS \
             (SELECT 1 FROM alert WHERE kind = 'notify_failing' AND key = 'channel:' || c.name AND cleared_at IS NULL)",
        )
        .bind(self.clock().now().minus(FAILING).ms())
        .bind(EXEC_CHANNEL)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for channels that fail"))?;
        let failing: Vec<(String, String)> = failing
            .iter()
            .filter_map(|row| Some((row.lossy(0).ok()?, row.lossy(1).unwrap_or_default())))
            .collect();
        if lapsed.is_empty() && failing.is_empty() {
            return Ok(());
        }
        self.write(move |tx| {
            Box::pin(async move {
                for id in lapsed {
                    tx.end_acknowledgement(id, before).await?;
                }
                for (channel, why) in failing {
                    let summary =
                        format!("channel {channel} has taken nothing for ten minutes: {why}; what is to be told there waits");
                    tx.raise_alert_once("notify_failing", &key_of(&channel), &summary).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl crate::store::Tx<'_> {
    async fn end_acknowledgement(&mut self, id: i64, before: i64) -> Result<()> {
        let row = sqlx::query(
            "UPDATE alert SET acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_note = NULL \
             WHERE id = ? AND cleared_at IS NULL AND acknowledged_at <= ? RETURNING kind, key",
        )
        .bind(id)
        .bind(before)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("ending an acknowledgement"))?;
        let Some(row) = row else { return Ok(()) };
        let (kind, key) = (row.lossy(0)?, row.lossy(1)?);
        self.record(&Entry::new(EntryKind::AlertAcknowledgementEnded, Actor::Daemon).detail(serde_json::json!({ "alert": id })));
        self.tell_expired((id, &kind, &key)).await
    }
}
