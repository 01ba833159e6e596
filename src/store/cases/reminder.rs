//! Holds that nobody decides, and batches that somebody has paused, come to mind again. They never decide themselves.

use std::time::Duration;

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Raises the alert of each open hold and of each paused batch again that was last spoken of at least `after` ago.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn remind_of_holds(&self, after: Duration) -> Result<usize> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT key, summary, kind = 'hold' FROM alert WHERE kind IN ('hold', 'batch_paused') AND cleared_at IS NULL AND last_at <= $1 \
                     ORDER BY id",
                )
                .bind(tx.now.minus(after).ms())
                .fetch_all(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("looking for holds that nobody has decided"))?;
                for row in &rows {
                    let (key, summary): (String, String) = (row.read(0)?, row.read(1)?);
                    if row.read(2)? {
                        let logged = format!("{key} still waits for a decision");
                        tx.raise_alert_discreetly("hold", &key, &summary, &logged, None).await?;
                    } else {
                        let logged = format!("{key} is still paused");
                        tx.raise_alert_discreetly("batch_paused", &key, &summary, &logged, None).await?;
                    }
                }
                Ok(rows.len())
            })
        })
        .await
    }
}
