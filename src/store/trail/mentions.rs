//! Which blocks of the trail speak of a job or a subject, so that `trail show --job` and `--subject` read those alone.
//!
//! A block that is full never changes again, so what it mentions is written down once, some time later and beside the work. What is not
//! written down yet is read.

use std::collections::BTreeSet;

use revoked_trail::BLOCK;
use serde::Deserialize;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};
use tokio::time::Instant;

use crate::digest::sha256;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How many blocks are read and written down at once.
const BITE: i64 = 16;
/// How much longer than a bite the rest is that follows it.
const REST: u32 = 3;
/// Entries of a block.
const ENTRIES: i64 = BLOCK.cast_signed();

/// What stands for a job or a subject. Two of them may share one, which costs the reading of a block.
type Mark = [u8; 4];

fn of_job(job: i64) -> Mark {
    let [.., a, b, c, d] = job.to_be_bytes();
    [a, b, c, d]
}

fn of_subject(reference: &str) -> Mark {
    let [a, b, c, d, ..] = sha256(reference.as_bytes());
    [a, b, c, d]
}

/// What of an entry says whom it is about.
#[derive(Deserialize)]
struct About<'e> {
    job: Option<i64>,
    #[serde(borrow)]
    subject_ref: Option<std::borrow::Cow<'e, str>>,
}

/// What one block speaks of.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Mentions {
    jobs: BTreeSet<Mark>,
    subjects: BTreeSet<Mark>,
}

impl Mentions {
    fn note(&mut self, body: &str) {
        // What cannot be read is about nobody: no search finds it either.
        let Ok(about) = serde_json::from_str::<About<'_>>(body) else {
            return;
        };
        self.jobs.extend(about.job.map(of_job));
        self.subjects.extend(about.subject_ref.as_deref().map(of_subject));
    }

    fn bytes(marks: &BTreeSet<Mark>) -> Vec<u8> {
        marks.iter().flatten().copied().collect()
    }
}

/// Whether one of the marks stands among those of a block. One that was damaged says nothing, so the block is read.
fn holds(bytes: &[u8], wanted: &[Mark]) -> bool {
    let (marks, rest) = bytes.as_chunks::<4>();
    !rest.is_empty() || wanted.iter().any(|mark| marks.binary_search(mark).is_ok())
}

/// Reads what each of the blocks `from..to` speaks of.
async fn read_blocks(conn: &mut SqliteConnection, from: i64, to: i64) -> Result<Vec<(i64, Mentions)>> {
    let rows = sqlx::query("SELECT seq, body FROM trail WHERE seq >= $1 AND seq < $2 ORDER BY seq")
        .bind(from * ENTRIES)
        .bind(to * ENTRIES)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("reading what the trail speaks of"))?;
    let mut found: Vec<(i64, Mentions)> = (from..to).map(|block| (block, Mentions::default())).collect();
    for row in &rows {
        let place = usize::try_from(row.read::<i64>(0)? / ENTRIES - from).unwrap_or(usize::MAX);
        if let Some((_, mentions)) = found.get_mut(place) {
            mentions.note(&row.lossy(1)?);
        }
    }
    Ok(found)
}

impl Store {
    /// Writes down what the blocks speak of that have become full since the last time, with rests in between.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn note_mentions(&self) -> Result<()> {
        loop {
            let began = Instant::now();
            let found = {
                let mut conn = self.readers().acquire().await.map_err(StoreError::sql("reading the trail"))?;
                let (from, whole) = unwritten(&mut conn).await?;
                read_blocks(&mut conn, from, whole.min(from.saturating_add(BITE))).await?
            };
            if found.is_empty() {
                return Ok(());
            }
            self.write(move |tx| {
                Box::pin(async move {
                    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO trail_mention (block, jobs, subjects) ");
                    insert.push_values(&found, |mut row, (block, mentions)| {
                        row.push_bind(*block)
                            .push_bind(Mentions::bytes(&mentions.jobs))
                            .push_bind(Mentions::bytes(&mentions.subjects));
                    });
                    insert.push(" ON CONFLICT DO NOTHING");
                    let done = insert.build().execute(&mut *tx.conn).await;
                    done.map(|_| ())
                        .map_err(StoreError::sql("writing down what the trail speaks of"))
                })
            })
            .await?;
            tokio::time::sleep(began.elapsed() * REST).await;
        }
    }

    /// How many blocks have what they speak of written down, and how many of those rightly.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::store) async fn mentions_proved(conn: &mut SqliteConnection) -> Result<(i64, i64)> {
        let (mut next, mut written, mut right) = (0, 0, 0);
        let (_, whole) = unwritten(&mut *conn).await?;
        loop {
            let rows = sqlx::query(
                "SELECT block, jobs, subjects FROM trail_mention WHERE block >= $1 AND block < $2 ORDER BY block LIMIT $3",
            )
            .bind(next)
            .bind(whole)
            .bind(BITE)
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::sql("reading what the trail speaks of"))?;
            if rows.is_empty() {
                return Ok((written, right));
            }
            for row in &rows {
                let block: i64 = row.read(0)?;
                next = block.saturating_add(1);
                written += 1;
                let truly = read_blocks(&mut *conn, block, next).await?;
                let is_right = truly.first().is_some_and(|(_, truly)| {
                    let same = |column, marks| row.read::<Vec<u8>>(column).is_ok_and(|bytes| bytes == Mentions::bytes(marks));
                    same(1, &truly.jobs) && same(2, &truly.subjects)
                });
                right += i64::from(is_right);
            }
        }
    }
}

/// The first block that is not written down, and the first that is not full.
async fn unwritten(conn: &mut SqliteConnection) -> Result<(i64, i64)> {
    let row = sqlx::query(
        "SELECT size / $1, (SELECT max(block) FROM trail_mention WHERE block < trail_head.size / $1) FROM trail_head WHERE id = 1",
    )
    .bind(ENTRIES)
    .fetch_one(conn)
    .await
    .map_err(StoreError::sql("reading the trail's head"))?;
    let (whole, last): (i64, Option<i64>) = (row.read(0)?, row.read(1)?);
    Ok((last.map_or(0, |last| last.saturating_add(1).max(0)), whole))
}

/// The blocks that may speak of a job and of one of some subjects, in order, from that of the entry `from` on; and the first block of which
/// nothing is written down, from which on everything is to be read.
pub(super) async fn blocks_about(
    conn: &mut SqliteConnection,
    from: u64,
    (job, subject_refs): (Option<i64>, Option<&[String]>),
) -> Result<(Vec<i64>, i64)> {
    let job = job.map(|job| vec![of_job(job)]);
    let subjects = subject_refs.map(|references| references.iter().map(|reference| of_subject(reference)).collect::<Vec<_>>());
    let first = i64::try_from(from / BLOCK).unwrap_or(i64::MAX);
    let rows = sqlx::query("SELECT block, jobs, subjects FROM trail_mention WHERE block >= $1 ORDER BY block")
        .bind(first)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("reading what the trail speaks of"))?;
    let (mut blocks, mut next) = (Vec::new(), first);
    for row in &rows {
        // One that is missing hides nothing, and neither does one that somebody else has written.
        if row.read::<i64>(0).ok() != Some(next) {
            break;
        }
        let speaks = |column, wanted: &Option<Vec<Mark>>| {
            let Some(wanted) = wanted else { return true };
            row.read::<&[u8]>(column).map_or(true, |bytes| holds(bytes, wanted))
        };
        if speaks(1, &job) && speaks(2, &subjects) {
            blocks.push(next);
        }
        next = next.saturating_add(1);
    }
    Ok((blocks, next))
}
