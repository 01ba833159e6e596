//! Alerts: durable rows that `status` shows until they are cleared or over. The same trouble again counts up instead of adding a row.

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use super::{Listed, Result, Store, StoreError, Tx};
use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, time_at};

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What kind of trouble: from a closed set, see `docs/operating.md`.
    pub kind: String,
    /// What it is about: `hold:3`, `target:chat`.
    pub key: String,
    /// One sentence for a person.
    pub summary: String,
    /// The case it belongs to.
    pub case: Option<i64>,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// When it was last raised.
    pub last_at: Timestamp,
    /// How often.
    pub times: i64,
    /// When it was cleared or over.
    pub cleared_at: Option<Timestamp>,
    /// By whom.
    pub cleared_by: Option<String>,
}

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

    /// Whether an alert of that kind stands about that thing.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn alert_is_open(&self, kind: &str, key: &str) -> Result<bool> {
        Ok(self.open_alert(kind, key).await?.is_some())
    }

    /// Clears an alert on an operator's word.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where it is cleared already.
    pub async fn clear_alert(&self, id: i64, by: Actor, note: Option<String>) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.clear_alert(id, &by, note.as_deref()).await }))
            .await
    }

    /// The open alerts, newest first; with `all`, the cleared ones too (the newest 200).
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn alerts(&self, all: bool) -> Result<Listed<Alert>> {
        let sql = if all {
            "SELECT id, kind, key, summary, case_id, raised_at, last_at, times, cleared_at, cleared_by FROM alert \
             ORDER BY last_at DESC, id DESC LIMIT 200"
        } else {
            "SELECT id, kind, key, summary, case_id, raised_at, last_at, times, cleared_at, cleared_by FROM alert \
             WHERE cleared_at IS NULL ORDER BY last_at DESC, id DESC LIMIT 200"
        };
        let rows = sqlx::query(sql)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing alerts"))?;
        Listed::read("alert", &rows, |row| {
            Ok(Alert {
                id: row.read(0)?,
                kind: row.read(1)?,
                key: row.read(2)?,
                summary: row.read(3)?,
                case: row.read(4)?,
                raised_at: Timestamp::from_ms(row.read(5)?),
                last_at: Timestamp::from_ms(row.read(6)?),
                times: row.read(7)?,
                cleared_at: time_at(row, 8)?,
                cleared_by: row.read(9)?,
            })
        })
    }

    async fn open_alert(&self, kind: &str, key: &str) -> Result<Option<i64>> {
        sqlx::query_scalar("SELECT id FROM alert WHERE kind = ? AND key = ? AND cleared_at IS NULL")
            .bind(kind)
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for an alert"))
    }
}

impl Tx<'_> {
    pub(super) async fn raise_alert(&mut self, kind: &str, key: &str, summary: &str, case: Option<i64>) -> Result<()> {
        self.raise_alert_discreetly(kind, key, summary, summary, case).await
    }

    /// The same, where the log is to say it in other words than whoever reads alerts is told: the summary names what may name people.
    pub(super) async fn raise_alert_discreetly(
        &mut self,
        kind: &str,
        key: &str,
        summary: &str,
        logged: &str,
        case: Option<i64>,
    ) -> Result<()> {
        let row = sqlx::query(
            "INSERT INTO alert (kind, key, summary, case_id, raised_at, last_at) VALUES ($1, $2, $3, $4, $5, $5) \
             ON CONFLICT (kind, key) WHERE cleared_at IS NULL DO UPDATE SET times = min(times, 4294967295) + 1, last_at = $5, summary = $3 \
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
        tracing::warn!(alert.id = id, alert.kind = kind, "{logged}");
        let mut entry = Entry::new(EntryKind::AlertRaised, Actor::Daemon)
            .detail(serde_json::json!({ "alert": id, "kind": kind, "key": key, "times": times }));
        entry.case = case;
        self.record(&entry);
        Ok(())
    }

    pub(super) async fn end_alert(&mut self, kind: &str, key: &str) -> Result<()> {
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
            self.record(
                &Entry::new(EntryKind::AlertCleared, Actor::Daemon)
                    .detail(serde_json::json!({ "alert": id, "kind": kind, "key": key })),
            );
        }
        Ok(())
    }

    async fn clear_alert(&mut self, id: i64, by: &Actor, note: Option<&str>) -> Result<()> {
        let touched = sqlx::query("UPDATE alert SET cleared_at = ?, cleared_by = ? WHERE id = ? AND cleared_at IS NULL")
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("clearing an alert"))?;
        if touched.rows_affected() == 0 {
            let there = sqlx::query("SELECT 1 FROM alert WHERE id = ?")
                .bind(id)
                .fetch_optional(&mut *self.conn)
                .await;
            return Err(match there.map_err(StoreError::sql("looking for an alert"))? {
                Some(_) => StoreError::Refused(format!("alert {id} is cleared already")),
                None => StoreError::NotFound { what: "alert", id },
            });
        }
        self.record(&Entry::new(EntryKind::AlertCleared, by.clone()).detail(serde_json::json!({ "alert": id, "note": note })));
        Ok(())
    }
}
