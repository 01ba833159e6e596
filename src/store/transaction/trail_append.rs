//! Appends to the trail: rows in the transaction of the change they tell of, under the tree whose frontier the same transaction stores.

use std::fmt::Write as _;

use revoked_trail::{Entry, Frontier, Hash, leaf_hash};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::statements::Statements;
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::columns::Columns as _;

/// The end of the trail while a group is written.
pub(in crate::store) struct Tail {
    frontier: Frontier,
    rows: Vec<(i64, String, Hash)>,
    blocks: Vec<(i64, Hash)>,
    /// Which case is spoken of in which block: `trail show --case` reads those alone.
    places: Vec<(i64, i64)>,
}

/// Where the trail stood before a mutation, to go back to when it fails.
pub(in crate::store) struct Mark {
    frontier: Frontier,
    rows: usize,
    blocks: usize,
    places: usize,
}

impl Tail {
    pub(in crate::store) fn mark(&self) -> Mark {
        Mark {
            frontier: self.frontier.clone(),
            rows: self.rows.len(),
            blocks: self.blocks.len(),
            places: self.places.len(),
        }
    }

    pub(in crate::store) fn back_to(&mut self, mark: Mark) {
        self.frontier = mark.frontier;
        self.rows.truncate(mark.rows);
        self.blocks.truncate(mark.blocks);
        self.places.truncate(mark.places);
    }

    /// Appends an entry: its line, its leaf, and the root of a block that is full with it.
    pub(in crate::store) fn append(&mut self, entry: &Entry, now: Timestamp) {
        let seq = self.frontier.size();
        let line = entry.line(seq, now);
        let leaf = leaf_hash(line.as_bytes());
        let block = i64::try_from(seq / revoked_trail::BLOCK).unwrap_or(i64::MAX);
        if let Some(root) = self.frontier.append(leaf) {
            self.blocks.push((block, root));
        }
        if let Some(case) = entry.case
            && self.places.last() != Some(&(case, block))
        {
            self.places.push((case, block));
        }
        self.rows.push((i64::try_from(seq).unwrap_or(i64::MAX), line, leaf));
    }

    /// The end of the trail in a row of [`HEAD`].
    pub(in crate::store) fn of(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            frontier: frontier_of(row)?,
            rows: Vec::new(),
            blocks: Vec::new(),
            places: Vec::new(),
        })
    }

    /// The trail's size with what was appended.
    pub(in crate::store) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The statements that write what was appended.
    pub(in crate::store) fn push_rows_to(&self, list: &mut Statements) {
        let mut rest = self.rows.as_slice();
        while !rest.is_empty() {
            // Powers of four keep the number of distinct statements small, so that most lists stay prepared.
            let chunk = [64, 16, 4].into_iter().find(|size| rest.len() >= *size).unwrap_or(1);
            let (now, later) = rest.split_at(chunk);
            let mut insert = "INSERT INTO trail (seq, body, leaf) VALUES ".to_owned();
            for n in 0..chunk {
                let comma = if n == 0 { "" } else { ", " };
                // Writing to a string cannot fail.
                let _ = write!(insert, "{comma}(${}, ${}, ${})", 3 * n + 1, 3 * n + 2, 3 * n + 3);
            }
            list.push(&insert);
            for (seq, body, leaf) in now {
                list.bind(*seq).bind(body.as_str()).bind(leaf.0.as_slice());
            }
            rest = later;
        }
        for (block, root) in &self.blocks {
            list.push("INSERT INTO trail_block (block, root) VALUES ($1, $2)")
                .bind(*block)
                .bind(root.0.as_slice());
        }
        let mut places = self.places.clone();
        places.sort_unstable();
        places.dedup();
        list.push_set(
            "INSERT INTO trail_case (case_id, block) SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
            &places,
        );
    }

    /// The statement that moves the head behind what was appended.
    pub(in crate::store) fn push_head_to(&self, list: &mut Statements) {
        if !self.rows.is_empty() {
            list.push("UPDATE trail_head SET size = $1, frontier = $2 WHERE id = 1")
                .bind(i64::try_from(self.frontier.size()).unwrap_or(i64::MAX))
                .bind(self.frontier.to_bytes());
        }
    }
}

/// The end of the trail, and the largest numbers in use of signals, cases, jobs and actions. Numbers beyond 2^62 are none that were given
/// here: after the largest of all there is no next one.
pub(in crate::store) const HEAD: &str = "SELECT size, frontier, (SELECT coalesce(max(id), 0) FROM signal WHERE id < 4611686018427387904), \
     (SELECT coalesce(max(id), 0) FROM cases WHERE id < 4611686018427387904), \
     (SELECT coalesce(max(id), 0) FROM job WHERE id < 4611686018427387904), \
     (SELECT coalesce(max(id), 0) FROM action WHERE id < 4611686018427387904) FROM trail_head WHERE id = 1";

/// The frontier of the trail as stored.
pub(in crate::store) async fn read_frontier(conn: &mut SqliteConnection) -> Result<Frontier, StoreError> {
    let row = sqlx::query("SELECT size, frontier FROM trail_head WHERE id = 1")
        .fetch_one(conn)
        .await
        .map_err(StoreError::sql("reading the trail's head"))?;
    frontier_of(&row)
}

fn frontier_of(row: &SqliteRow) -> Result<Frontier, StoreError> {
    let size = u64::try_from(row.read::<i64>(0)?).unwrap_or(0);
    Frontier::from_bytes(size, row.read::<&[u8]>(1)?).map_err(|error| StoreError::Corrupt {
        table: "trail_head",
        id: 1,
        why: error.to_string(),
    })
}
