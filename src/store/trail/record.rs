//! Records entries about the daemon's own life, and keeps the checkpoints that were signed over the trail.

use revoked_trail::{Entry, EntryKind};

use crate::model::Actor;
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Records an entry about the daemon's own life.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record(&self, kind: EntryKind, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(kind, Actor::Daemon).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Records an entry about a case.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_about(&self, kind: EntryKind, case: i64, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(kind, Actor::Daemon).case(case).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Records what an operator has done to the trail.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_by(&self, kind: EntryKind, by: Actor, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(kind, by).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Keeps a signed checkpoint, and whether it has reached the file outside. Not an entry of the trail: it would move the head that it signs.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_checkpoint(&self, size: u64, note: String, anchored: bool) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO checkpoint (size, note, at, anchored) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (size) DO UPDATE SET anchored = 1 WHERE excluded.anchored = 1",
                )
                .bind(i64::try_from(size).unwrap_or(i64::MAX))
                .bind(note)
                .bind(tx.now.ms())
                .bind(anchored)
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("keeping a checkpoint"))?;
                Ok(())
            })
        })
        .await
    }
}
