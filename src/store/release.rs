//! Undoing a suspension on an operator's word: which cases have one to undo, and the job that does it.

use serde::Serialize;
use sqlx::Row as _;

use super::settle::NewJob;
use super::{Result, Store, StoreError, Tx};
use crate::audit::{Entry, EntryKind};
use crate::model::{Actor, Evidence, JobKind, JobState, Priority, Timestamp};

/// A suspension that a case has made at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Releasable {
    /// The target.
    pub target: String,
    /// The accounts, by the target's ids.
    pub principals: Vec<String>,
    /// Since when they are suspended, by the target's own clock.
    pub suspended_at: Option<Timestamp>,
}

/// A release that is to be carried out, as it was rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseAsked {
    /// What is to be undone.
    pub suspension: Releasable,
    /// The hash of what would come back to life.
    pub set: String,
}

impl Store {
    /// The suspensions that a case has made and that stand as far as is known, by target. Empty where it has made none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and where the store cannot be read.
    pub async fn releasable(&self, case: i64) -> Result<Vec<Releasable>> {
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM cases WHERE id = ?)")
            .bind(case)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("reading a case"))?;
        if !there {
            return Err(StoreError::NotFound { what: "case", id: case });
        }
        // The newest job at each target that has seen the account suspended, where a job of the case has suspended it: not what was so already.
        let rows = sqlx::query(
            "SELECT j.target, j.evidence FROM job j WHERE j.case_id = ?1 AND j.kind <> 'release' AND j.evidence ->> '$.suspended[1]' = 1 \
             AND j.id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.kind <> 'release' \
                         AND k.evidence ->> '$.suspended[1]' = 1) \
             AND EXISTS (SELECT 1 FROM action a JOIN job k ON k.id = a.job_id WHERE k.case_id = ?1 AND k.target = j.target \
                         AND a.action ->> 'do' = 'suspend' AND a.outcome IN ('done', 'unknown')) \
             AND NOT EXISTS (SELECT 1 FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.verdict = 'released') \
             ORDER BY j.target",
        )
        .bind(case)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking what a case has suspended"))?;
        let releasable = rows.iter().filter_map(|row| {
            let evidence: Evidence = serde_json::from_str(row.get(1)).ok()?;
            Some(Releasable {
                target: row.get(0),
                principals: evidence.principals().map(str::to_owned).collect(),
                // Evidence of an earlier version does not say since when: then nobody can tell whose suspension it is.
                suspended_at: Some(evidence.suspended_at?),
            })
        });
        Ok(releasable.collect())
    }

    /// Has suspensions of a case undone, and ends what is left of the case: its sweeps would suspend the account again. Answers the jobs.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the case is at work.
    pub async fn release(&self, case: i64, asked: Vec<ReleaseAsked>, by: Actor, note: Option<String>) -> Result<Vec<i64>> {
        let targets: Vec<String> = asked.iter().map(|release| release.suspension.target.clone()).collect();
        let jobs = self
            .write(move |tx| Box::pin(async move { tx.ask_for_release(case, &asked, &by, note.as_deref()).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(jobs)
    }
}

impl Tx<'_> {
    async fn ask_for_release(&mut self, case: i64, asked: &[ReleaseAsked], by: &Actor, note: Option<&str>) -> Result<Vec<i64>> {
        let row = sqlx::query(
            "SELECT subject_ref, EXISTS (SELECT 1 FROM job WHERE case_id = ?1 AND state IN ('running', 'queued')) FROM cases WHERE id = ?1",
        )
        .bind(case)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case"))?
        .ok_or(StoreError::NotFound { what: "case", id: case })?;
        if row.get(1) {
            return Err(StoreError::Refused(format!(
                "case {case} is at work; call it off first (revoked case cancel {case}), or wait for its verdict"
            )));
        }
        let reference: String = row.get(0);
        self.call_off_case(case, by, "its suspension is undone").await?;
        let mut jobs = Vec::with_capacity(asked.len());
        for release in asked {
            let suspension = &release.suspension;
            let evidence = Evidence {
                principal: Some(suspension.principals.join(", ")),
                suspended_at: suspension.suspended_at,
                rehearsed: Some(release.set.clone()),
                ..Evidence::default()
            };
            let job = self
                .enqueue(&NewJob {
                    case,
                    target: &suspension.target,
                    kind: JobKind::Release,
                    containment: &serde_json::to_string(&crate::model::Containment::nothing()).unwrap_or_default(),
                    priority: Priority::PROMPT,
                    state: &JobState::Queued,
                    held_due: None,
                    sweep: 0,
                    approved: true,
                    subject_ref: &reference,
                    evidence: serde_json::to_string(&evidence).ok(),
                    chain_at: None,
                })
                .await?;
            self.record(
                &Entry::new(EntryKind::ReleaseAsked, by.clone())
                    .case(case)
                    .job(job)
                    .subject_ref(&reference)
                    .detail(serde_json::json!({
                        "target": suspension.target, "principals": suspension.principals, "set": release.set, "note": note,
                    })),
            );
            jobs.push(job);
        }
        Ok(jobs)
    }
}
