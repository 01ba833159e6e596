//! What people write beside a case, and who looks after it.

use revoked_trail::{Behind, Entry, EntryKind};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::call_off::ensure_exists;
use crate::model::{Actor, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Listed, Result, Store, StoreError};

/// A note beside a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseNote {
    /// Its number, by which the trail names it.
    pub id: i64,
    /// What was written.
    pub note: String,
    /// By whom.
    pub written_by: String,
    /// When.
    pub written_at: Timestamp,
}

/// Under which login an operator looks after a case: an account that several become looks after nothing.
#[must_use]
pub fn login_of(operator: &Actor) -> Option<&str> {
    match operator {
        Actor::Operator { name, behind, .. } => Some(behind.as_ref().and_then(Behind::name).unwrap_or(name)),
        Actor::Daemon | Actor::Source { .. } => None,
    }
}

impl Store {
    /// Keeps a note beside a case, whatever its state, and answers the note's number. The trail has that alone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn note_case(&self, case: i64, note: String, by: Actor) -> Result<i64> {
        self.write(move |tx| {
            Box::pin(async move {
                ensure_exists(&mut *tx.conn, case).await?;
                let id: i64 = sqlx::query_scalar(
                    "INSERT INTO case_note (case_id, note, written_by, written_at) VALUES ($1, $2, $3, $4) RETURNING id",
                )
                .bind(case)
                .bind(note)
                .bind(by.to_string())
                .bind(tx.now.ms())
                .fetch_one(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("keeping a note"))?;
                let reference = reference_of(&mut *tx.conn, case).await?;
                tx.record(
                    &Entry::new(EntryKind::CaseNoted, by)
                        .case(case)
                        .subject_ref(&reference)
                        .detail(serde_json::json!({ "note": id })),
                );
                Ok(id)
            })
        })
        .await
    }

    /// Says who looks after a case, by their login; nobody with `None`. Answers who did before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn assign_case(&self, case: i64, owner: Option<String>, by: Actor) -> Result<Option<String>> {
        self.write(move |tx| {
            Box::pin(async move {
                ensure_exists(&mut *tx.conn, case).await?;
                let before: Option<String> = sqlx::query_scalar("SELECT owner FROM cases WHERE id = $1")
                    .bind(case)
                    .fetch_one(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("reading who looks after a case"))?;
                if before == owner {
                    return Ok(before);
                }
                sqlx::query("UPDATE cases SET owner = $1 WHERE id = $2")
                    .bind(&owner)
                    .bind(case)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("keeping who looks after a case"))?;
                let reference = reference_of(&mut *tx.conn, case).await?;
                tx.record(
                    &Entry::new(EntryKind::CaseAssigned, by)
                        .case(case)
                        .subject_ref(&reference)
                        .detail(serde_json::json!({ "owner": owner, "before": before })),
                );
                Ok(before)
            })
        })
        .await
    }

    /// The notes beside a case, oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn case_notes(&self, case: i64) -> Result<Listed<CaseNote>> {
        let rows = sqlx::query("SELECT id, note, written_by, written_at FROM case_note WHERE case_id = $1 ORDER BY id LIMIT 1000")
            .bind(case)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the notes of a case"))?;
        Listed::read("case_note", &rows, read_note)
    }
}

/// What stands for the person of a case: whoever reads the trail of somebody reads what was noted about them too.
async fn reference_of<'e>(executor: impl sqlx::SqliteExecutor<'e>, case: i64) -> Result<String> {
    sqlx::query_scalar("SELECT subject_ref FROM cases WHERE id = $1")
        .bind(case)
        .fetch_one(executor)
        .await
        .map_err(StoreError::sql("reading whom a case is about"))
}

fn read_note(row: &SqliteRow) -> Result<CaseNote> {
    Ok(CaseNote {
        id: row.read(0)?,
        note: row.read(1)?,
        written_by: row.read(2)?,
        written_at: Timestamp::from_ms(row.read(3)?),
    })
}
