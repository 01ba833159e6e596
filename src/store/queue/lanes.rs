//! Durable state of lanes: whether one is paused and why, whether its breaker is open, and when its limiter next allows a call.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Pauses a lane and alerts. Again for a lane that is paused: nothing new.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn pause_lane(&self, target: &str, why: &str) -> Result<()> {
        if self.lane_paused(target).await?.is_some() {
            return Ok(());
        }
        let (target, why) = (target.to_owned(), why.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO lane (target, paused_at, paused_why) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (target) DO UPDATE SET paused_at = ?2, paused_why = ?3",
                )
                .bind(&target)
                .bind(tx.now.ms())
                .bind(&why)
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("pausing a lane"))?;
                tx.record(
                    &Entry::new(EntryKind::LanePaused, Actor::Daemon).detail(serde_json::json!({ "target": target, "why": why })),
                );
                let summary = format!("target {target} refuses us, its jobs wait: {why}");
                tx.raise_alert("lane_paused", &format!("target:{target}"), &summary, None)
                    .await
            })
        })
        .await
    }

    /// Lets a paused lane work again and ends its alert.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn resume_lane(&self, target: &str) -> Result<()> {
        let name = target.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let touched =
                    sqlx::query("UPDATE lane SET paused_at = NULL, paused_why = NULL WHERE target = ? AND paused_at IS NOT NULL")
                        .bind(&name)
                        .execute(&mut *tx.conn)
                        .await
                        .map_err(StoreError::sql("resuming a lane"))?;
                if touched.rows_affected() > 0 {
                    tx.record(&Entry::new(EntryKind::LaneResumed, Actor::Daemon).detail(serde_json::json!({ "target": name })));
                    tx.end_alert("lane_paused", &format!("target:{name}")).await?;
                }
                Ok(())
            })
        })
        .await?;
        self.wake_lanes(&[target.to_owned()]);
        Ok(())
    }

    /// Why a lane is paused, if it is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn lane_paused(&self, target: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT paused_why FROM lane WHERE target = ?")
            .bind(target)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a lane"))?;
        // What stands there is told on, and whatever it is, it says that the lane is paused.
        row.filter(|row| !row.is_null(0)).map(|row| row.lossy(0)).transpose()
    }

    /// Keeps when the limiter of a lane next allows a call, so that a restart grants no fresh burst.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_permit_time(&self, target: &str, next: Timestamp) -> Result<()> {
        let target = target.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO lane (target, next_permit_at) VALUES (?1, ?2) ON CONFLICT (target) DO UPDATE SET next_permit_at = ?2")
                    .bind(target)
                    .bind(next.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("keeping a lane's time"))?;
                Ok(())
            })
        })
        .await
    }

    /// See [`Store::keep_permit_time`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn permit_time(&self, target: &str) -> Result<Option<Timestamp>> {
        let row = sqlx::query("SELECT next_permit_at FROM lane WHERE target = ?")
            .bind(target)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a lane"))?;
        // One that cannot be read is none: the lane begins at its rate.
        Ok(row.and_then(|row| time_at(&row, 0).ok().flatten()))
    }

    /// Records that a lane's breaker opened or closed. An open breaker alerts.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_breaker(&self, target: &str, opened: Option<String>) -> Result<()> {
        let target = target.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let key = format!("target:{target}");
                if let Some(why) = opened {
                    tx.record(
                        &Entry::new(EntryKind::LaneBreakerOpened, Actor::Daemon)
                            .detail(serde_json::json!({ "target": target, "why": why })),
                    );
                    let summary = format!("target {target} does not answer, its jobs wait: {why}");
                    tx.raise_alert("target_down", &key, &summary, None).await
                } else {
                    tx.record(
                        &Entry::new(EntryKind::LaneBreakerClosed, Actor::Daemon).detail(serde_json::json!({ "target": target })),
                    );
                    tx.end_alert("target_down", &key).await
                }
            })
        })
        .await
    }
}
