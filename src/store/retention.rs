//! Retention: takes away what has been over for long enough, cases first, then people of whom nothing is left. The trail stays.
//!
//! In bites: what may go is looked for beside the writer, page by page, and the writer takes each page away as sets, looking again whether it may
//! go. Between two bites it rests for longer than the bite took, so that full load goes on beside it.
//!
//! How long is the table `[retention]` of the config (`config/tables`: 365 days for cases, 400 for people); when it runs, `daemon/periodic`.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use tokio::time::Instant;

use super::transaction::statements::Statements;
use super::{Result, Store, StoreError, Tx};
use crate::model::{Actor, Timestamp};
use crate::store::columns::Columns as _;

/// How many cases one transaction takes away.
const CASES: i64 = 64;
/// How many rows of other tables.
const ROWS: i64 = 256;
/// How much longer than a bite the rest is that follows it.
const REST: u32 = 3;

/// What may go, from a place on, in the order of the index `cases_closed`: what is passed over stays passed over.
const OVER: &str = "SELECT id, closed_at FROM cases WHERE closed_at IS NOT NULL AND closed_at < $1 \
     AND (closed_at > $2 OR (closed_at = $2 AND id > $3)) AND closed_at >= $2 \
     AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = cases.id AND (state IN ('scheduled', 'queued', 'running', 'held') \
                                                                     OR (state = 'failed' AND called_off_at IS NULL))) \
     AND NOT EXISTS (SELECT 1 FROM unresolved WHERE case_id = cases.id AND state = 'open') \
     ORDER BY closed_at, id LIMIT $4";

/// The same of a page that was found before: something may have come in between.
const STILL_OVER: &str = "SELECT id FROM cases WHERE id IN (SELECT value FROM json_each($1)) AND closed_at IS NOT NULL AND closed_at < $2 \
     AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = cases.id AND (state IN ('scheduled', 'queued', 'running', 'held') \
                                                                     OR (state = 'failed' AND called_off_at IS NULL))) \
     AND NOT EXISTS (SELECT 1 FROM unresolved WHERE case_id = cases.id AND state = 'open')";

/// What goes with cases. The signal's key stays, so that a replay after years is still a repetition; what it said goes.
const WITH_CASES: [&str; 11] = [
    "DELETE FROM action WHERE job_id IN (SELECT id FROM job WHERE case_id IN (SELECT value FROM json_each($1)))",
    "DELETE FROM job WHERE case_id IN (SELECT value FROM json_each($1))",
    "UPDATE signal SET case_id = NULL, note = NULL, requested_by = NULL WHERE case_id IN (SELECT value FROM json_each($1))",
    "UPDATE departure SET case_id = NULL WHERE case_id IN (SELECT value FROM json_each($1))",
    "UPDATE departure SET carried_out_by = NULL WHERE carried_out_by IN (SELECT value FROM json_each($1))",
    "UPDATE alert SET case_id = NULL WHERE case_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM outbox WHERE case_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM inbox WHERE case_id IN (SELECT value FROM json_each($1)) AND state <> 'new'",
    "DELETE FROM unresolved WHERE case_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM case_note WHERE case_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM cases WHERE id IN (SELECT value FROM json_each($1))",
];

/// What may go of a table: how it is found after a place (`$1`) and before an instant (`$2`), and how it goes by its keys (`$1`, a set), if it
/// still may. The place is the first column.
struct Leftovers {
    found: &'static str,
    gone: &'static str,
}

const PEOPLE: Leftovers = Leftovers {
    found: "SELECT ref FROM person WHERE ref > $1 AND seen_at < $2 AND NOT EXISTS (SELECT 1 FROM cases WHERE subject_ref = person.ref) \
            AND NOT EXISTS (SELECT 1 FROM departure WHERE subject_ref = person.ref AND state IN ('planned', 'held', 'blocked')) \
            ORDER BY ref LIMIT $3",
    gone: "DELETE FROM person WHERE ref IN (SELECT value FROM json_each($1)) AND seen_at < $2 \
           AND NOT EXISTS (SELECT 1 FROM cases WHERE subject_ref = person.ref) \
           AND NOT EXISTS (SELECT 1 FROM departure WHERE subject_ref = person.ref AND state IN ('planned', 'held', 'blocked')) RETURNING 1",
};

/// What HR said goes with the person: nothing of it says more than the trail does by then.
const DEPARTURES: Leftovers = Leftovers {
    found: "SELECT id FROM departure WHERE id > $1 AND state IN ('executed', 'rescinded', 'cancelled') AND changed_at < $2 \
            AND case_id IS NULL AND NOT EXISTS (SELECT 1 FROM person WHERE ref = departure.subject_ref) ORDER BY id LIMIT $3",
    gone: "DELETE FROM departure WHERE id IN (SELECT value FROM json_each($1)) AND state IN ('executed', 'rescinded', 'cancelled') \
           AND changed_at < $2 AND case_id IS NULL AND NOT EXISTS (SELECT 1 FROM person WHERE ref = departure.subject_ref) RETURNING 1",
};

/// The same, by the person whose employment it was.
const EMPLOYMENTS: Leftovers = Leftovers {
    found: "SELECT DISTINCT subject FROM employment WHERE subject > $1 AND state <> 'stands' AND changed_at < $2 \
            AND NOT EXISTS (SELECT 1 FROM person WHERE subject = employment.subject) ORDER BY subject LIMIT $3",
    gone: "DELETE FROM employment WHERE subject IN (SELECT value FROM json_each($1)) AND state <> 'stands' AND changed_at < $2 \
           AND NOT EXISTS (SELECT 1 FROM person WHERE subject = employment.subject) RETURNING 1",
};

impl Store {
    /// Takes away what has been over for longer than `cases`, and people of whom nothing is left and who were not seen for `people`.
    /// The trail stays.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn prune(&self, cases: Duration, people: Duration) -> Result<u64> {
        let gone = self.prune_cases(self.clock().now().minus(cases)).await?;
        self.write(move |tx| {
            Box::pin(async move {
                tx.prune_verifications(cases).await?;
                tx.prune_notifications(tx.now.minus(cases)).await?;
                tx.prune_sealed().await
            })
        })
        .await?;
        let before = self.clock().now().minus(people);
        let forgotten = self.prune_leftovers(&PEOPLE, before, String::new()).await?;
        self.prune_leftovers(&DEPARTURES, before, 0_i64).await?;
        self.prune_leftovers(&EMPLOYMENTS, before, String::new()).await?;
        self.write(move |tx| {
            Box::pin(async move {
                let links = tx.prune_links(before).await?;
                if forgotten + links + gone > 0 {
                    tx.record(
                        &Entry::new(EntryKind::RetentionPruned, Actor::Daemon)
                            .detail(serde_json::json!({ "cases": gone, "people": forgotten, "links": links })),
                    );
                }
                Ok(())
            })
        })
        .await?;
        Ok(gone)
    }

    async fn prune_cases(&self, before: Timestamp) -> Result<u64> {
        let (mut gone, mut after) = (0, (i64::MIN, 0_i64));
        loop {
            let page = sqlx::query(OVER)
                .bind(before.ms())
                .bind(after.0)
                .bind(after.1)
                .bind(CASES)
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("looking for what is over"))?;
            let Some(last) = page.last() else { return Ok(gone) };
            after = (last.read(1)?, last.read(0)?);
            let cases: Vec<i64> = page.iter().map(|row| row.read(0)).collect::<Result<_>>()?;
            let began = Instant::now();
            gone += self
                .write(move |tx| Box::pin(async move { tx.take_cases_away(&cases, before).await }))
                .await?;
            tokio::time::sleep(began.elapsed() * REST).await;
        }
    }

    async fn prune_leftovers<K>(&self, of: &'static Leftovers, before: Timestamp, mut after: K) -> Result<u64>
    where
        K: Clone + Serialize + Send + Sync + Unpin + 'static,
        K: for<'q> sqlx::Encode<'q, sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let mut gone = 0;
        loop {
            let page = sqlx::query(of.found)
                .bind(after.clone())
                .bind(before.ms())
                .bind(ROWS)
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("looking for people of whom nothing is left"))?;
            let keys: Vec<K> = page.iter().map(|row| row.read(0)).collect::<Result<_>>()?;
            let Some(last) = keys.last() else { return Ok(gone) };
            after = last.clone();
            let began = Instant::now();
            gone += self
                .write(move |tx| Box::pin(async move { tx.take_leftovers_away(of, &keys, before).await }))
                .await?;
            tokio::time::sleep(began.elapsed() * REST).await;
        }
    }
}

impl Tx<'_> {
    async fn take_cases_away(&mut self, found: &[i64], before: Timestamp) -> Result<u64> {
        let mut look = Statements::default();
        look.push_set(STILL_OVER, found);
        look.bind(before.ms());
        let rows = look.fetch(&mut *self.conn).await;
        let rows = rows.map_err(StoreError::sql("looking for what is over"))?;
        let cases: Vec<i64> = rows.iter().map(|row| row.read(0)).collect::<Result<_>>()?;
        let mut list = Statements::default();
        for sql in WITH_CASES {
            list.push_set(sql, &cases);
        }
        if !list.is_empty() {
            let done = list.execute(&mut *self.conn).await;
            done.map_err(StoreError::sql("taking away what is over"))?;
        }
        Ok(cases.len() as u64)
    }

    async fn take_leftovers_away<K: Serialize>(&mut self, of: &Leftovers, keys: &[K], before: Timestamp) -> Result<u64> {
        let mut list = Statements::default();
        list.push_set(of.gone, keys);
        list.bind(before.ms());
        let gone: Vec<SqliteRow> = list
            .fetch(&mut *self.conn)
            .await
            .map_err(StoreError::sql("forgetting people"))?;
        Ok(gone.len() as u64)
    }
}
