//! Reads the trail: its head, and the entries that pass a filter.

use revoked_trail::{Frontier, Hash};

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::transaction::trail_append::read_frontier;
use crate::store::{Result, Store, StoreError};

/// One row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    /// Its place: also the index of its leaf.
    pub seq: u64,
    /// The line exactly as it was hashed.
    pub body: String,
    /// The stored leaf hash.
    pub leaf: Hash,
}

/// What `trail show` may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// One case.
    pub case: Option<i64>,
    /// One job.
    pub job: Option<i64>,
    /// One subject, by its reference.
    pub subject_refs: Option<Vec<String>>,
    /// Kinds that begin with this: `action.` or `hold.placed`.
    pub kind: Option<String>,
    /// From this instant on.
    pub since: Option<Timestamp>,
    /// From this place on.
    pub from: u64,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// The trail's frontier as stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is none.
    pub async fn trail_head(&self) -> Result<Frontier> {
        let mut conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("reading the trail's head"))?;
        read_frontier(&mut conn).await
    }

    /// The rows that pass `filter`, oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trail_search(&self, filter: &TrailFilter) -> Result<Vec<TrailRow>> {
        let rows = sqlx::query(
            "SELECT seq, body, leaf FROM trail WHERE seq >= ?1 \
             AND (?2 IS NULL OR body ->> '$.case' = ?2) AND (?3 IS NULL OR body ->> '$.job' = ?3) \
             AND (?4 IS NULL OR body ->> '$.subject_ref' IN (SELECT value FROM json_each(?4))) AND (?5 IS NULL OR substr(body ->> '$.kind', 1, length(?5)) = ?5) \
             AND (?6 IS NULL OR body ->> '$.at' >= ?6) ORDER BY seq LIMIT ?7",
        )
        .bind(i64::try_from(filter.from).unwrap_or(i64::MAX))
        .bind(filter.case)
        .bind(filter.job)
        .bind(filter.subject_refs.as_ref().map(|list| serde_json::to_string(list).unwrap_or_default()))
        .bind(filter.kind.as_deref())
        .bind(filter.since.map(Timestamp::ms))
        .bind(filter.limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("searching the trail"))?;
        rows.iter().map(read_row).collect()
    }
}

fn read_row(row: &sqlx::sqlite::SqliteRow) -> Result<TrailRow> {
    let seq: i64 = row.read(0)?;
    let leaf = Hash::from_slice(row.read(2)?).ok_or_else(|| StoreError::Corrupt {
        table: "trail",
        id: seq,
        why: "its leaf is not 32 bytes".to_owned(),
    })?;
    Ok(TrailRow {
        seq: u64::try_from(seq).unwrap_or(0),
        body: row.read(1)?,
        leaf,
    })
}
