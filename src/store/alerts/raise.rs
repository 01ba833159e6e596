//! Raising an alert, and ending one whose cause is gone.

use revoked_trail::{Entry, EntryKind};

use crate::model::Actor;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Raises an alert: a row, a `warn` line and a trail entry.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn raise_alert(&self, kind: &'static str, key: String, summary: String) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.raise_alert(kind, &key, &summary, None).await }))
            .await
    }

    /// Ends an alert whose cause is gone.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn end_alert(&self, kind: &'static str, key: String) -> Result<()> {
        if self.open_alert(kind, &key).await?.is_none() {
            return Ok(());
        }
        self.write(move |tx| Box::pin(async move { tx.end_alert(kind, &key).await }))
            .await
    }

    /// Ends every alert of a kind.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn end_alerts(&self, kind: &'static str) -> Result<()> {
        let open = sqlx::query("SELECT key FROM alert WHERE kind = $1 AND cleared_at IS NULL")
            .bind(kind)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for alerts"))?;
        for row in &open {
            // One whose key cannot be read stands until an operator clears it by its number.
            if let Ok(key) = row.read(0) {
                self.end_alert(kind, key).await?;
            }
        }
        Ok(())
    }
}

impl Tx<'_> {
    pub(in crate::store) async fn raise_alert(&mut self, kind: &str, key: &str, summary: &str, case: Option<i64>) -> Result<()> {
        self.raise_alert_discreetly(kind, key, summary, summary, case).await
    }

    /// The same, where the log is to say it in other words than whoever reads alerts is told: the summary names what may name people.
    pub(in crate::store) async fn raise_alert_discreetly(
        &mut self,
        kind: &str,
        key: &str,
        summary: &str,
        logged: &str,
        case: Option<i64>,
    ) -> Result<()> {
        let row = sqlx::query(
            "INSERT INTO alert (kind, key, summary, case_id, raised_at, last_at) VALUES ($1, $2, $3, $4, $5, $5) \
             ON CONFLICT (kind, key) WHERE cleared_at IS NULL DO UPDATE SET times = min(times, 4294967295) + 1, last_at = $5, summary = $3, \
                    case_id = coalesce($4, case_id), acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_note = NULL \
             RETURNING id, times",
        )
        .bind(kind)
        .bind(key)
        .bind(summary)
        .bind(case)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("raising an alert"))?;
        let (id, times): (i64, i64) = (row.read(0)?, row.read(1)?);
        if self.told.insert(id) {
            tracing::warn!(alert.id = id, alert.kind = kind, "{logged}");
        }
        let mut entry = Entry::new(EntryKind::AlertRaised, Actor::Daemon)
            .detail(serde_json::json!({ "alert": id, "kind": kind, "key": key, "times": times }));
        entry.case = case;
        self.record(&entry);
        self.tell_raised((id, kind, key), times == 1).await
    }

    pub(in crate::store) async fn end_alert(&mut self, kind: &str, key: &str) -> Result<()> {
        let id: Option<i64> = sqlx::query_scalar(
            "UPDATE alert SET cleared_at = ?, cleared_by = 'daemon' WHERE kind = ? AND key = ? AND cleared_at IS NULL RETURNING id",
        )
        .bind(self.now.ms())
        .bind(kind)
        .bind(key)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("ending an alert"))?;
        if let Some(id) = id {
            tracing::info!(alert.id = id, alert.kind = kind, "an alert is over");
            self.record(
                &Entry::new(EntryKind::AlertCleared, Actor::Daemon)
                    .detail(serde_json::json!({ "alert": id, "kind": kind, "key": key })),
            );
            self.tell_over((id, kind, key), false).await?;
        }
        Ok(())
    }
}
