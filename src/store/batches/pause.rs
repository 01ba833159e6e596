//! Pausing a batch: nothing of it begins until somebody lets it go on. Kept durably, so that a restart does not forget it.
//!
//! The jobs of a paused batch stand in the queue no more, but are held: what a claim reads stays as short as it was. A trigger of the table
//! keeps it so, whatever puts one of them there. A case for which somebody else has asked too goes on.

use std::collections::{BTreeMap, BTreeSet};

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::id_of_batch as id_of;
use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError, Tx};

/// How many cases an entry of the trail names.
const NAMED: usize = 1000;

/// The signals `s` of a case `c` that come from no paused batch: whoever sent them waits for it.
macro_rules! asked_by_others {
    () => {
        "EXISTS (SELECT 1 FROM signal s WHERE s.case_id = c.id AND s.decision IN ('act', 'hold') AND NOT (s.source = 'inbox' \
         AND EXISTS (SELECT 1 FROM batch_pause p WHERE substr(s.key, 1, length(p.set_key) + 9) = 'key:set:' || p.set_key || ':')))"
    };
}

/// An operator's word that nothing of a batch begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchPause {
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why.
    pub note: String,
}

impl BatchPause {
    /// Who paused the batch and why, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("by {}: {}", self.by, self.note)
    }

    pub(in crate::store) fn read(row: &SqliteRow, first: usize) -> Self {
        // Whatever stands there, it says that the batch is paused.
        Self {
            since: Timestamp::from_ms(row.read(first).unwrap_or_default()),
            by: row.lossy(first + 1).unwrap_or_default(),
            note: row.lossy(first + 2).unwrap_or_default(),
        }
    }
}

/// What a pause keeps back, and what it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchPaused {
    /// How many people have no case yet: they get one that waits.
    pub new: i64,
    /// How many cases wait.
    pub cases: i64,
    /// How many cases go on, since others have asked for them too.
    pub go_on: i64,
    /// How many jobs are at work, and end as they would.
    pub at_work: i64,
}

impl Store {
    /// Pauses a batch on an operator's word: no job of it begins. What is at work ends as it would, or before its first change.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it is paused already, or nothing of it is left.
    pub async fn pause_batch(&self, key: &str, by: Actor, note: String) -> Result<BatchPaused> {
        let key = key.to_owned();
        self.write(move |tx| Box::pin(async move { tx.pause_batch(&key, &by, &note).await }))
            .await
    }

    /// Lets a paused batch go on. Answers how many cases of it do.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where nobody has paused it.
    pub async fn resume_batch(&self, key: &str, by: Actor, note: Option<String>) -> Result<usize> {
        let key = key.to_owned();
        let (cases, targets) = self
            .write(move |tx| Box::pin(async move { tx.resume_batch(&key, &by, note.as_deref()).await }))
            .await?;
        self.wake_lanes(&targets);
        self.0.scheduler.notify_one();
        Ok(cases)
    }

    /// The batches that an operator has paused, by their keys.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn paused_batches(&self) -> Result<BTreeMap<String, BatchPause>> {
        let rows = sqlx::query("SELECT set_key, at, by, note FROM batch_pause")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading which batches are paused"))?;
        rows.iter().map(|row| Ok((row.lossy(0)?, BatchPause::read(row, 1)))).collect()
    }

    /// The pause that keeps a case back, with the id of its batch.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn pause_of_case(&self, case: i64) -> Result<Option<(String, BatchPause)>> {
        let row =
            sqlx::query("SELECT p.set_key, p.at, p.by, p.note FROM paused_case c JOIN batch_pause p ON p.set_key = c.set_key WHERE c.case_id = $1")
                .bind(case)
                .fetch_optional(self.readers())
                .await
                .map_err(StoreError::sql("reading whether a case is paused"))?;
        row.map(|row| Ok((id_of(&row.lossy(0)?), BatchPause::read(&row, 1))))
            .transpose()
    }
}

impl Tx<'_> {
    async fn pause_batch(&mut self, key: &str, by: &Actor, note: &str) -> Result<BatchPaused> {
        let id = id_of(key);
        let before = sqlx::query("SELECT at, by, note FROM batch_pause WHERE set_key = ?")
            .bind(key)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading whether a batch is paused"))?;
        if let Some(row) = before {
            let pause = BatchPause::read(&row, 0);
            return Err(StoreError::Refused(format!(
                "batch {id} was paused at {} {}; to let it go on: revoked batch resume {id}",
                pause.since,
                pause.sentence()
            )));
        }
        sqlx::query("INSERT INTO batch_pause (set_key, at, by, note) VALUES (?, ?, ?, ?)")
            .bind(key)
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(note)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("pausing a batch"))?;
        let kept = sqlx::query(concat!(
            "INSERT OR IGNORE INTO paused_case (case_id, set_key) SELECT DISTINCT c.id, $1 FROM inbox i JOIN cases c ON c.id = i.case_id \
             WHERE i.set_key = $1 AND c.called_off_at IS NULL AND NOT ",
            asked_by_others!(),
            " RETURNING case_id"
        ))
        .bind(key)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping the cases of a batch back"))?;
        let kept = kept.iter().map(|row| row.read(0)).collect::<Result<Vec<i64>>>()?;
        sqlx::query(
            "UPDATE job SET state = 'held' WHERE case_id IN (SELECT value FROM json_each($1)) AND state = 'queued' AND kind <> 'release'",
        )
        .bind(written("cases", &kept)?)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping the jobs of a batch back"))?;
        let paused = self.count_paused(key).await?;
        if paused.new + paused.cases == 0 {
            let why = if paused.go_on == 0 {
                "nothing of it is left to begin"
            } else {
                "others have asked for all that is left of it"
            };
            return Err(StoreError::Refused(format!("batch {id} cannot be paused: {why}")));
        }
        self.record(&Entry::new(EntryKind::BatchPaused, by.clone()).detail(serde_json::json!({
            "batch": id, "note": note, "new": paused.new, "cases": paused.cases, "go_on": paused.go_on, "at_work": paused.at_work,
            "numbers": kept.iter().take(NAMED).collect::<Vec<_>>(),
        })));
        let summary = format!(
            "batch {id} is paused by {by}: {note}; {} wait until somebody lets it go on or calls the rest off",
            people(paused.new + paused.cases)
        );
        self.raise_alert("batch_paused", &format!("batch:{id}"), &summary, None)
            .await?;
        Ok(paused)
    }

    /// What the pause of a batch keeps back.
    async fn count_paused(&mut self, key: &str) -> Result<BatchPaused> {
        let row = sqlx::query(
            "WITH live AS (SELECT DISTINCT c.id, k.case_id IS NOT NULL AS kept FROM inbox i JOIN cases c ON c.id = i.case_id \
                 LEFT JOIN paused_case k ON k.case_id = c.id WHERE i.set_key = $1 AND c.state IN ('open', 'held')) \
             SELECT (SELECT count(*) FROM inbox WHERE set_key = $1 AND state = 'new'), (SELECT count(*) FROM live WHERE kept), \
                    (SELECT count(*) FROM live WHERE NOT kept), \
                    (SELECT count(*) FROM job j WHERE j.state = 'running' AND j.lease_until > 0 AND j.case_id IN (SELECT id FROM live))",
        )
        .bind(key)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("counting what a pause keeps back"))?;
        Ok(BatchPaused {
            new: row.read(0)?,
            cases: row.read(1)?,
            go_on: row.read(2)?,
            at_work: row.read(3)?,
        })
    }

    async fn resume_batch(&mut self, key: &str, by: &Actor, note: Option<&str>) -> Result<(usize, Vec<String>)> {
        let id = id_of(key);
        let paused: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM batch_pause WHERE set_key = ?)")
            .bind(key)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading whether a batch is paused"))?;
        if !paused {
            return Err(StoreError::Refused(format!(
                "nobody has paused batch {id}; revoked batch show {id} says how it stands"
            )));
        }
        // One that another batch keeps back too goes on: this one asks for it again.
        let cases = sqlx::query(
            "DELETE FROM paused_case WHERE set_key = $1 OR case_id IN (SELECT case_id FROM inbox WHERE set_key = $1) RETURNING case_id",
        )
        .bind(key)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("letting the cases of a batch go on"))?;
        let cases = cases.iter().map(|row| row.read(0)).collect::<Result<Vec<i64>>>()?;
        sqlx::query("DELETE FROM batch_pause WHERE set_key = ?")
            .bind(key)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("ending the pause of a batch"))?;
        let targets = self.let_paused_go_on(&cases).await?;
        self.record(
            &Entry::new(EntryKind::BatchResumed, by.clone())
                .detail(serde_json::json!({ "batch": id, "note": note, "cases": cases.len() })),
        );
        self.end_alert("batch_paused", &format!("batch:{id}")).await?;
        Ok((cases.len(), targets))
    }

    /// Puts the jobs that a pause kept back into the queue, or on their time. What waits for a human's decision too goes on waiting for that.
    async fn let_paused_go_on(&mut self, cases: &[i64]) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "UPDATE job SET state = CASE WHEN held_due > $2 THEN 'scheduled' ELSE 'queued' END, due = CASE WHEN held_due > $2 THEN held_due END, \
                    held_due = NULL \
             WHERE case_id IN (SELECT c.id FROM json_each($1) n JOIN cases c ON c.id = n.value WHERE c.state <> 'held') AND state = 'held' \
             RETURNING target",
        )
        .bind(written("cases", cases)?)
        .bind(self.now.ms())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("letting the jobs of a batch go on"))?;
        let targets = rows.iter().map(|row| row.lossy(0)).collect::<Result<BTreeSet<_>>>()?;
        Ok(targets.into_iter().collect())
    }

    /// Lets a case go on that a paused batch keeps back: somebody else asks for it now. Answers the targets with work.
    pub(in crate::store) async fn end_pause_of_case(&mut self, case: i64, by: Actor) -> Result<Vec<String>> {
        let batch: Option<String> = sqlx::query_scalar("DELETE FROM paused_case WHERE case_id = ? RETURNING set_key")
            .bind(case)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("letting a case of a batch go on"))?;
        let Some(batch) = batch else { return Ok(Vec::new()) };
        self.record(
            &Entry::new(EntryKind::CaseGoesOn, by)
                .case(case)
                .detail(serde_json::json!({ "batch": id_of(&batch) })),
        );
        self.let_paused_go_on(&[case]).await
    }

    /// Whether a paused batch keeps a case back.
    pub(in crate::store) async fn is_paused(&mut self, case: i64) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM paused_case WHERE case_id = ?)")
            .bind(case)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading whether a case is paused"))
    }

    /// The paused batch that a row of the inbox belongs to.
    pub(in crate::store) async fn pause_of_row(&mut self, row: i64) -> Result<Option<String>> {
        let row = sqlx::query("SELECT p.set_key FROM inbox i JOIN batch_pause p ON p.set_key = i.set_key WHERE i.id = ?")
            .bind(row)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading whether a batch is paused"))?;
        row.map(|row| row.lossy(0)).transpose()
    }

    /// Keeps a case of a paused batch back that is just opened: before its jobs are there.
    pub(in crate::store) async fn keep_case_back(&mut self, case: i64, key: &str) -> Result<()> {
        sqlx::query("INSERT INTO paused_case (case_id, set_key) VALUES (?, ?)")
            .bind(case)
            .bind(key)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping a case of a batch back"))?;
        Ok(())
    }
}

fn people(count: i64) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    }
}
