//! Appends to the trail: rows in the transaction of the change they tell of, under the tree whose frontier the same transaction stores.

use revoked_trail::{Entry, Frontier, Hash, leaf_hash};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::statements::Statements;
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::columns::Columns as _;
use crate::store::transaction::set_words::{rows_of, values_of};

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

    /// The statements that write what was appended. Their text is the same however much it is, so that they stay prepared.
    pub(in crate::store) fn push_rows_to(&self, list: &mut Statements) {
        let Some((first, ..)) = self.rows.first() else { return };
        let mut bodies = Vec::with_capacity(self.rows.iter().map(|(_, body, _)| body.len()).sum());
        let mut leaves = Vec::with_capacity(self.rows.len() * LEAF);
        let mut places = Vec::with_capacity(self.rows.len());
        for (_, body, leaf) in &self.rows {
            places.push((bodies.len() << 32) | body.len());
            bodies.extend_from_slice(body.as_bytes());
            leaves.extend_from_slice(&leaf.0);
        }
        list.push(APPEND).bind(*first).bind(bodies).bind(leaves).bind_set(&places);
        if !self.blocks.is_empty() {
            let (numbers, roots): (Vec<i64>, Vec<[u8; LEAF]>) = self.blocks.iter().map(|(block, root)| (*block, root.0)).unzip();
            list.push(BLOCKS).bind(roots.concat()).bind_set(&numbers);
        }
        let mut cases = self.places.clone();
        cases.sort_unstable();
        cases.dedup();
        list.push_set(CASES, &cases);
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

/// How long a hash is, in bytes.
const LEAF: usize = 32;
/// Appends entries from the number `$1` on. Their bodies lie one behind the other in `$2` and their leaves in `$3`; `$4` says of each body
/// where it begins (the upper 32 bits) and how long it is. Nothing of them is quoted, and nothing has to be read back.
pub(in crate::store) const APPEND: &str = concat!(
    "INSERT INTO trail (seq, body, leaf) SELECT $1 + nth, CAST(substr($2, (value >> 32) + 1, value & 4294967295) AS TEXT), \
     substr($3, 32 * nth + 1, 32) FROM ",
    values_of!("$4")
);
/// The roots in `$1`, one behind the other, of the blocks in `$2`.
pub(in crate::store) const BLOCKS: &str = concat!(
    "INSERT INTO trail_block (block, root) SELECT value, substr($1, 32 * nth + 1, 32) FROM ",
    values_of!("$2")
);
/// Which case is spoken of in which block.
pub(in crate::store) const CASES: &str = concat!(
    "INSERT INTO trail_case (case_id, block) SELECT case_id, block FROM ",
    rows_of!("$1", 0 => "case_id", 1 => "block"),
    " n WHERE true ON CONFLICT DO NOTHING"
);

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
