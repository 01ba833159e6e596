//! The could-not-revoke ledger: jobs that have failed for good alert, and are tried again once an hour.

use std::time::Duration;

use super::requeue::ContainingJob;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Alerts about what has stood in the ledger longer than `age`, and tries it again: the target may work by now, and what lives is
    /// never forgotten.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn retry_ledger(&self, age: Duration) -> Result<usize> {
        let targets = self
            .write(move |tx| Box::pin(async move { tx.retry_ledger(age).await }))
            .await?;
        let count = targets.len();
        self.wake_lanes(&targets);
        Ok(count)
    }
}

impl Tx<'_> {
    async fn retry_ledger(&mut self, age: Duration) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT {}, j.case_id FROM job j INDEXED BY job_ledger JOIN cases c ON c.id = j.case_id \
             WHERE j.state = 'failed' AND j.finished_at <= ? AND c.called_off_at IS NULL ORDER BY j.finished_at",
            ContainingJob::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.now.minus(age).ms())
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the ledger"))?;
        let mut targets = Vec::new();
        for row in &rows {
            let case: i64 = row.read(7)?;
            let job = match ContainingJob::read(row) {
                Ok(job) => job,
                Err(error) => {
                    let Some(why) = error.of_a_row() else { return Err(error) };
                    let job: i64 = row.read(0)?;
                    let summary =
                        format!("job {job} of case {case} cannot be tried again, since the store's row cannot be read: {why}");
                    self.raise_alert("could_not_revoke", &format!("job:{job}"), &summary, Some(case))
                        .await?;
                    continue;
                }
            };
            self.requeue_failed(case, None, &job, "ledger").await?;
            self.reopen_for_retry(case).await?;
            let (id, target, error) = (job.id, job.target, job.error.unwrap_or_default());
            let summary = format!("case {case} has not been contained at {target} for a long time and is tried again: {error}");
            self.raise_alert("could_not_revoke", &format!("job:{id}"), &summary, Some(case))
                .await?;
            targets.push(target);
        }
        Ok(targets)
    }
}
