//! Sign-ins that were begun here and go on elsewhere, at an OpenID provider. Each comes back once, within ten minutes.

use std::time::Duration;

use super::hash_of;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How long a sign-in may take.
const LIFE: Duration = Duration::from_mins(10);
/// How many may be under way; past that the oldest is forgotten.
const MOST: i64 = 1000;

impl Store {
    /// Takes note of a sign-in under this `state`, of which the SHA-256 is kept, and where it leads.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn begin_sign_in(&self, state: &str, next: String) -> Result<()> {
        let hash = hash_of(state.as_bytes());
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sign_in_begun WHERE expires_at <= $1")
                    .bind(tx.now.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("forgetting sign-ins that did not come back"))?;
                sqlx::query("INSERT INTO sign_in_begun (state_hash, next, expires_at) VALUES ($1, $2, $3)")
                    .bind(hash.as_slice())
                    .bind(&next)
                    .bind(tx.now.plus(LIFE).ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("noting that a sign-in has begun"))?;
                sqlx::query("DELETE FROM sign_in_begun WHERE id <= (SELECT max(id) FROM sign_in_begun) - $1")
                    .bind(MOST)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("forgetting the oldest sign-ins"))?;
                Ok(())
            })
        })
        .await
    }

    /// Where the sign-in under this `state` leads; it comes back no second time. `None` where none was begun, or it is too old.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn take_sign_in(&self, state: &str) -> Result<Option<String>> {
        let hash = hash_of(state.as_bytes());
        // Whoever guesses does not reach the writer.
        let is_there: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sign_in_begun WHERE state_hash = $1")
            .bind(hash.as_slice())
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for a sign-in"))?;
        if is_there.is_none() {
            return Ok(None);
        }
        self.write(move |tx| {
            Box::pin(async move {
                let row = sqlx::query("DELETE FROM sign_in_begun WHERE state_hash = $1 RETURNING next, expires_at")
                    .bind(hash.as_slice())
                    .fetch_optional(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("looking for a sign-in"))?;
                let Some(row) = row else { return Ok(None) };
                let (next, expires): (String, i64) = (row.read(0)?, row.read(1)?);
                Ok((expires > tx.now.ms()).then_some(next))
            })
        })
        .await
    }
}
