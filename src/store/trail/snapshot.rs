//! A snapshot of the trail for verification and export: raw rows, checkpoints and block roots as of one instant.

use revoked_trail::BLOCK;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

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

/// Rows of the trail in order, as raw bytes one behind the other.
#[derive(Debug)]
pub struct Portion {
    places: Vec<Place>,
    bytes: Vec<u8>,
}

/// Where a row's body begins, its leaf begins, and both end.
#[derive(Debug)]
struct Place {
    seq: u64,
    body: usize,
    leaf: usize,
    end: usize,
}

impl Portion {
    /// Each row: its number, its body, its leaf.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &[u8], &[u8])> {
        let part = |from, to| self.bytes.get(from..to).unwrap_or_default();
        self.places
            .iter()
            .map(move |place| (place.seq, part(place.body, place.leaf), part(place.leaf, place.end)))
    }

    /// The number of the last one, if there is any.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.places.last().map(|place| place.seq)
    }
}

impl Store {
    /// Fixes the trail as it is now, for verification and export.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trail_snapshot(&self) -> Result<TrailSnapshot> {
        TrailSnapshot::of(self.readers()).await
    }
}

/// The trail as it was at one instant, however long reading it takes and whatever a running daemon appends meanwhile.
pub struct TrailSnapshot(sqlx::Transaction<'static, sqlx::Sqlite>);

impl TrailSnapshot {
    /// That of the store which `pool` reads.
    pub(in crate::store) async fn of(pool: &SqlitePool) -> Result<Self> {
        let begun = pool.begin().await;
        begun.map(Self).map_err(StoreError::sql("fixing the trail for reading"))
    }

    /// Rows of the trail from `from` on, in order, as raw bytes: for verification and export, which must read damaged rows too.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn rows(&mut self, from: u64, limit: u32) -> Result<Vec<RawRow>> {
        // Behind the largest number there is nothing, not the row of that number once more.
        let Ok(from) = i64::try_from(from) else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query("SELECT seq, CAST(body AS BLOB), CAST(leaf AS BLOB) FROM trail WHERE seq >= ? ORDER BY seq LIMIT ?")
            .bind(from)
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

    /// The same packed: one row of SQLite's for many of the trail's, since each row costs more on its way here than verifying it does.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn portion(&mut self, from: u64, limit: u32) -> Result<Portion> {
        // As of single rows.
        let Ok(from) = i64::try_from(from) else {
            return Ok(Portion {
                places: Vec::new(),
                bytes: Vec::new(),
            });
        };
        let row = sqlx::query(
            "SELECT coalesce(group_concat(seq || ' ' || length(body) || ' ' || length(leaf), ' '), ''), \
                    CAST(coalesce(group_concat(body || leaf, ''), '') AS BLOB) \
             FROM (SELECT seq, coalesce(CAST(body AS BLOB), x'') AS body, coalesce(CAST(leaf AS BLOB), x'') AS leaf \
                   FROM trail WHERE seq >= $1 ORDER BY seq LIMIT $2)",
        )
        .bind(from)
        .bind(limit)
        .fetch_one(&mut *self.0)
        .await
        .map_err(StoreError::sql("reading the trail"))?;
        let told = row.read::<&str>(0)?;
        let numbers: Vec<i64> = told.split_ascii_whitespace().filter_map(|n| n.parse().ok()).collect();
        let length = |n: i64| usize::try_from(n).unwrap_or(0);
        let (mut places, mut end) = (Vec::with_capacity(numbers.len() / 3), 0_usize);
        for row in numbers.chunks_exact(3) {
            let place = Place {
                seq: u64::try_from(row[0]).unwrap_or(0),
                body: end,
                leaf: end.saturating_add(length(row[1])),
                end: end.saturating_add(length(row[1])).saturating_add(length(row[2])),
            };
            end = place.end;
            places.push(place);
        }
        // Both lists are gathered in one order, which SQLite does not promise to be that of the rows.
        places.sort_by_key(|place| place.seq);
        let bytes: Vec<u8> = row.read(1)?;
        if end == bytes.len() {
            return Ok(Portion { places, bytes });
        }
        Err(StoreError::Corrupt {
            table: "trail",
            id: from,
            why: "the lengths of its rows are not those of what they hold".to_owned(),
        })
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

    /// The same of the blocks whose last entry is one of `entries`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn blocks_ending_in(&mut self, entries: std::ops::Range<u64>) -> Result<Vec<(u64, Vec<u8>)>> {
        let whole = |entries: u64| i64::try_from(entries / BLOCK).unwrap_or(i64::MAX);
        let rows = sqlx::query("SELECT block, CAST(root AS BLOB) FROM trail_block WHERE block >= $1 AND block < $2 ORDER BY block")
            .bind(whole(entries.start))
            .bind(whole(entries.end))
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
        // A size that is no number is none, which the verifier says; it must get to see the frontier.
        let size = |row: &SqliteRow| row.read(0).ok().and_then(|size: i64| u64::try_from(size).ok()).unwrap_or(0);
        row.map(|row| Ok((size(&row), row.read(1)?))).transpose()
    }
}
