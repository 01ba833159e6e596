//! A delivery that is withheld, since its channel reaches somebody who is being contained. What it tells goes to the other channels.

use revoked_trail::{Entry, EntryKind};

use super::Suspended;
use crate::model::Actor;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Withholds a delivery for good. Where nobody else gets what it tells, the other channels are told: at once, those that would not have been
    /// asked among them.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn withhold(&self, id: i64, reached: Suspended) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.withhold(id, &reached).await }))
            .await
    }
}

impl Tx<'_> {
    async fn withhold(&mut self, id: i64, reached: &Suspended) -> Result<()> {
        let row = sqlx::query(
            "UPDATE notify_delivery SET state = 'withheld', finished_at = $1, error = $2 WHERE id = $3 AND state = 'pending' \
             RETURNING channel, bundle, uid",
        )
        .bind(self.now.ms())
        .bind(format!("it reaches somebody of the unfinished case {}", reached.case))
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("withholding a delivery"))?;
        let Some(row) = row else { return Ok(()) };
        let (channel, bundle, uid): (String, i64, String) = (row.lossy(0)?, row.read(1)?, row.lossy(2)?);
        let alerts = self.alerts_of(bundle).await?;
        let mut entry = Entry::new(EntryKind::AlertWithheld, Actor::Daemon)
            .subject_ref(&reached.subject_ref)
            .detail(serde_json::json!({ "channel": channel, "delivery": uid, "alerts": alerts }));
        entry.case = Some(reached.case);
        self.record(&entry);
        let told: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM notify_delivery WHERE bundle = ? AND state IN ('pending', 'delivered'))",
        )
        .bind(bundle)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking who else is told"))?;
        if told {
            Ok(())
        } else {
            self.tell_the_others(&channel, bundle).await
        }
    }

    /// Tells every other channel what a bundle tells: what would come there later comes now.
    async fn tell_the_others(&mut self, channel: &str, bundle: i64) -> Result<()> {
        for sql in [
            "UPDATE notify_message SET due = $1 WHERE state = 'waiting' AND due > $1 AND channel <> $3 AND what IN ('raised', 'again', 'unstable') \
             AND alert_id IN (SELECT alert_id FROM notify_message WHERE bundle = $2)",
            "INSERT OR IGNORE INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
             SELECT CAST(c.name AS TEXT), m.alert_id, m.thread, m.what, m.urgent, $1, m.created_at \
             FROM notify_message m JOIN notify_channel c ON c.name <> $3 AND c.off_at IS NULL AND NOT c.tells_each \
             WHERE m.bundle = $2 AND m.alert_id IS NOT NULL AND m.what NOT IN ('acknowledged', 'over') \
             AND NOT EXISTS (SELECT 1 FROM notify_message o WHERE o.alert_id = m.alert_id AND o.channel = c.name AND o.state <> 'dropped')",
        ] {
            sqlx::query(sql)
                .bind(self.now.ms())
                .bind(bundle)
                .bind(channel)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("telling the other channels"))?;
        }
        Ok(())
    }
}
