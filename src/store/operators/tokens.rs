//! Tokens of the API: made by an operator, shown once, for programs and people elsewhere.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::{NOTED_EVERY, NewCredential, hash_of};
use crate::model::{Actor, Role, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Listed, Result, Store, StoreError};

/// What every token begins with.
pub const PREFIX: &str = "rvk_";
/// The longest life of a token, in days.
pub const LONGEST_DAYS: u64 = 366;
/// The longest life of a token.
const LONGEST: Duration = Duration::from_hours(24 * LONGEST_DAYS);
/// How long what it is for may be, in characters.
const LONGEST_NAME: usize = 100;

/// A token as lists have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// Whom it acts for.
    pub owner: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// By whom.
    pub ended_by: Option<String>,
}

/// Who shows a credential, and what that may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The number of the token or session.
    pub id: i64,
    /// Whom it acts for.
    pub operator: Actor,
    /// What it may do.
    pub role: Role,
}

impl Store {
    /// Makes a token, and answers its number and its text, which nobody can see again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it has no name, or lives for ever; where the store cannot be written.
    pub async fn make_token(&self, name: String, role: Role, life: Duration, by: Actor) -> Result<(i64, String)> {
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(StoreError::Refused(format!(
                "a token is for something: say it in 1 to {LONGEST_NAME} characters"
            )));
        }
        if life.is_zero() || life > LONGEST {
            return Err(StoreError::Refused(format!("a token lives up to {LONGEST_DAYS} days")));
        }
        let NewCredential { shown, hash } = NewCredential::draw(PREFIX)?;
        let made = self.write(move |tx| {
            Box::pin(async move {
                let expires = tx.now.plus(life);
                let id: i64 = sqlx::query_scalar(
                    "INSERT INTO api_token (hash, name, role, owner, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                )
                .bind(hash.as_slice())
                .bind(&name)
                .bind(role.word())
                .bind(by.to_string())
                .bind(tx.now.ms())
                .bind(expires.ms())
                .fetch_one(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("keeping a token"))?;
                tx.record(&Entry::new(EntryKind::TokenMade, by).detail(serde_json::json!({
                    "token": id, "name": name, "role": role, "expires_at": expires.ms(),
                })));
                Ok(id)
            })
        });
        Ok((made.await?, shown))
    }

    /// Ends a token.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where it was ended before.
    pub async fn end_token(&self, id: i64, by: Actor) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let ended: Option<Option<i64>> = sqlx::query_scalar("SELECT ended_at FROM api_token WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("reading a token"))?;
                match ended {
                    None => return Err(StoreError::NotFound { what: "token", id }),
                    Some(Some(_)) => return Err(StoreError::Refused(format!("token {id} was ended before"))),
                    Some(None) => {}
                }
                sqlx::query("UPDATE api_token SET ended_at = $2, ended_by = $3 WHERE id = $1")
                    .bind(id)
                    .bind(tx.now.ms())
                    .bind(by.to_string())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("ending a token"))?;
                tx.record(&Entry::new(EntryKind::TokenEnded, by).detail(serde_json::json!({ "token": id })));
                Ok(())
            })
        })
        .await
    }

    /// Every token, the newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tokens(&self) -> Result<Listed<ApiToken>> {
        let rows = sqlx::query(
            "SELECT id, name, role, owner, made_at, expires_at, used_at, ended_at, ended_by FROM api_token ORDER BY id DESC LIMIT 1000",
        )
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing tokens"))?;
        Listed::read("api_token", &rows, read_token)
    }

    /// Whose token that is, where it is good now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn bearer_of_token(&self, shown: &[u8]) -> Result<Option<Bearer>> {
        let now = self.clock().now();
        let row =
            sqlx::query("SELECT id, owner, role, used_at FROM api_token WHERE hash = $1 AND ended_at IS NULL AND expires_at > $2")
                .bind(hash_of(shown).as_slice())
                .bind(now.ms())
                .fetch_optional(self.readers())
                .await
                .map_err(StoreError::sql("looking for a token"))?;
        let Some(row) = row else { return Ok(None) };
        let bearer = read_bearer(&row)?;
        let used = time_at(&row, 3)?;
        if used.is_none_or(|used| now.since(used) >= NOTED_EVERY) {
            self.note_use("UPDATE api_token SET used_at = $2 WHERE id = $1", bearer.id)
                .await?;
        }
        Ok(Some(bearer))
    }

    /// Writes down that a credential is used.
    pub(super) async fn note_use(&self, sql: &'static str, id: i64) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(sql)
                    .bind(id)
                    .bind(tx.now.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("noting that a credential is used"))?;
                Ok(())
            })
        })
        .await
    }
}

/// A number, an operator and a role.
pub(super) fn read_bearer(row: &SqliteRow) -> Result<Bearer> {
    let (operator, role): (String, String) = (row.read(1)?, row.read(2)?);
    let unreadable = |column: &str, why: String| StoreError::Unreadable {
        column: column.to_owned(),
        why,
    };
    Ok(Bearer {
        id: row.read(0)?,
        operator: operator
            .parse()
            .map_err(|_| unreadable("owner", "it is no operator".to_owned()))?,
        role: role
            .parse()
            .map_err(|error: crate::model::NoRole| unreadable("role", error.to_string()))?,
    })
}

fn read_token(row: &SqliteRow) -> Result<ApiToken> {
    Ok(ApiToken {
        id: row.read(0)?,
        name: row.read(1)?,
        role: row.read(2)?,
        owner: row.read(3)?,
        made_at: Timestamp::from_ms(row.read(4)?),
        expires_at: Timestamp::from_ms(row.read(5)?),
        used_at: time_at(row, 6)?,
        ended_at: time_at(row, 7)?,
        ended_by: row.read(8)?,
    })
}
