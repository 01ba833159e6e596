//! Appends to the trail: rows in the transaction of the change they tell of, under the tree whose frontier the same transaction stores.

use revoked_trail::{Entry, Frontier, Hash, leaf_hash};
use sqlx::sqlite::SqliteConnection;

use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::columns::Columns as _;

/// The end of the trail while a group is written.
pub(in crate::store) struct Tail {
    frontier: Frontier,
    rows: Vec<(i64, String, Hash)>,
    blocks: Vec<(i64, Hash)>,
}

/// Where the trail stood before a mutation, to go back to when it fails.
pub(super) struct Mark {
    frontier: Frontier,
    rows: usize,
    blocks: usize,
}

impl Tail {
    /// The end of the trail as the database has it.
    pub(super) async fn read(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        Ok(Self {
            frontier: read_frontier(conn).await?,
            rows: Vec::new(),
            blocks: Vec::new(),
        })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            frontier: self.frontier.clone(),
            rows: self.rows.len(),
            blocks: self.blocks.len(),
        }
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        self.frontier = mark.frontier;
        self.rows.truncate(mark.rows);
        self.blocks.truncate(mark.blocks);
    }

    /// Appends an entry: its line, its leaf, and the root of a block that is full with it.
    pub(super) fn append(&mut self, entry: &Entry, now: Timestamp) {
        let seq = self.frontier.size();
        let line = entry.line(seq, now);
        let leaf = leaf_hash(line.as_bytes());
        if let Some(root) = self.frontier.append(leaf) {
            let block = i64::try_from(seq / revoked_trail::BLOCK).unwrap_or(i64::MAX);
            self.blocks.push((block, root));
        }
        self.rows.push((i64::try_from(seq).unwrap_or(i64::MAX), line, leaf));
    }

    /// Writes what was appended, and the head. Returns the trail's size.
    pub(super) async fn flush(&mut self, conn: &mut SqliteConnection) -> Result<u64, StoreError> {
        // Powers of four keep the number of distinct statements small, so that each stays prepared.
        let mut rest = self.rows.as_slice();
        while !rest.is_empty() {
            let chunk = [64, 16, 4].into_iter().find(|size| rest.len() >= *size).unwrap_or(1);
            let (now, later) = rest.split_at(chunk);
            let mut insert = sqlx::QueryBuilder::new("INSERT INTO trail (seq, body, leaf) ");
            insert.push_values(now, |mut row, (seq, body, leaf)| {
                row.push_bind(*seq).push_bind(body.as_str()).push_bind(leaf.0.as_slice());
            });
            insert
                .build()
                .execute(&mut *conn)
                .await
                .map_err(StoreError::sql("appending to the trail"))?;
            rest = later;
        }
        for (block, root) in &self.blocks {
            sqlx::query("INSERT INTO trail_block (block, root) VALUES (?, ?)")
                .bind(block)
                .bind(root.0.as_slice())
                .execute(&mut *conn)
                .await
                .map_err(StoreError::sql("keeping a block of the trail"))?;
        }
        if !self.rows.is_empty() {
            sqlx::query("UPDATE trail_head SET size = ?, frontier = ? WHERE id = 1")
                .bind(i64::try_from(self.frontier.size()).unwrap_or(i64::MAX))
                .bind(self.frontier.to_bytes())
                .execute(&mut *conn)
                .await
                .map_err(StoreError::sql("moving the trail's head"))?;
        }
        Ok(self.frontier.size())
    }
}

/// The frontier of the trail as stored.
pub(in crate::store) async fn read_frontier(conn: &mut SqliteConnection) -> Result<Frontier, StoreError> {
    let row = sqlx::query("SELECT size, frontier FROM trail_head WHERE id = 1")
        .fetch_one(conn)
        .await
        .map_err(StoreError::sql("reading the trail's head"))?;
    let size = u64::try_from(row.read::<i64>(0)?).unwrap_or(0);
    Frontier::from_bytes(size, row.read::<&[u8]>(1)?).map_err(|error| StoreError::Corrupt {
        table: "trail_head",
        id: 1,
        why: error.to_string(),
    })
}
