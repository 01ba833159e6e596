//! Lists in the inbox: rows that are written as one, decided about as one, and found again when the same list comes within a day.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;

use super::inbox_row::{INBOX_SET, InboxRow, LARGEST_ROW};
use crate::digest::{hex, sha256};
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How long the same list is the same request.
const SAME_FOR: Duration = Duration::from_hours(24);

/// A list as it stands in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedSet {
    /// Each row's number with whom it is about.
    pub rows: Vec<(i64, String)>,
    /// When it was written, where that was before: the same list within a day.
    pub before: Option<Timestamp>,
}

impl Store {
    /// A list (`digest`) that was written within a day.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn submitted_set(&self, digest: &str) -> Result<Option<SubmittedSet>> {
        let doing = || StoreError::sql("looking for the same list");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        submitted(&mut conn, digest, self.clock().now()).await
    }

    /// Writes a list as one, or finds it where the same one (`digest`: of what is asked for whom) was written within a day.
    ///
    /// # Errors
    /// Where the store cannot be written: nothing of the list stands there then.
    pub async fn submit_set(&self, digest: String, rows: Vec<InboxRow>) -> Result<SubmittedSet> {
        self.write(move |tx| {
            Box::pin(async move {
                if let Some(submitted) = submitted(tx.conn, &digest, tx.now).await? {
                    return Ok(submitted);
                }
                let key = format!("{digest}:{}", tx.now.ms());
                let mut written = Vec::with_capacity(rows.len());
                for row in rows {
                    let subject = row.subject.clone();
                    let about: String = hex(&sha256(subject.as_bytes())).chars().take(16).collect();
                    let id = tx
                        .insert_inbox(InboxRow {
                            request_key: Some(format!("set:{key}:{about}")),
                            set_key: Some(key.clone()),
                            ..row
                        })
                        .await?;
                    written.push((id, subject));
                }
                Ok(SubmittedSet {
                    rows: written,
                    before: None,
                })
            })
        })
        .await
    }

    /// The rows of a list that nobody has looked at, all of them. What is no request is rejected here.
    ///
    /// # Errors
    /// Where the store cannot be read, or a row not be rejected.
    pub async fn inbox_set(&self, key: &str) -> Result<Vec<InboxRow>> {
        let found = sqlx::query(INBOX_SET)
            .bind(key)
            .bind(LARGEST_ROW)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading a list in the inbox"))?;
        self.read_requests(&found).await
    }
}

/// The newest writing of a list within a day.
async fn submitted(conn: &mut SqliteConnection, digest: &str, now: Timestamp) -> Result<Option<SubmittedSet>> {
    let key: Option<String> = sqlx::query_scalar("SELECT max(set_key) FROM inbox WHERE set_key > $1 AND set_key < $2")
        .bind(format!("{digest}:"))
        .bind(format!("{digest};"))
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::sql("looking for the same list"))?;
    let Some(key) = key else { return Ok(None) };
    let at = key
        .rsplit_once(':')
        .and_then(|(_, ms)| ms.parse().ok())
        .map(Timestamp::from_ms);
    let Some(at) = at.filter(|at| now.since(*at) < SAME_FOR) else {
        return Ok(None);
    };
    let rows = sqlx::query("SELECT id, subject FROM inbox WHERE set_key = $1 ORDER BY id")
        .bind(&key)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("reading a list in the inbox"))?;
    let rows = rows
        .iter()
        .map(|row| Ok((row.read(0)?, row.lossy(1)?)))
        .collect::<Result<_>>()?;
    Ok(Some(SubmittedSet { rows, before: Some(at) }))
}
