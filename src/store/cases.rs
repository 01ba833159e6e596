//! The life of a case: opened with its jobs, closed with the worst of their verdicts, opened again when a sweep finds something.

use sqlx::Row as _;

use super::{Result, StoreError, Tx};
use crate::audit::{Entry, EntryKind};
use crate::model::{Actor, Job, Verdict};

impl Tx<'_> {
    /// Closes the job's case once no job of it is open, with the worst verdict among the newest job of each target.
    pub(super) async fn close_if_over(&mut self, job: &Job) -> Result<()> {
        let rows = sqlx::query(
            "SELECT state, verdict FROM job j WHERE case_id = ?1 AND state <> 'cancelled' \
             AND NOT (kind = 'watch' AND state = 'scheduled') \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state <> 'cancelled' \
                       AND NOT (k.kind = 'watch' AND k.state = 'scheduled'))",
        )
        .bind(job.case.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case's jobs"))?;
        let mut worst = 0;
        for row in &rows {
            let (state, verdict): (String, Option<String>) = (row.get(0), row.get(1));
            // A sweep that waits for its lane leaves the case as it is; it reopens it if it has to act.
            if !matches!(state.as_str(), "done" | "failed") {
                return Ok(());
            }
            let place = Verdict::WORDS.iter().position(|word| Some(*word) == verdict.as_deref());
            worst = worst.max(place.unwrap_or(Verdict::WORDS.len() - 1));
        }
        let verdict = Verdict::WORDS[worst];
        let contained = matches!(verdict, "contained" | "unverified" | "residual");
        let row = sqlx::query(
            "UPDATE cases SET state = 'closed', verdict = ?2, closed_at = ?3, \
                    contained_at = CASE WHEN ?4 THEN coalesce(contained_at, ?3) ELSE contained_at END \
             WHERE id = ?1 AND (state = 'open' OR (state = 'closed' AND verdict IS NOT ?2)) \
             RETURNING received_at, first_revoke_at, contained_at",
        )
        .bind(job.case.0)
        .bind(verdict)
        .bind(self.now.ms())
        .bind(contained)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("closing a case"))?;
        let Some(row) = row else { return Ok(()) };
        let (received, first, at): (i64, Option<i64>, Option<i64>) = (row.get(0), row.get(1), row.get(2));
        self.record(
            &Entry::new(EntryKind::CaseContained, Actor::Daemon)
                .case(job.case.0)
                .subject_ref(&job.subject_ref)
                .detail(serde_json::json!({
                    "verdict": verdict,
                    "received_to_first_revoke_ms": first.map(|first| first - received),
                    "received_to_contained_ms": at.map(|at| at - received),
                })),
        );
        if contained {
            self.over("could_not_revoke", &format!("job:{}", job.id)).await?;
        }
        Ok(())
    }

    /// A sweep found access again: the case is open until the sweep has ended it, and somebody should know why it came back.
    pub(super) async fn reopen(&mut self, job: &Job) -> Result<()> {
        let touched = sqlx::query(
            "UPDATE cases SET state = 'open', verdict = NULL, closed_at = NULL, reopened = reopened + 1 WHERE id = ? AND state = 'closed'",
        )
        .bind(job.case.0)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reopening a case"))?;
        if touched.rows_affected() == 0 {
            return Ok(());
        }
        self.record(
            &Entry::new(EntryKind::CaseReopened, Actor::Daemon)
                .case(job.case.0)
                .job(job.id.0)
                .subject_ref(&job.subject_ref)
                .detail(serde_json::json!({ "target": job.target })),
        );
        let summary = format!(
            "case {}: access at {} came back after it was contained; it is being ended again",
            job.case, job.target
        );
        self.raise("came_back", &format!("case:{}", job.case), &summary, Some(job.case.0))
            .await
    }

    /// An attempt found that a human must decide: places a hold over the case.
    pub(super) async fn hold_case(&mut self, job: &Job, why: &str) -> Result<()> {
        let source: String = sqlx::query_scalar("SELECT source FROM cases WHERE id = ?")
            .bind(job.case.0)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case"))?;
        let hold = self.place_hold("principal", why, &source, None).await?;
        sqlx::query("UPDATE cases SET state = 'held', hold = ?, verdict = NULL, closed_at = NULL WHERE id = ?")
            .bind(hold)
            .bind(job.case.0)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("holding a case"))?;
        let summary = format!("case {} waits for a decision: {why} (revoked hold show {hold})", job.case);
        self.raise("hold", &format!("hold:{hold}"), &summary, Some(job.case.0)).await
    }

    /// Places an open hold and answers its number. The caller records what came under it.
    pub(super) async fn place_hold(&mut self, why: &str, detail: &str, source: &str, batch: Option<i64>) -> Result<i64> {
        let done = sqlx::query("INSERT INTO hold (why, detail, source, batch, placed_at) VALUES (?, ?, ?, ?, ?)")
            .bind(why)
            .bind(detail)
            .bind(source)
            .bind(batch)
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("placing a hold"))?;
        Ok(done.last_insert_rowid())
    }
}
