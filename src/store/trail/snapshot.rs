//! A snapshot of the trail for verification and export: raw rows, checkpoints and block roots as of one instant.

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

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

impl Store {
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
        rows.iter()
            .map(|row| {
                Ok(RawRow {
                    seq: u64::try_from(row.read::<i64>(0)?).unwrap_or(0),
                    body: row.read(1)?,
                    leaf: row.read(2)?,
                })
            })
            .collect()
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
        rows.iter()
            .map(|row| {
                // A damaged note is no note, which the verifier says; it must get to see it.
                let note = String::from_utf8_lossy(row.read::<&[u8]>(1)?).into_owned();
                Ok((u64::try_from(row.read::<i64>(0)?).unwrap_or(0), note))
            })
            .collect()
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

    /// The note of the newest checkpoint that is known to have reached the file outside.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn newest_anchored(&mut self) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT note FROM checkpoint WHERE anchored = 1 ORDER BY size DESC LIMIT 1")
            .fetch_optional(&mut *self.0)
            .await
            .map_err(StoreError::sql("reading the newest checkpoint that is outside"))
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
        rows.iter()
            .map(|row| Ok((u64::try_from(row.read::<i64>(0)?).unwrap_or(0), row.read(1)?)))
            .collect()
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
        row.map(|row| Ok((u64::try_from(row.read::<i64>(0)?).unwrap_or(0), row.read(1)?)))
            .transpose()
    }
}
