//! Health probes of the store: whether the writer commits, whether the file can be read.

use std::time::Duration;

use super::privacy::{LOG, beside, real_path};
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Goes once through the writer and commits nothing of note: the watchdog's proof that mutations still get through.
    ///
    /// # Errors
    /// Where the writer does not answer with a commit.
    pub async fn probe_writer(&self) -> Result<()> {
        self.write(|_| Box::pin(async { Ok(()) })).await
    }

    /// Whether the writer lives and waits for nothing but a lock that another process holds.
    #[must_use]
    pub fn waits_for_lock(&self) -> bool {
        self.0.lock_wait.borrow().is_some_and(|wait| wait.is_fresh())
    }

    /// Waits until the writer has waited for `length` for a lock that another process holds. False where it ended without. For a command, which
    /// tells whoever typed it what it waits for.
    pub async fn has_waited_for_lock(&self, length: Duration) -> bool {
        let mut waits = self.0.lock_wait.clone();
        let long = waits.wait_for(|wait| wait.is_some_and(|wait| wait.length() >= length));
        long.await.is_ok()
    }

    /// How many bytes the write-ahead log has. Looked up by name and never opened: closing any descriptor of the file would drop SQLite's
    /// locks. Absent means empty.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        // SQLite puts it beside the file that is meant, whatever name that was reached by.
        std::fs::metadata(beside(&real_path(self.path()), LOG)).map_or(0, |log| log.len())
    }

    /// Reads what accepting a delivery would read, from the file and not from memory.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn probe_readers(&self) -> Result<()> {
        let failed = || StoreError::sql("reading the store");
        let mut conn = self.readers().acquire().await.map_err(failed())?;
        for sql in [
            // What a connection has read before it would answer from memory.
            "PRAGMA shrink_memory",
            "SELECT count(*) FROM sqlite_schema",
            "SELECT max(id) FROM signal",
            "SELECT max(id) FROM cases",
            "SELECT max(id) FROM job",
            "SELECT max(id) FROM inbox",
            "SELECT count(*) FROM alert WHERE cleared_at IS NULL",
            "SELECT body FROM trail ORDER BY seq DESC LIMIT 1",
        ] {
            sqlx::query(sql).fetch_optional(&mut *conn).await.map_err(failed())?;
        }
        Ok(())
    }
}
