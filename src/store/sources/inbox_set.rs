//! Lists in the inbox: rows that are written as one, decided about as one, and found again when the same list comes within a day.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;

use super::inbox_row::{INBOX_SET, InboxRow, LARGEST_ROW};
use crate::digest::{hex, sha256};
use crate::model::{Subject, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How long the same list is the same request.
const SAME_FOR: Duration = Duration::from_hours(24);

/// What a list asks for, of which its hash is made.
#[derive(Debug, Clone, Copy)]
pub struct AskedOfSet<'s> {
    /// The reason's word.
    pub reason: &'s str,
    /// A playbook other than the reason's.
    pub playbook: Option<&'s str>,
    /// One target only.
    pub target: Option<&'s str>,
    /// All sessions, and nothing else.
    pub all_sessions: bool,
    /// How long what comes back is ended, in seconds.
    pub keep_out: Option<u64>,
    /// When, as it was written.
    pub at: Option<&'s str>,
    /// What makes a repetition another request.
    pub key: Option<&'s str>,
}

impl AskedOfSet<'_> {
    /// SHA-256 over what is asked for whom, the first 16 hexadecimal digits. The note does not count.
    #[must_use]
    pub fn digest(&self, people: &[Subject]) -> String {
        let mut names: Vec<String> = people.iter().map(ToString::to_string).collect();
        names.sort();
        let asked = serde_json::json!({
            "reason": self.reason, "playbook": self.playbook, "target": self.target, "all_sessions": self.all_sessions,
            "keep_out": self.keep_out, "at": self.at, "key": self.key, "people": names,
        });
        hex(&sha256(asked.to_string().as_bytes())).chars().take(16).collect()
    }
}

/// A list as it stands in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedSet {
    /// Each row's number with whom it is about.
    pub rows: Vec<(i64, String)>,
    /// By what it is found again.
    pub key: String,
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
                    key,
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
    Ok(Some(SubmittedSet {
        rows,
        key,
        before: Some(at),
    }))
}
