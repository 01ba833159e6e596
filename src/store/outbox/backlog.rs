//! The backlog of the outbox: what waits for a receiver, what it has, and what it refused.

use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// What waits for a receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Pending {
    /// Tokens that wait to be told.
    pub pending: i64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// How many of them are handshakes.
    pub handshakes: i64,
}

/// How a receiver's part of the outbox stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Backlog {
    /// What waits.
    #[serde(flatten)]
    pub waiting: Pending,
    /// Tokens that the receiver acknowledged and that retention has kept.
    pub delivered: i64,
    /// Tokens that it refused.
    pub refused: i64,
    /// Tokens that were given up.
    pub dead: i64,
    /// When it last acknowledged one.
    pub last_delivered: Option<Timestamp>,
    /// What went wrong last with a token that it does not have.
    pub last_error: Option<String>,
}

impl Store {
    /// Where one token stands, and what went wrong with it last.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn event_state(&self, jti: &str) -> Result<Option<(String, Option<String>)>> {
        let row = sqlx::query("SELECT state, error FROM outbox WHERE jti = ?")
            .bind(jti)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the outbox"))?;
        let text = |row: &SqliteRow| Ok((row.lossy(0)?, (!row.is_null(1)).then(|| row.lossy(1)).transpose()?));
        row.as_ref().map(text).transpose()
    }

    /// What waits for a receiver: cheap, however much it has been told before.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn pending(&self, receiver: &str) -> Result<Pending> {
        let row = sqlx::query(
            "SELECT coalesce((SELECT n FROM tally WHERE what = 'outbox' AND word = 'pending' AND about = $1), 0), \
                    (SELECT min(created_at) FROM outbox WHERE receiver = $1 AND state = 'pending'), \
                    (SELECT count(*) FROM outbox WHERE receiver = $1 AND case_id IS NULL AND state = 'pending')",
        )
        .bind(receiver)
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(Pending {
            pending: row.read(0)?,
            oldest: time_at(&row, 1)?,
            handshakes: row.read(2)?,
        })
    }

    /// When the newest handshake for a receiver was written.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_verification(&self, receiver: &str) -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT max(created_at) FROM outbox INDEXED BY outbox_handshakes WHERE receiver = ? AND case_id IS NULL",
        )
        .bind(receiver)
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(at.map(Timestamp::from_ms))
    }

    /// How a receiver's part of the outbox stands, by counters and indexes.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn backlog(&self, receiver: &str) -> Result<Backlog> {
        let waiting = self.pending(receiver).await?;
        let row = sqlx::query(BACKLOG)
            .bind(receiver)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("reading the outbox"))?;
        Ok(Backlog {
            waiting,
            delivered: row.read(0)?,
            refused: row.read(1)?,
            dead: row.read(2)?,
            last_delivered: time_at(&row, 3)?,
            last_error: (!row.is_null(4)).then(|| row.lossy(4)).transpose()?,
        })
    }
}

/// What has become of a receiver's tokens.
const BACKLOG: &str = "SELECT coalesce((SELECT n FROM tally WHERE what = 'outbox' AND word = 'delivered' AND about = $1), 0), \
     coalesce((SELECT n FROM tally WHERE what = 'outbox' AND word = 'refused' AND about = $1), 0), \
     coalesce((SELECT n FROM tally WHERE what = 'outbox' AND word = 'dead' AND about = $1), 0), \
     (SELECT max(finished_at) FROM outbox WHERE receiver = $1 AND state = 'delivered'), \
     (SELECT error FROM outbox WHERE receiver = $1 AND error IS NOT NULL AND state <> 'delivered' ORDER BY id DESC LIMIT 1)";

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::clock::Clock;
    use crate::store::Role;

    #[tokio::test]
    async fn the_backlog_reads_counters_and_one_row_of_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
        store.close().await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut conn = options.connect().await.unwrap();
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {BACKLOG}")))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        let steps: Vec<String> = plan.iter().map(|step| step.read(3).unwrap()).collect();
        for index in ["outbox_acknowledged (receiver=?)", "outbox_trouble (receiver=?)"] {
            assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        }
        let scans = steps
            .iter()
            .any(|step| step.starts_with("SCAN") && !step.contains("CONSTANT"));
        assert!(!scans && !steps.iter().any(|step| step.contains("ORDER BY")), "{steps:?}");
    }
}
