//! One row of the table `inbox` as untrusted input: read within limits of size, or refused with a reason.

use secrecy::SecretString;
use sqlx::sqlite::SqliteRow;

use crate::model::{LeakedValue, digest_of_named, error_chain, has_form_of_id};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError};

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
    /// The list that it was written with, where it came as one of several that are decided about as one.
    #[serde(skip)]
    pub set_key: Option<String>,
}

/// What all texts of a row may weigh together, in bytes: several times what the longest request does.
pub(super) const LARGEST_ROW: i64 = 32 << 10;

/// What the texts of a row weigh. SQLite knows that of a value without reading it.
macro_rules! weight {
    () => {
        "(octet_length(subject) + octet_length(reason) + octet_length(requested_by) + coalesce(octet_length(note), 0) \
         + coalesce(octet_length(request_key), 0) + coalesce(octet_length(playbook), 0) + coalesce(octet_length(target), 0) \
         + coalesce(octet_length(session), 0) + coalesce(octet_length(access_token), 0) + coalesce(octet_length(leaked), 0) \
         + coalesce(octet_length(set_key), 0))"
    };
}

/// A column of a row that does not weigh too much.
macro_rules! light {
    ($column:literal, $else:literal) => {
        concat!("CASE WHEN ", weight!(), " <= $2 THEN ", $column, " ELSE ", $else, " END, ")
    };
}

/// A new row with its weight.
macro_rules! row {
    () => {
        concat!(
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
            light!("set_key", "NULL"),
            weight!(),
            " FROM inbox WHERE state = 'new'"
        )
    };
}

/// The new rows of the most urgent reasons that there are, each with its weight. The rest waits: an urgent row must not share a transaction
/// with hundreds that are not.
pub(super) const INBOX_ROWS: &str = concat!(
    row!(),
    " AND urgency = (SELECT min(urgency) FROM inbox WHERE state = 'new') ORDER BY id LIMIT $1"
);

/// The new rows of the list `$1`.
pub(super) const INBOX_SET: &str = concat!(row!(), " AND set_key = $1 ORDER BY id");

/// The column of a row's weight.
pub(super) const WEIGHT: usize = 15;

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
    pub(super) fn too_large(weight: i64) -> Self {
        Self {
            code: "too_large",
            why: format!("the row weighs {weight} bytes; a request may weigh {LARGEST_ROW}"),
            digest: None,
        }
    }

    pub(super) fn unreadable(error: &StoreError) -> Self {
        Self {
            code: "unreadable",
            why: format!("{}: write the texts of a row as UTF-8", error_chain(error)),
            digest: None,
        }
    }
}

/// Reads a row of [`INBOX_ROWS`].
pub(super) fn read_row(id: i64, row: &SqliteRow) -> Result<InboxRow> {
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
        set_key: row.read(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::Timestamp;
    use crate::store::{Role, Store};

    /// A million rows wait: nothing may walk through them, or sort them.
    #[tokio::test]
    async fn the_next_rows_are_found_by_the_index_alone() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp::from_ms(1_764_000_000_000));
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, clock)
            .await
            .unwrap();
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {INBOX_ROWS}")))
            .bind(64)
            .bind(LARGEST_ROW)
            .fetch_all(store.readers())
            .await
            .unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.read(3).unwrap()).collect();
        let by_index = steps
            .iter()
            .filter(|step| step.starts_with("SEARCH inbox USING") && step.contains("INDEX inbox_waiting"));
        assert_eq!(by_index.count(), 2, "{steps:?}");
        assert!(
            !steps
                .iter()
                .any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE")),
            "{steps:?}"
        );
        store.close().await;
    }
}
