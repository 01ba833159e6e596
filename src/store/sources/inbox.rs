//! The table `inbox`: the documented way in for other programs and for `revoked revoke`. Rows are untrusted input.

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;

use super::inbox_row::{INBOX_ROWS, InboxRefusal, InboxRow, LARGEST_ROW, WEIGHT, read_row};
use crate::digest::hex;
use crate::model::{Actor, CaseId, SignalReceipt, digest_of_named};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// The rows that nobody has looked at yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct WaitingRequests {
    /// How many there are.
    pub count: i64,
    /// Whom the first of them are about, as it was written.
    pub first: Vec<String>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InboxAnswer {
    /// `new`, `accepted` or `rejected`.
    pub state: String,
    /// The case it led to.
    pub case: Option<CaseId>,
    /// Why it was rejected, or held, or ignored.
    pub why: Option<String>,
}

impl Store {
    /// Writes a request and answers its number. Works while the daemon is down: it is taken up at its start.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn submit_request(&self, row: InboxRow) -> Result<i64> {
        let sealed = row.value.as_ref().map(|value| self.seal(&value.0)).transpose()?;
        self.write(move |tx| {
            Box::pin(async move {
                if let Some(sealed) = &sealed {
                    tx.keep_sealed(sealed).await?;
                }
                tx.insert_inbox(row).await
            })
        })
        .await
    }

    /// How many rows nobody has looked at yet, and whom the first `named` of them are about.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn waiting_requests(&self, named: u32) -> Result<WaitingRequests> {
        let doing = || StoreError::sql("looking what waits in the inbox");
        let count = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE state = 'new'")
            .fetch_one(self.readers())
            .await
            .map_err(doing())?;
        // Another program may have written anything, and much of it.
        let rows = sqlx::query(
            "SELECT CASE WHEN leaked IS NULL THEN substr(subject, 1, 200) ELSE 'a leaked credential' END \
             FROM inbox WHERE state = 'new' ORDER BY id LIMIT $1",
        )
        .bind(named)
        .fetch_all(self.readers())
        .await
        .map_err(doing())?;
        let first = rows.iter().map(|row| row.lossy(0)).collect::<Result<_>>()?;
        Ok(WaitingRequests { count, first })
    }

    /// Rows that nobody has looked at, those of the most urgent reasons alone, oldest first, at most `limit`. One that is larger than any request
    /// is not read, and one that cannot be read is none: both are rejected here.
    ///
    /// # Errors
    /// Where the store cannot be read, or a row not be rejected.
    pub async fn inbox_new(&self, limit: u32) -> Result<Vec<InboxRow>> {
        let found = sqlx::query(INBOX_ROWS)
            .bind(limit)
            .bind(LARGEST_ROW)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the inbox"))?;
        self.read_requests(&found).await
    }

    /// Reads rows as requests, and rejects what is none.
    pub(super) async fn read_requests(&self, found: &[SqliteRow]) -> Result<Vec<InboxRow>> {
        let mut rows = Vec::with_capacity(found.len());
        for row in found {
            let (id, weight): (i64, i64) = (row.read(0)?, row.read(WEIGHT)?);
            if weight > LARGEST_ROW {
                self.reject_inbox(id, InboxRefusal::too_large(weight)).await?;
                continue;
            }
            // Another program wrote it: the next rows must not wait for one that nobody can read.
            match read_row(id, row) {
                Ok(row) => rows.push(row),
                Err(error) => self.reject_inbox(id, InboxRefusal::unreadable(&error)).await?,
            }
        }
        Ok(rows)
    }

    /// Marks a row that cannot be read as a request. The row itself gets the reason, which may quote it; the trail gets the cause and a digest.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn reject_inbox(&self, id: i64, refusal: InboxRefusal) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(
                    &Entry::new(EntryKind::InboxRejected, Actor::source("inbox")).detail(serde_json::json!({
                        "row": id, "code": refusal.code, "sha256": refusal.digest.map(|digest| hex(&digest)),
                    })),
                );
                tx.answer_inbox(id, "rejected", None, Some(&refusal.why)).await
            })
        })
        .await
    }

    /// What became of a row.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn inbox_answer(&self, id: i64) -> Result<InboxAnswer> {
        let row = sqlx::query("SELECT state, case_id, why FROM inbox WHERE id = $1")
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the inbox"))?
            .ok_or(StoreError::NotFound { what: "inbox row", id })?;
        Ok(InboxAnswer {
            state: row.read(0)?,
            case: row.read::<Option<i64>>(1)?.map(CaseId),
            why: row.read(2)?,
        })
    }
}

impl Tx<'_> {
    /// Writes a request and answers its number.
    pub(super) async fn insert_inbox(&mut self, row: InboxRow) -> Result<i64> {
        sqlx::query_scalar(
            "INSERT INTO inbox (subject, reason, requested_by, note, request_key, playbook, target, session, access_token, \
                                all_sessions, act_at, keep_out, leaked, set_key) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
        )
        .bind(row.subject)
        .bind(row.reason)
        .bind(row.requested_by)
        .bind(row.note)
        .bind(row.request_key)
        .bind(row.playbook)
        .bind(row.target)
        .bind(row.session.as_deref().map(digest_of_named))
        .bind(row.access_token.as_deref().map(digest_of_named))
        .bind(row.all_sessions)
        .bind(row.act_at)
        .bind(row.keep_out)
        .bind(row.leaked)
        .bind(row.set_key)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("writing to the inbox"))
    }

    pub(in crate::store) async fn answer_request(&mut self, row: i64, receipt: &SignalReceipt) -> Result<()> {
        // The row is told in full; the trail in words that are ours alone.
        let (kind, state, case, why, ours) = match receipt {
            SignalReceipt::Accepted { case, held } => {
                let why = held.then_some("held: see revoked hold list");
                (EntryKind::InboxAccepted, "accepted", Some(*case), why, why)
            }
            SignalReceipt::Repeated { case } => {
                let why = Some("the request key was used before");
                (EntryKind::InboxAccepted, "accepted", *case, why, why)
            }
            SignalReceipt::Ignored { why } => {
                let ours = Some("nothing follows from it");
                (EntryKind::InboxRejected, "rejected", None, Some(why.as_str()), ours)
            }
            SignalReceipt::Conflict => {
                let why = Some("the request key was used before for another request");
                (EntryKind::InboxRejected, "rejected", None, why, why)
            }
        };
        let mut entry = Entry::new(kind, Actor::source("inbox")).detail(serde_json::json!({ "row": row, "why": ours }));
        entry.case = case.map(|case| case.0);
        self.record(&entry);
        self.answer_inbox(row, state, case.map(|case| case.0), why).await
    }

    async fn answer_inbox(&mut self, id: i64, state: &str, case: Option<i64>, why: Option<&str>) -> Result<()> {
        // What was written as a value may be a secret, and is one until a target has listed it: only what stands for it stays.
        let row = sqlx::query("SELECT session, access_token, leaked FROM inbox WHERE id = $1 AND state = 'new'")
            .bind(id)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading an inbox row"))?;
        let Some(row) = row else { return Ok(()) };
        // Read as bytes, since what another program wrote need not be UTF-8.
        let digest = |index| {
            let written: Option<&[u8]> = row.read(index)?;
            Ok(written.map(|written| digest_of_named(&String::from_utf8_lossy(written))))
        };
        let values = (0..3).map(digest).collect::<Result<Vec<Option<String>>>>()?;
        sqlx::query(
            "UPDATE inbox SET state = $1, case_id = $2, why = $3, taken_at = $4, session = $5, access_token = $6, leaked = $7 \
             WHERE id = $8 AND state = 'new'",
        )
        .bind(state)
        .bind(case)
        .bind(why)
        .bind(self.now.ms())
        .bind(&values[0])
        .bind(&values[1])
        .bind(&values[2])
        .bind(id)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("answering an inbox row"))?;
        Ok(())
    }
}
