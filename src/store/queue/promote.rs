//! Promotes scheduled jobs: what is due moves into the queue.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError, Tx};

/// How soon plans are looked at again that wait although they are due.
const HELD: Duration = Duration::from_secs(5);
/// How many jobs one transaction moves.
const AT_ONCE: i64 = 1000;

impl Store {
    /// Moves every job whose time has come into the queue. Answers when the next one is due.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn promote(&self) -> Result<Option<Timestamp>> {
        let (next, due) = self.next_due().await?;
        if !due {
            return Ok(next);
        }
        let departures = self.departures_due_until().await?;
        let targets = match self.write(move |tx| Box::pin(tx.promote(departures, None))).await {
            // One of them cannot be read, or what belongs to it: the others are moved without it.
            Err(error) if error.of_a_row().is_some() => self.promote_one_by_one(departures).await?,
            moved => moved?,
        };
        self.wake_lanes(&targets);
        let (next, due) = self.next_due().await?;
        // What is due and waits for the clock to be trusted is looked at again soon, and not at once.
        let held = due && targets.is_empty();
        Ok(if held { Some(self.clock().now().plus(HELD)) } else { next })
    }

    /// Moves each job that is due in a transaction of its own, and gives up those that cannot be read.
    async fn promote_one_by_one(&self, departures: Timestamp) -> Result<Vec<String>> {
        let due: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM job INDEXED BY job_due WHERE state = 'scheduled' AND due <= $1 ORDER BY due LIMIT $2",
        )
        .bind(self.clock().now().ms())
        .bind(AT_ONCE)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for what is due"))?;
        let mut targets = Vec::new();
        for job in due {
            match self.write(move |tx| Box::pin(tx.promote(departures, Some(job)))).await {
                Ok(moved) => targets.extend(moved),
                Err(error) => {
                    let Some(why) = error.of_a_row() else { return Err(error) };
                    let given_up = self
                        .write(move |tx| Box::pin(async move { tx.give_up_unreadable(job, &why).await }))
                        .await;
                    // Nothing of the row can be changed: the alert says so, and the next ones do not wait for it.
                    if let Err(error) = given_up
                        && error.of_a_row().is_none()
                    {
                        return Err(error);
                    }
                }
            }
        }
        Ok(targets)
    }

    /// When the next scheduled job is due, and whether that is now. A read, so that an idle scheduler commits nothing.
    async fn next_due(&self) -> Result<(Option<Timestamp>, bool)> {
        // What is no number comes after all that are one.
        let row = sqlx::query(
            "SELECT due FROM job INDEXED BY job_due WHERE state = 'scheduled' AND due IS NOT NULL ORDER BY due LIMIT 1",
        )
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for what is due"))?;
        let next = row.and_then(|row| time_at(&row, 0).ok().flatten());
        Ok((next, next.is_some_and(|due| due <= self.clock().now())))
    }
}

impl Tx<'_> {
    /// Moves what is due into the queue, or `only` this job of it.
    async fn promote(&mut self, departures: Timestamp, only: Option<i64>) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "UPDATE job SET state = 'queued', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                    finished_at = NULL \
             WHERE id IN (SELECT j.id FROM job j INDEXED BY job_due WHERE j.state = 'scheduled' AND j.due <= $1 \
                 AND (j.due <= $2 OR NOT EXISTS (SELECT 1 FROM departure d WHERE d.case_id = j.case_id AND d.state = 'planned')) \
                 AND ($3 IS NULL OR j.id = $3) ORDER BY j.due LIMIT $4) \
             RETURNING id, case_id, target",
        )
        .bind(self.now.ms())
        .bind(departures.ms())
        .bind(only)
        .bind(AT_ONCE)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("promoting what is due"))?;
        let mut targets = Vec::new();
        for row in &rows {
            let (job, case, target): (i64, i64, String) = (row.read(0)?, row.read(1)?, row.lossy(2)?);
            self.record(&Entry::new(EntryKind::JobDue, Actor::Daemon).case(case).job(job));
            self.departure_is_due(case, false).await?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Ok(targets)
    }
}
