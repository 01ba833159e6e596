//! Retention: takes away what has been over for long enough, cases first, then people of whom nothing is left. The trail stays.
//!
//! How long is the table `[retention]` of the config (`config/tables`: 365 and 400 days); when it runs, `daemon/periodic`.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::{Result, Store, StoreError, Tx};
use crate::model::{Actor, Timestamp};
use crate::store::columns::Columns as _;

/// How many rows one transaction of the retention takes away: claims must not wait for it.
const PORTION: i64 = 200;

impl Store {
    /// Takes away what has been over for longer than `cases`, and people of whom nothing is left and who were not seen for `people`.
    /// The trail stays.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn prune(&self, cases: Duration, people: Duration) -> Result<u64> {
        let mut gone = 0;
        loop {
            let portion = self
                .write(move |tx| Box::pin(async move { tx.prune_cases(cases).await }))
                .await?;
            gone += portion;
            if portion < PORTION.unsigned_abs() {
                break;
            }
        }
        self.write(move |tx| {
            Box::pin(async move {
                tx.prune_verifications(cases).await?;
                tx.prune_sealed().await?;
                tx.prune_people(people, gone).await
            })
        })
        .await?;
        Ok(gone)
    }
}

impl Tx<'_> {
    async fn prune_cases(&mut self, age: Duration) -> Result<u64> {
        let before = self.now.minus(age).ms();
        let rows = sqlx::query(
            "SELECT id FROM cases INDEXED BY cases_closed WHERE closed_at IS NOT NULL AND closed_at < ?1 \
             AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = cases.id AND (state IN ('scheduled', 'queued', 'running', 'held') \
                                                                             OR (state = 'failed' AND called_off_at IS NULL))) \
             AND NOT EXISTS (SELECT 1 FROM unresolved WHERE case_id = cases.id AND state = 'open') \
             ORDER BY closed_at LIMIT ?2",
        )
        .bind(before)
        .bind(PORTION)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for what is over"))?;
        for row in &rows {
            let case: i64 = row.read(0)?;
            for sql in [
                "DELETE FROM action WHERE job_id IN (SELECT id FROM job WHERE case_id = ?)",
                "DELETE FROM job WHERE case_id = ?",
                // The signal's key stays, so that a replay after years is still a repetition; what it said goes.
                "UPDATE signal SET case_id = NULL, note = NULL, requested_by = NULL WHERE case_id = ?",
                "UPDATE departure SET case_id = NULL WHERE case_id = ?",
                "UPDATE alert SET case_id = NULL WHERE case_id = ?",
                "DELETE FROM outbox WHERE case_id = ?",
                "DELETE FROM inbox WHERE case_id = ? AND state <> 'new'",
                "DELETE FROM unresolved WHERE case_id = ?",
                "DELETE FROM cases WHERE id = ?",
            ] {
                sqlx::query(sql)
                    .bind(case)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("taking away what is over"))?;
            }
        }
        Ok(rows.len() as u64)
    }

    async fn prune_people(&mut self, age: Duration, cases: u64) -> Result<()> {
        let before: Timestamp = self.now.minus(age);
        let gone = sqlx::query(
            "DELETE FROM person WHERE seen_at < ? AND NOT EXISTS (SELECT 1 FROM cases WHERE subject_ref = person.ref) \
             AND NOT EXISTS (SELECT 1 FROM departure WHERE subject_ref = person.ref AND state IN ('planned', 'held', 'blocked'))",
        )
        .bind(before.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("forgetting people"))?
        .rows_affected();
        // What HR said goes with the person: nothing of it says more than the trail does by then.
        for sql in [
            "DELETE FROM departure WHERE state IN ('executed', 'rescinded', 'cancelled') AND changed_at < ? AND case_id IS NULL \
             AND NOT EXISTS (SELECT 1 FROM person WHERE ref = departure.subject_ref)",
            "DELETE FROM employment WHERE state <> 'stands' AND changed_at < ? \
             AND NOT EXISTS (SELECT 1 FROM person WHERE subject = employment.subject)",
        ] {
            sqlx::query(sql)
                .bind(before.ms())
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("forgetting what HR said about people"))?;
        }
        let links = self.prune_links(before).await?;
        if gone + links + cases > 0 {
            self.record(
                &Entry::new(EntryKind::RetentionPruned, Actor::Daemon)
                    .detail(serde_json::json!({ "cases": cases, "people": gone, "links": links })),
            );
        }
        Ok(())
    }
}
