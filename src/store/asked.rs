//! The table `asked`: what commands ask of the running daemon, and what it answers. What is asked is the business of whoever asks
//! (`daemon/asked`).

use super::columns::Columns as _;
use super::{Result, Store, StoreError};
use crate::model::{Actor, Timestamp};

/// A longer question is none of ours, and is not read.
const LONGEST_QUESTION: i64 = 256 << 10;

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQuestion {
    /// Its number.
    pub id: i64,
    /// What is asked, as JSON.
    pub question: String,
    /// Who asks.
    pub asked_by: String,
}

impl Store {
    /// Writes a question for the daemon, and answers its number.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn put_question(&self, question: String, by: Actor) -> Result<i64> {
        let now = self.clock().now();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query_scalar("INSERT INTO asked (question, asked_by, asked_at) VALUES ($1, $2, $3) RETURNING id")
                    .bind(question)
                    .bind(by.to_string())
                    .bind(now.ms())
                    .fetch_one(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("asking the daemon"))
            })
        })
        .await
    }

    /// The questions without an answer, the oldest first. One that cannot be read is passed over: it goes after its hour.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_questions(&self) -> Result<Vec<OpenQuestion>> {
        let rows = sqlx::query(
            "SELECT id, question, asked_by FROM asked WHERE answer IS NULL AND length(question) <= $1 ORDER BY id LIMIT 64",
        )
        .bind(LONGEST_QUESTION)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading what commands ask"))?;
        let read = rows.iter().filter_map(|row| {
            Some(OpenQuestion {
                id: row.read(0).ok()?,
                question: row.read(1).ok()?,
                asked_by: row.read(2).ok()?,
            })
        });
        Ok(read.collect())
    }

    /// Writes the answer to a question, where somebody still waits for it.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn answer_question(&self, id: i64, answer: String) -> Result<()> {
        let now = self.clock().now();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE asked SET answer = $2, answered_at = $3 WHERE id = $1 AND answer IS NULL")
                    .bind(id)
                    .bind(answer)
                    .bind(now.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("answering a command"))?;
                Ok(())
            })
        })
        .await
    }

    /// The answer to a question, where there is one yet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where nobody asks it any more.
    pub async fn answer_to(&self, id: i64) -> Result<Option<String>> {
        let row = sqlx::query("SELECT answer FROM asked WHERE id = $1")
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the daemon's answer"))?
            .ok_or(StoreError::NotFound { what: "question", id })?;
        row.read(0)
    }

    /// Takes a question away with its answer.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn forget_question(&self, id: i64) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM asked WHERE id = $1")
                    .bind(id)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("taking away what was asked"))?;
                Ok(())
            })
        })
        .await
    }

    /// Takes away what was asked before an instant: whoever asked it does not wait any more.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn forget_questions(&self, before: Timestamp) -> Result<()> {
        let old = "SELECT count(*) FROM asked WHERE asked_at < $1";
        let count: i64 = sqlx::query_scalar(old)
            .bind(before.ms())
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("looking for what nobody has fetched"))?;
        if count == 0 {
            return Ok(());
        }
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM asked WHERE asked_at < $1")
                    .bind(before.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("taking away what nobody has fetched"))?;
                Ok(())
            })
        })
        .await
    }
}
