//! The batches that there are, the newest first.

use serde::Serialize;

use super::id_of_batch;
use super::progress::BatchProgress;
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// What was asked for as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchRequest {
    /// By what it is found.
    pub batch: String,
    /// When.
    pub asked_at: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// Why: the reason's word.
    pub reason: String,
    /// A playbook other than the reason's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// One target of the playbook alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Why in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A batch in a list.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct BatchView {
    /// What was asked for.
    #[serde(flatten)]
    pub request: BatchRequest,
    /// How far it is; whom it failed about stands with the batch itself.
    #[serde(flatten)]
    pub progress: BatchProgress,
}

impl Store {
    /// What was asked for as the batch of that key.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where there is none.
    pub async fn batch_request(&self, key: &str) -> Result<BatchRequest> {
        let row =
            sqlx::query("SELECT requested_by, reason, playbook, target, note FROM inbox WHERE set_key = $1 ORDER BY id LIMIT 1")
                .bind(key)
                .fetch_optional(self.readers())
                .await
                .map_err(StoreError::sql("reading what was asked for as one"))?
                .ok_or_else(|| StoreError::Refused("there is no such batch, or it was over long ago".to_owned()))?;
        let lossy = |index: usize| (!row.is_null(index)).then(|| row.lossy(index)).transpose();
        Ok(BatchRequest {
            batch: id_of_batch(key),
            asked_at: Timestamp::from_ms(written_at(key).unwrap_or_default()),
            requested_by: row.lossy(0)?,
            reason: row.lossy(1)?,
            playbook: lossy(2)?,
            target: lossy(3)?,
            note: lossy(4)?,
        })
    }

    /// The newest batches, those alone that were asked for before `before`, in milliseconds since the epoch.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn batches(&self, before: Option<i64>, limit: usize) -> Result<Vec<BatchView>> {
        // From one key to the next: the index is not read through.
        let keys = sqlx::query(
            "WITH RECURSIVE keys (key) AS (SELECT min(set_key) FROM inbox WHERE set_key IS NOT NULL \
                 UNION ALL SELECT (SELECT min(set_key) FROM inbox WHERE set_key > k.key) FROM keys k WHERE k.key IS NOT NULL) \
             SELECT key FROM keys WHERE key IS NOT NULL",
        )
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing batches"))?;
        let keys = keys.iter().map(|row| row.lossy(0)).collect::<Result<Vec<String>>>()?;
        let mut dated: Vec<(i64, String)> = keys
            .into_iter()
            .filter_map(|key| Some((written_at(&key)?, key)))
            .filter(|(at, _)| before.is_none_or(|before| *at < before))
            .collect();
        dated.sort_unstable_by(|one, other| other.cmp(one));
        dated.truncate(limit);
        let mut batches = Vec::with_capacity(dated.len());
        for (_, key) in dated {
            batches.push(BatchView {
                request: self.batch_request(&key).await?,
                progress: self.batch_counts(&key).await?,
            });
        }
        Ok(batches)
    }
}

/// When a list was written, by its key; nothing where another program has written one of its own.
fn written_at(key: &str) -> Option<i64> {
    key.rsplit_once(':').and_then(|(_, ms)| ms.parse().ok())
}
