//! Releases a suspension on an operator's word: which cases have one to undo, and the job that does it.

use std::collections::BTreeMap;

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use super::call_off::ensure_exists;
use crate::model::{Actor, Evidence, JobKind, JobState, Priority, Timestamp};
use crate::store::columns::{Columns as _, written};
use crate::store::queue::evidence_row;
use crate::store::queue::new_job::NewJob;
use crate::store::{Result, Store, StoreError, Tx};

/// What a case has suspended at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Releasable {
    /// The target.
    pub target: String,
    /// The accounts, by the target's ids, and since when each is suspended, by the target's own clock.
    pub suspensions: BTreeMap<String, Timestamp>,
}

/// A release that is to be carried out, as it was rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// What is to be undone.
    pub suspension: Releasable,
    /// The hash of what would come back to life.
    pub set: String,
}

/// Whether a job `j` has suspended somebody itself, and nothing has released that. Not what was so already, and not what a sweep has only seen.
pub(in crate::store) const STILL_SUSPENDS: &str = "j.kind <> 'release' \
     AND EXISTS (SELECT 1 FROM action a WHERE a.job_id = j.id AND a.action ->> 'do' = 'suspend' AND a.outcome IN ('done', 'unknown')) \
     AND NOT EXISTS (SELECT 1 FROM job k WHERE k.case_id = j.case_id AND k.target = j.target AND k.verdict = 'released')";

impl Store {
    /// The suspensions that a case has made and that stand as far as is known, by target. Empty where it has made none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and where the store cannot be read.
    pub async fn releasable(&self, case: i64) -> Result<Vec<Releasable>> {
        ensure_exists(self.readers(), case).await?;
        let sql = format!("SELECT j.target, j.evidence FROM job j WHERE j.case_id = ? AND {STILL_SUSPENDS} ORDER BY j.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking what a case has suspended"))?;
        let mut by_target: BTreeMap<String, BTreeMap<String, Timestamp>> = BTreeMap::new();
        for row in &rows {
            // Evidence of an earlier version does not say since when: then nobody can tell whose suspension it is.
            if let Ok(evidence) = evidence_row::seen_and_done(row.read(1)?) {
                by_target.entry(row.read(0)?).or_default().extend(evidence.suspensions);
            }
        }
        let made = by_target.into_iter().filter(|(_, suspensions)| !suspensions.is_empty());
        Ok(made.map(|(target, suspensions)| Releasable { target, suspensions }).collect())
    }

    /// Has suspensions of a case undone, and ends what is left of the case: its sweeps would suspend the account again. Answers the jobs.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the case is at work.
    pub async fn release(&self, case: i64, asked: Vec<ReleaseRequest>, by: Actor, note: Option<String>) -> Result<Vec<i64>> {
        let targets: Vec<String> = asked.iter().map(|release| release.suspension.target.clone()).collect();
        let jobs = self
            .write(move |tx| Box::pin(async move { tx.enqueue_release(case, &asked, &by, note.as_deref()).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(jobs)
    }
}

impl Tx<'_> {
    /// Whether a case has suspended somebody, and nothing has released that.
    pub(in crate::store) async fn has_suspended(&mut self, case: i64) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM job j WHERE j.case_id = ? AND {STILL_SUSPENDS})");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking what a case has suspended"))
    }

    /// A release of a case was done. Once nobody is left whom the case has suspended, nobody needs to be told that a departure was called off too
    /// late.
    pub(in crate::store) async fn note_released(&mut self, case: i64) -> Result<()> {
        if self.has_suspended(case).await? {
            return Ok(());
        }
        let keys: Vec<String> =
            sqlx::query_scalar("SELECT key FROM alert WHERE kind = 'rescinded_too_late' AND case_id = ? AND cleared_at IS NULL")
                .bind(case)
                .fetch_all(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking for alerts"))?;
        for key in keys {
            self.end_alert("rescinded_too_late", &key).await?;
        }
        Ok(())
    }

    async fn enqueue_release(&mut self, case: i64, asked: &[ReleaseRequest], by: &Actor, note: Option<&str>) -> Result<Vec<i64>> {
        let row = sqlx::query(
            "SELECT subject_ref, EXISTS (SELECT 1 FROM job WHERE case_id = ?1 AND state IN ('running', 'queued')) FROM cases WHERE id = ?1",
        )
        .bind(case)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case"))?
        .ok_or(StoreError::NotFound { what: "case", id: case })?;
        if row.read(1)? {
            return Err(StoreError::Refused(format!(
                "case {case} is at work; call it off first (revoked case cancel {case} --note WHY), or wait for its verdict"
            )));
        }
        let reference: String = row.read(0)?;
        self.call_off_case(case, by, "its suspension is undone").await?;
        let mut jobs = Vec::with_capacity(asked.len());
        for release in asked {
            let suspension = &release.suspension;
            let evidence = Evidence {
                principal: Some(suspension.suspensions.keys().cloned().collect::<Vec<_>>().join(", ")),
                suspensions: suspension.suspensions.clone(),
                rehearsed: Some(release.set.clone()),
                ..Evidence::default()
            };
            let job = self
                .enqueue(&NewJob {
                    case,
                    target: &suspension.target,
                    kind: JobKind::Release,
                    containment: &written("a containment", &crate::model::Containment::nothing())?,
                    priority: Priority::PROMPT,
                    state: &JobState::Queued,
                    held_due: None,
                    sweep: 0,
                    approved: true,
                    subject_ref: &reference,
                    evidence: Some(&evidence_row::of_new_job(&evidence)?),
                    chain_at: None,
                })
                .await?;
            self.record(
                &Entry::new(EntryKind::ReleaseAsked, by.clone())
                    .case(case)
                    .job(job)
                    .subject_ref(&reference)
                    .detail(serde_json::json!({
                        "target": suspension.target, "principals": suspension.suspensions.keys().collect::<Vec<_>>(), "set": release.set, "note": note,
                    })),
            );
            jobs.push(job);
        }
        Ok(jobs)
    }
}
