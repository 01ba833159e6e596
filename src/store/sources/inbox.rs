//! The table `inbox`: the documented door for other programs and for `revoked revoke`. Rows are untrusted input.

use revoked_trail::{Entry, EntryKind};
use secrecy::SecretString;
use sqlx::sqlite::SqliteRow;
use tokio::time::Duration;

use crate::digest::hex;
use crate::model::{Actor, CaseId, LeakedValue, digest_of_named, error_chain, has_form_of_id};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// How often the daemon looks for commits of other processes: 2 µs a look.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A row as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct InboxRow {
    /// Its number; 0 for one that is to be written.
    pub id: i64,
    /// Whom it is about, in canonical form or as a bare address.
    pub subject: String,
    /// A reason's word.
    pub reason: String,
    /// Who asks.
    pub requested_by: String,
    /// Free text.
    pub note: Option<String>,
    /// Makes a repetition harmless: the same key again is the same request.
    pub request_key: Option<String>,
    /// A playbook other than the reason's.
    pub playbook: Option<String>,
    /// One target of the playbook only.
    pub target: Option<String>,
    /// One session only: the digest of the target's id ([`digest_of_named`]), since a pasted value may be a secret.
    pub session: Option<String>,
    /// One access token only: the digest of the target's id.
    pub access_token: Option<String>,
    /// The column of those two whose value has not the form of an id.
    #[serde(skip)]
    pub malformed: Option<&'static str>,
    /// All sessions, and nothing else.
    pub all_sessions: bool,
    /// When to act, in milliseconds since the epoch; at once where it is null.
    pub act_at: Option<i64>,
    /// How long to go on looking and ending what comes back, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_out: Option<i64>,
    /// The digest of a credential that has leaked, in place of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaked: Option<String>,
    /// The credential itself, where it was not sealed already.
    #[serde(skip)]
    pub value: Option<LeakedValue>,
}

/// What all texts of a row may weigh together, in bytes: several times what the longest request does.
const LARGEST_ROW: i64 = 32 << 10;

/// What the texts of a row weigh. SQLite knows that of a value without reading it.
macro_rules! weight {
    () => {
        "(octet_length(subject) + octet_length(reason) + octet_length(requested_by) + coalesce(octet_length(note), 0) \
         + coalesce(octet_length(request_key), 0) + coalesce(octet_length(playbook), 0) + coalesce(octet_length(target), 0) \
         + coalesce(octet_length(session), 0) + coalesce(octet_length(access_token), 0) + coalesce(octet_length(leaked), 0))"
    };
}

/// A column of a row that does not weigh too much.
macro_rules! light {
    ($column:literal, $else:literal) => {
        concat!("iif(", weight!(), " <= ?2, ", $column, ", ", $else, "), ")
    };
}

/// The new rows, each with its weight.
const ROWS: &str = concat!(
    "SELECT id, ",
    light!("subject", "''"),
    light!("reason", "''"),
    light!("requested_by", "''"),
    light!("note", "NULL"),
    light!("request_key", "NULL"),
    light!("playbook", "NULL"),
    light!("target", "NULL"),
    light!("session", "NULL"),
    light!("access_token", "NULL"),
    "all_sessions, act_at, keep_out, ",
    light!("leaked", "NULL"),
    weight!(),
    " FROM inbox INDEXED BY inbox_new WHERE state = 'new' ORDER BY id LIMIT ?1"
);

/// Why a row is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRefusal {
    /// The cause, for the trail: from a closed set.
    pub code: &'static str,
    /// What is wrong and what to write instead, for whoever wrote the row. It may quote the row, shortened.
    pub why: String,
    /// SHA-256 of what the row asks for; `None` where it was not read.
    pub digest: Option<[u8; 32]>,
}

impl InboxRefusal {
    fn too_large(weight: i64) -> Self {
        Self {
            code: "too_large",
            why: format!("the row weighs {weight} bytes; a request may weigh {LARGEST_ROW}"),
            digest: None,
        }
    }

    fn unreadable(error: &StoreError) -> Self {
        Self {
            code: "unreadable",
            why: format!("{}: write the texts of a row as UTF-8", error_chain(error)),
            digest: None,
        }
    }
}

/// Reads a row of [`ROWS`].
fn read(id: i64, row: &SqliteRow) -> Result<InboxRow> {
    let (session, access_token): (Option<&str>, Option<&str>) = (row.read(8)?, row.read(9)?);
    let leaked: Option<&str> = row.read(13)?;
    let named = [("session", session), ("access_token", access_token)];
    Ok(InboxRow {
        id,
        subject: row.read(1)?,
        reason: row.read(2)?,
        requested_by: row.read(3)?,
        note: row.read(4)?,
        request_key: row.read(5)?,
        playbook: row.read(6)?,
        target: row.read(7)?,
        session: session.map(digest_of_named),
        access_token: access_token.map(digest_of_named),
        malformed: named
            .into_iter()
            .find_map(|(column, value)| (!has_form_of_id(value?)).then_some(column)),
        all_sessions: row.read(10)?,
        act_at: row.read(11)?,
        keep_out: row.read(12)?,
        leaked: leaked.map(digest_of_named),
        value: leaked
            .filter(|value| digest_of_named(value) != *value)
            .map(|value| LeakedValue(SecretString::from(value))),
    })
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
    pub async fn submit(&self, row: InboxRow) -> Result<i64> {
        let sealed = row.value.as_ref().map(|value| self.seal(&value.0)).transpose()?;
        self.write(move |tx| {
            Box::pin(async move {
                if let Some(sealed) = &sealed {
                    tx.keep_sealed(sealed).await?;
                }
                let done = sqlx::query(
                    "INSERT INTO inbox (subject, reason, requested_by, note, request_key, playbook, target, session, access_token, \
                                        all_sessions, act_at, keep_out, leaked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("writing to the inbox"))?;
                Ok(done.last_insert_rowid())
            })
        })
        .await
    }

    /// The rows that nobody has looked at, oldest first, at most `limit`. One that is larger than any request is not read, and one that cannot
    /// be read is none: both are rejected here.
    ///
    /// # Errors
    /// Where the store cannot be read, or a row not be rejected.
    pub async fn inbox_new(&self, limit: u32) -> Result<Vec<InboxRow>> {
        let found = sqlx::query(ROWS)
            .bind(limit)
            .bind(LARGEST_ROW)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the inbox"))?;
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            let (id, weight): (i64, i64) = (row.read(0)?, row.read(14)?);
            if weight > LARGEST_ROW {
                self.reject_inbox(id, InboxRefusal::too_large(weight)).await?;
                continue;
            }
            // Another program wrote it: the next rows must not wait for one that nobody can read.
            match read(id, row) {
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
        let row = sqlx::query("SELECT state, case_id, why FROM inbox WHERE id = ?")
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn version(&mut self) -> Result<i64> {
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.conn)
            .await
            .map_err(StoreError::sql("watching for commits"))
    }
}

impl Tx<'_> {
    pub(in crate::store) async fn answer_inbox(
        &mut self,
        id: i64,
        state: &str,
        case: Option<i64>,
        why: Option<&str>,
    ) -> Result<()> {
        // What was written as a value may be a secret, and is one until a target has listed it: only what stands for it stays.
        let row = sqlx::query("SELECT session, access_token, leaked FROM inbox WHERE id = ? AND state = 'new'")
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
            "UPDATE inbox SET state = ?, case_id = ?, why = ?, taken_at = ?, session = ?, access_token = ?, leaked = ? \
             WHERE id = ? AND state = 'new'",
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
