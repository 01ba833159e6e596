//! Who has signed in at the page: by a link that opens once, or elsewhere; for a bounded time.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::tokens::{Bearer, read_bearer};
use super::{NOTED_EVERY, NewCredential, hash_of};
use crate::model::{Actor, Role, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// What the secret of every session begins with.
const SESSION_PREFIX: &str = "rvs_";
/// How long a link is good.
const LINK_LIFE: Duration = Duration::from_mins(5);
/// How long a session lasts, whatever is done in it.
const LIFE: Duration = Duration::from_hours(12);
/// How long it lasts while nothing is done.
const IDLE: Duration = Duration::from_mins(30);

impl Store {
    /// Makes a code that signs an operator in once, and answers it.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn make_sign_in_link(&self, operator: Actor, role: Role) -> Result<String> {
        let NewCredential { shown, hash } = NewCredential::draw("rvl_")?;
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sign_in_link WHERE expires_at <= $1")
                    .bind(tx.now.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("taking away links that have expired"))?;
                sqlx::query("INSERT INTO sign_in_link (hash, operator, role, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
                    .bind(hash.as_slice())
                    .bind(operator.to_string())
                    .bind(role.word())
                    .bind(tx.now.ms())
                    .bind(tx.now.plus(LINK_LIFE).ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("keeping a link"))?;
                Ok(())
            })
        })
        .await?;
        Ok(shown)
    }

    /// Signs in with the code of a link, which opens nothing more then; answers the secret of the session. `None` where the code is none, was used,
    /// or is too old: they look alike.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn sign_in(&self, code: &str) -> Result<Option<String>> {
        let spent = hash_of(code.as_bytes());
        // Whoever guesses does not reach the writer.
        let is_there: Option<i64> = sqlx::query_scalar("SELECT 1 FROM sign_in_link WHERE hash = $1")
            .bind(spent.as_slice())
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for a link"))?;
        if is_there.is_none() {
            return Ok(None);
        }
        let NewCredential { shown, hash } = NewCredential::draw(SESSION_PREFIX)?;
        let signed_in = self.write(move |tx| {
            Box::pin(async move {
                let row = sqlx::query("DELETE FROM sign_in_link WHERE hash = $1 AND expires_at > $2 RETURNING 0, operator, role")
                    .bind(spent.as_slice())
                    .bind(tx.now.ms())
                    .fetch_optional(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("looking for a link"))?;
                let Some(row) = row else { return Ok(false) };
                let Bearer { operator, role, .. } = read_bearer(&row)?;
                tx.begin_session(&hash, operator, role, LIFE).await?;
                Ok(true)
            })
        });
        Ok(signed_in.await?.then_some(shown))
    }

    /// Begins a session of somebody who is known by other means; answers its secret. It lasts `life` at the longest.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn begin_session(&self, operator: Actor, role: Role, life: Duration) -> Result<String> {
        let NewCredential { shown, hash } = NewCredential::draw(SESSION_PREFIX)?;
        self.write(move |tx| Box::pin(async move { tx.begin_session(&hash, operator, role, life.min(LIFE)).await }))
            .await?;
        Ok(shown)
    }

    /// Whose session that is, where it is good now. What is `by_hand` keeps it from ending for want of use; what an open page asks for by itself does not.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bearer_of_session(&self, secret: &str, by_hand: bool) -> Result<Option<Bearer>> {
        let now = self.clock().now();
        let row = sqlx::query(
            "SELECT id, operator, role, seen_at FROM page_session WHERE hash = $1 AND ended_at IS NULL AND began_at > $2 AND seen_at > $3 \
             AND (ends_at IS NULL OR ends_at > $4)",
        )
        .bind(hash_of(secret.as_bytes()).as_slice())
        .bind(now.minus(LIFE).ms())
        .bind(now.minus(IDLE).ms())
        .bind(now.ms())
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for a session"))?;
        let Some(row) = row else { return Ok(None) };
        let bearer = read_bearer(&row)?;
        let seen = Timestamp::from_ms(row.read(3)?);
        if by_hand && now.since(seen) >= NOTED_EVERY {
            self.note_use("UPDATE page_session SET seen_at = $2 WHERE id = $1", bearer.id)
                .await?;
        }
        Ok(Some(bearer))
    }

    /// Ends a session; with `all`, every session of its operator. Answers how many were ended.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn sign_out(&self, session: i64, all: bool, by: Actor) -> Result<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                let ended = sqlx::query(
                    "UPDATE page_session SET ended_at = $1 WHERE ended_at IS NULL AND (id = $2 OR $3 AND operator = $4)",
                )
                .bind(tx.now.ms())
                .bind(session)
                .bind(all)
                .bind(by.to_string())
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("ending sessions"))?
                .rows_affected();
                if ended > 0 {
                    let detail = serde_json::json!({ "session": session, "ended": ended });
                    tx.record(&Entry::new(EntryKind::OperatorSignedOut, by).detail(detail));
                }
                Ok(ended)
            })
        })
        .await
    }
}

impl Tx<'_> {
    async fn begin_session(&mut self, hash: &[u8; 32], operator: Actor, role: Role, life: Duration) -> Result<()> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO page_session (hash, operator, role, began_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $4, $5) RETURNING id",
        )
        .bind(hash.as_slice())
        .bind(operator.to_string())
        .bind(role.word())
        .bind(self.now.ms())
        .bind(self.now.plus(life).ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("beginning a session"))?;
        self.record(&Entry::new(EntryKind::OperatorSignedIn, operator).detail(serde_json::json!({ "session": id, "role": role })));
        Ok(())
    }
}
