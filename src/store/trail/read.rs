//! Reading the trail, and keeping the checkpoints that were signed over it.

use revoked_trail::{Frontier, Hash};
use sqlx::Row as _;

use crate::model::Timestamp;
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

/// One row of the trail as the file holds it, sound or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// Its place.
    pub seq: u64,
    /// The bytes of the line.
    pub body: Vec<u8>,
    /// The bytes of the stored leaf hash.
    pub leaf: Vec<u8>,
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
        let row = sqlx::query("SELECT size, frontier FROM trail_head WHERE id = 1")
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("reading the trail's head"))?;
        let size = u64::try_from(row.get::<i64, _>(0)).unwrap_or(0);
        Frontier::from_bytes(size, row.get::<&[u8], _>(1)).map_err(|error| StoreError::Corrupt {
            table: "trail_head",
            id: 1,
            why: error.to_string(),
        })
    }

    /// Fixes the trail as it is now, for verification and export.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trail_snapshot(&self) -> Result<TrailSnapshot> {
        self.readers()
            .begin()
            .await
            .map(TrailSnapshot)
            .map_err(StoreError::sql("fixing the trail for reading"))
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

    /// Keeps a signed checkpoint. Not an entry of the trail: it would move the head that it signs.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_checkpoint(&self, size: u64, note: String) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO checkpoint (size, note, at) VALUES (?, ?, ?) ON CONFLICT (size) DO NOTHING")
                    .bind(i64::try_from(size).unwrap_or(i64::MAX))
                    .bind(note)
                    .bind(tx.now.ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("keeping a checkpoint"))?;
                Ok(())
            })
        })
        .await
    }
}

/// The trail as it was at one instant, however long reading it takes and whatever a running daemon appends meanwhile.
pub struct TrailSnapshot(sqlx::Transaction<'static, sqlx::Sqlite>);

impl TrailSnapshot {
    /// Rows of the trail from `from` on, in order, as raw bytes: for verification and export, which must read damaged rows too.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn rows(&mut self, from: u64, limit: u32) -> Result<Vec<RawRow>> {
        let rows = sqlx::query("SELECT seq, CAST(body AS BLOB), CAST(leaf AS BLOB) FROM trail WHERE seq >= ? ORDER BY seq LIMIT ?")
            .bind(i64::try_from(from).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading the trail"))?;
        Ok(rows
            .iter()
            .map(|row| RawRow {
                seq: u64::try_from(row.get::<i64, _>(0)).unwrap_or(0),
                body: row.get(1),
                leaf: row.get(2),
            })
            .collect())
    }

    /// Every checkpoint kept, smallest first: `(size, note)`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn checkpoints(&mut self) -> Result<Vec<(u64, String)>> {
        let rows = sqlx::query("SELECT size, CAST(note AS BLOB) FROM checkpoint ORDER BY size")
            .fetch_all(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading checkpoints"))?;
        Ok(rows
            .iter()
            .map(|row| {
                // A damaged note is no note, which the verifier says; it must get to see it.
                let note = String::from_utf8_lossy(row.get::<&[u8], _>(1)).into_owned();
                (u64::try_from(row.get::<i64, _>(0)).unwrap_or(0), note)
            })
            .collect())
    }

    /// The note of the newest checkpoint kept.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn newest_checkpoint(&mut self) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
            .fetch_optional(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading the newest checkpoint"))
    }

    /// The stored roots of complete blocks: `(block, root)`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn blocks(&mut self) -> Result<Vec<(u64, Vec<u8>)>> {
        let rows = sqlx::query("SELECT block, CAST(root AS BLOB) FROM trail_block ORDER BY block")
            .fetch_all(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading the trail's blocks"))?;
        Ok(rows
            .iter()
            .map(|row| (u64::try_from(row.get::<i64, _>(0)).unwrap_or(0), row.get(1)))
            .collect())
    }

    /// The trail's head as stored, sound or not: `(size, frontier)`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn head(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let row = sqlx::query("SELECT size, CAST(frontier AS BLOB) FROM trail_head WHERE id = 1")
            .fetch_optional(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading the trail's head"))?;
        Ok(row.map(|row| (u64::try_from(row.get::<i64, _>(0)).unwrap_or(0), row.get(1))))
    }
}

fn read_row(row: &sqlx::sqlite::SqliteRow) -> Result<TrailRow> {
    let seq: i64 = row.get(0);
    let leaf = Hash::from_slice(row.get(2)).ok_or_else(|| StoreError::Corrupt {
        table: "trail",
        id: seq,
        why: "its leaf is not 32 bytes".to_owned(),
    })?;
    Ok(TrailRow {
        seq: u64::try_from(seq).unwrap_or(0),
        body: row.get(1),
        leaf,
    })
}
