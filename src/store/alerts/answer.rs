//! What an operator says to an alert: that it is looked after, or dealt with.

use revoked_trail::{Entry, EntryKind};

use crate::model::Actor;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Acknowledges alerts: they stay open, and need nobody else until they are raised anew. All of them, or none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where one is cleared already.
    pub async fn acknowledge_alerts(&self, ids: Vec<i64>, by: Actor, note: Option<String>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for id in ids {
                    tx.acknowledge_alert(id, &by, note.as_deref()).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Clears an alert on an operator's word.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where it is cleared already.
    pub async fn clear_alert(&self, id: i64, by: Actor, note: Option<String>) -> Result<()> {
        self.clear_alerts(vec![id], by, note).await
    }

    /// The same for several: all of them, or none.
    ///
    /// # Errors
    /// As [`Store::clear_alert`].
    pub async fn clear_alerts(&self, ids: Vec<i64>, by: Actor, note: Option<String>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for id in ids {
                    tx.clear_alert(id, &by, note.as_deref()).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl Tx<'_> {
    async fn acknowledge_alert(&mut self, id: i64, by: &Actor, note: Option<&str>) -> Result<()> {
        let (kind, key) = self.open_alert_of(id).await?;
        sqlx::query("UPDATE alert SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_note = ? WHERE id = ?")
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(note)
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("acknowledging an alert"))?;
        self.record(&Entry::new(EntryKind::AlertAcknowledged, by.clone()).detail(serde_json::json!({ "alert": id, "note": note })));
        self.tell_acknowledged((id, &kind, &key)).await
    }

    async fn clear_alert(&mut self, id: i64, by: &Actor, note: Option<&str>) -> Result<()> {
        let (kind, key) = self.open_alert_of(id).await?;
        sqlx::query("UPDATE alert SET cleared_at = ?, cleared_by = ? WHERE id = ?")
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("clearing an alert"))?;
        self.record(&Entry::new(EntryKind::AlertCleared, by.clone()).detail(serde_json::json!({ "alert": id, "note": note })));
        self.tell_over((id, &kind, &key), true).await
    }

    /// Kind and key of an alert that is open.
    async fn open_alert_of(&mut self, id: i64) -> Result<(String, String)> {
        let row = sqlx::query("SELECT cleared_at, kind, key FROM alert WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for an alert"))?
            .ok_or(StoreError::NotFound { what: "alert", id })?;
        match time_at(&row, 0) {
            Ok(None) => Ok((row.lossy(1)?, row.lossy(2)?)),
            _ => Err(StoreError::Refused(format!("alert {id} is cleared already"))),
        }
    }
}
