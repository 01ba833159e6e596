//! Closes a case with the worst of its targets' verdicts once no job of it is open, and reopens it when a sweep finds access again.

use revoked_trail::{Entry, EntryKind};

use super::entries;
use crate::model::{Actor, Job, JobId, Verdict};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError, Tx};

/// How a case closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum CaseOutcome {
    /// With this verdict about somebody.
    Verdict(&'static str),
    /// No target knows the person.
    Nobody,
}

/// The newest job of a case at one target.
pub(super) struct NewestJob {
    pub(super) state: String,
    pub(super) verdict: Option<String>,
    /// Nobody was found there by any name, or no name is one that it can be asked for.
    pub(super) nobody: bool,
}

/// The worst verdict among the newest job of each target, and whether nobody was found at any; `None` while one of them is open.
pub(super) fn worst_verdict(jobs: &[NewestJob]) -> Option<(&'static str, bool)> {
    // A sweep that waits for its lane leaves the case as it is; it reopens it if it has to act.
    let over = jobs.iter().all(|job| matches!(job.state.as_str(), "done" | "failed"));
    let severity = |job: &NewestJob| {
        let place = Verdict::WORDS.iter().position(|word| Some(*word) == job.verdict.as_deref());
        place.unwrap_or(Verdict::WORDS.len() - 1)
    };
    let worst = jobs.iter().map(severity).max().unwrap_or(0);
    over.then(|| (Verdict::WORDS[worst], jobs.iter().all(|job| job.nobody)))
}

/// Whether by this verdict somebody was contained, as well as can be proved.
pub(super) fn is_contained(verdict: &str) -> bool {
    matches!(verdict, "contained" | "unverified" | "residual")
}

impl Tx<'_> {
    /// Closes a case once no job of it is open, with the worst verdict among the newest job of each target. `job` is the one that has just
    /// ended.
    pub(super) async fn close_if_done(&mut self, case: i64, subject_ref: &str, job: Option<JobId>) -> Result<Option<CaseOutcome>> {
        let rows = sqlx::query(
            "SELECT state, verdict, CASE WHEN evidence IS NULL OR json_valid(evidence) \
                    THEN evidence ->> '$.principal' IS NULL AND (verdict = 'no_principal' OR evidence ->> '$.nameless' = 1) END \
             FROM job j WHERE case_id = ?1 AND state <> 'cancelled' AND kind <> 'release' \
             AND NOT (kind = 'watch' AND state = 'scheduled') \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state <> 'cancelled' \
                       AND k.kind <> 'release' AND NOT (k.kind = 'watch' AND k.state = 'scheduled'))",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case's jobs"))?;
        let jobs = rows.iter().map(|row| {
            Ok(NewestJob {
                state: row.read(0)?,
                verdict: row.read(1)?,
                nobody: row.read::<Option<bool>>(2)? == Some(true),
            })
        });
        let jobs: Vec<NewestJob> = jobs.collect::<Result<_>>()?;
        let Some((verdict, mut nobody)) = worst_verdict(&jobs) else {
            return Ok(None);
        };
        let contained = is_contained(verdict);
        let row = sqlx::query(
            "UPDATE cases SET state = 'closed', verdict = ?2, closed_at = ?3, \
                    contained_at = CASE WHEN ?4 THEN coalesce(contained_at, ?3) ELSE contained_at END \
             WHERE id = ?1 AND (state IN ('open', 'held') OR (state = 'closed' AND verdict IS NOT ?2)) \
             RETURNING received_at, first_revoke_at, contained_at, \
                       EXISTS (SELECT 1 FROM alert WHERE kind = 'could_not_revoke' AND key = ?5 AND cleared_at IS NULL)",
        )
        .bind(case)
        .bind(verdict)
        .bind(self.now.ms())
        .bind(contained)
        .bind(job.map(|job| format!("job:{job}")))
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("closing a case"))?;
        let Some(row) = row else { return Ok(None) };
        let (received, first, at): (i64, Option<i64>, Option<i64>) = (row.read(0)?, row.read(1)?, row.read(2)?);
        // Whoever was contained and is gone by now is no riddle.
        nobody &= at.is_none();
        self.record(&entries::case_closed((case, subject_ref), verdict, received, first, at));
        let was_in_ledger: bool = row.read(3)?;
        if let Some(job) = job.filter(|_| contained && was_in_ledger) {
            self.end_alert("could_not_revoke", &format!("job:{job}")).await?;
        }
        if nobody {
            self.note_unresolved(case, subject_ref, verdict == "no_principal").await?;
            return Ok(Some(CaseOutcome::Nobody));
        }
        self.note_resolved(case).await?;
        Ok(Some(CaseOutcome::Verdict(verdict)))
    }

    /// Closes a case of which some jobs are over and the others were cancelled: it keeps the verdict of what was proved.
    pub(in crate::store) async fn close_what_was_proved(&mut self, case: i64) -> Result<()> {
        let reference: String = sqlx::query_scalar("SELECT subject_ref FROM cases WHERE id = ?")
            .bind(case)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case"))?;
        self.close_if_done(case, &reference, None).await.map(|_| ())
    }

    /// A sweep found access again: the case is open until the sweep has ended it, and somebody should know why it came back.
    pub(super) async fn reopen(&mut self, job: &Job) -> Result<()> {
        // Where a human was asked before anything was done, the case is open already.
        let touched = sqlx::query(
            "UPDATE cases SET state = 'open', verdict = NULL, closed_at = NULL, reopened = min(reopened, 4294967295) + 1 \
             WHERE id = $1 AND (state = 'closed' OR ($3 AND state = 'open' AND NOT EXISTS (SELECT 1 FROM action WHERE job_id = $2)))",
        )
        .bind(job.case.0)
        .bind(job.id.0)
        .bind(job.evidence.enabled_again)
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
        if job.evidence.enabled_again {
            // Somebody knows: it was approved.
            return Ok(());
        }
        let summary = format!(
            "case {0}: access at {1} came back after it was contained; it is being ended again (revoked case show {0}; revoked case cancel {0} \
             ends the sweeps)",
            job.case, job.target
        );
        self.raise_alert("came_back", &format!("case:{}", job.case), &summary, Some(job.case.0))
            .await
    }

    /// Opens a case that was closed again, since a job of it is tried once more.
    pub(in crate::store) async fn reopen_for_retry(&mut self, case: i64) -> Result<()> {
        sqlx::query("UPDATE cases SET state = 'open', verdict = NULL, closed_at = NULL WHERE id = ? AND state = 'closed'")
            .bind(case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("opening a case again"))?;
        Ok(())
    }
}
