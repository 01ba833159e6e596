//! What runs from time to time: proof that the writer lives, retention, and the could-not-revoke ledger's ageing.

use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;

use super::{Result, Store, StoreError, Tx};
use crate::model::{Actor, JobState, Step, Timestamp};

/// How many rows one transaction of the retention takes away: claims must not wait for it.
const PORTION: i64 = 200;

impl Store {
    /// Goes once through the writer and commits nothing of note: the watchdog's proof that mutations still get through.
    ///
    /// # Errors
    /// Where the writer does not answer with a commit.
    pub async fn prove_writer(&self) -> Result<()> {
        self.write(|_| Box::pin(async { Ok(()) })).await
    }

    /// Whether the writer lives and waits for nothing but a lock that another process holds.
    #[must_use]
    pub fn is_kept_waiting(&self) -> bool {
        self.0.lock_wait.borrow().is_some_and(|wait| wait.is_fresh())
    }

    /// Reads what accepting a delivery would read, from the file and not from memory.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn prove_readers(&self) -> Result<()> {
        let failed = || StoreError::sql("reading the store");
        let mut conn = self.readers().acquire().await.map_err(failed())?;
        for sql in [
            // What a connection has read before it would answer from memory.
            "PRAGMA shrink_memory",
            "SELECT count(*) FROM sqlite_schema",
            "SELECT max(id) FROM signal",
            "SELECT max(id) FROM cases",
            "SELECT max(id) FROM job",
            "SELECT max(id) FROM inbox",
            "SELECT count(*) FROM alert WHERE cleared_at IS NULL",
            "SELECT body FROM trail ORDER BY seq DESC LIMIT 1",
        ] {
            sqlx::query(sql).fetch_optional(&mut *conn).await.map_err(failed())?;
        }
        Ok(())
    }

    /// How many bytes the disk under the store still has for us.
    ///
    /// # Errors
    /// What the system says where it cannot tell.
    pub fn room(&self) -> std::io::Result<u64> {
        let folder = self.path().parent().filter(|folder| !folder.as_os_str().is_empty());
        let disk = rustix::fs::statvfs(folder.unwrap_or_else(|| std::path::Path::new(".")))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Records an entry about the daemon's own life.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record(&self, kind: EntryKind, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(kind, Actor::Daemon).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Records an entry about a case.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_about(&self, kind: EntryKind, case: i64, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(kind, Actor::Daemon).case(case).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Alerts about what has stood in the ledger longer than `age`, and tries it again: the target may work by now, and what lives is
    /// never forgotten.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn age_ledger(&self, age: Duration) -> Result<usize> {
        let targets = self
            .write(move |tx| Box::pin(async move { tx.age_ledger(age).await }))
            .await?;
        let count = targets.len();
        self.wake_lanes(&targets);
        Ok(count)
    }

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
                tx.prune_handshakes(cases).await?;
                tx.prune_sealed().await?;
                tx.prune_people(people, gone).await
            })
        })
        .await?;
        Ok(gone)
    }
}

impl Tx<'_> {
    async fn age_ledger(&mut self, age: Duration) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT j.id, j.case_id, j.target, j.error FROM job j INDEXED BY job_ledger JOIN cases c ON c.id = j.case_id \
             WHERE j.state = 'failed' AND j.finished_at <= ? AND c.called_off_at IS NULL ORDER BY j.finished_at",
        )
        .bind(self.now.minus(age).ms())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading the ledger"))?;
        let mut targets = Vec::new();
        for row in &rows {
            let (id, case, target): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
            let error: Option<String> = row.get(3);
            let error = error.unwrap_or_default();
            JobState::Failed { error: error.clone() }.next(Step::Retry)?;
            sqlx::query(
                "UPDATE job SET state = 'queued', attempt = 0, verdict = NULL, outcome = NULL, finished_at = NULL WHERE id = ? AND state = 'failed'",
            )
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("trying the ledger again"))?;
            sqlx::query("UPDATE cases SET state = 'open', verdict = NULL, closed_at = NULL WHERE id = ? AND state = 'closed'")
                .bind(case)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("reopening a case of the ledger"))?;
            let detail = serde_json::json!({ "target": target, "from": "ledger", "error": error });
            self.record(
                &Entry::new(EntryKind::JobEnqueued, Actor::Daemon)
                    .case(case)
                    .job(id)
                    .detail(detail),
            );
            let summary = format!("case {case} has not been contained at {target} for a long time and is tried again: {error}");
            self.raise("could_not_revoke", &format!("job:{id}"), &summary, Some(case))
                .await?;
            targets.push(target);
        }
        Ok(targets)
    }

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
            let case: i64 = row.get(0);
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
