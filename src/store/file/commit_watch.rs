//! Watches for commits of other processes: commands of ours, and programs that write into the inbox.

use std::time::Duration;

use crate::store::{Result, Store, StoreError};

/// How often the daemon looks for commits of other processes: 2 µs a look.
const POLL_EVERY: Duration = Duration::from_millis(20);

impl Store {
    /// A watch on commits, of any process.
    ///
    /// # Errors
    /// Where no connection can be had.
    pub async fn watch_commits(&self) -> Result<CommitWatch> {
        let conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("watching for commits"))?;
        // Detached, so that the pool never closes or lends the connection whose counter this is.
        let mut watch = CommitWatch {
            conn: conn.detach(),
            seen: 0,
        };
        watch.seen = watch.version().await?;
        Ok(watch)
    }
}

/// Notices commits of other connections by SQLite's own counter. `inotify` on the log fires before the commit is visible and misses some.
pub struct CommitWatch {
    conn: sqlx::SqliteConnection,
    seen: i64,
}

impl CommitWatch {
    /// Returns after something was committed, within 20 ms of it.
    ///
    /// # Errors
    /// Where the counter cannot be read.
    pub async fn changed(&mut self) -> Result<()> {
        loop {
            let version = self.version().await?;
            if version != self.seen {
                self.seen = version;
                return Ok(());
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    async fn version(&mut self) -> Result<i64> {
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.conn)
            .await
            .map_err(StoreError::sql("watching for commits"))
    }
}
