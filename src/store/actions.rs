//! What is about to be sent to a target, and what came of it: two records for each change, so that a crash between them shows.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{Claim, Result, Store, StoreError, Tx};
use crate::audit::{Entry, EntryKind};
use crate::model::{Action, ActionOutcome, Actor, Finished, GrantKind, Job, JobKind, Started};

/// What the observation behind a plan showed, for the trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The target's id of the account.
    pub principal: String,
    /// Grants listed by kind.
    pub counts: BTreeMap<GrantKind, usize>,
    /// Whether the account was suspended.
    pub suspended: bool,
}

impl Store {
    /// Makes the intent durable: returns only after the commit, and only then may the requests leave.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] where the claim is no longer ours: nothing may be sent.
    pub async fn start(&self, claim: &Claim, actions: Vec<Action>, seen: Seen) -> Result<Vec<Started>> {
        let (job, lease) = (claim.job.clone(), claim.lease.id.clone());
        self.write(move |tx| {
            Box::pin(async move {
                tx.still_claimed(&job, &lease).await?;
                tx.start(&job, actions, &seen).await
            })
        })
        .await
    }

    /// Records what became of actions, between two plans of one attempt.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn finish(&self, claim: &Claim, finished: Vec<Finished>) -> Result<()> {
        let job = claim.job.clone();
        self.write(move |tx| Box::pin(async move { tx.finish(&job, &finished).await }))
            .await
    }
}

impl Tx<'_> {
    async fn still_claimed(&mut self, job: &Job, lease: &str) -> Result<()> {
        let held = sqlx::query("SELECT 1 FROM job WHERE id = ? AND state = 'running' AND lease_id = ?")
            .bind(job.id.0)
            .bind(lease)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("checking a lease"))?;
        held.map(|_| ()).ok_or(StoreError::LeaseLost(job.id))
    }

    async fn start(&mut self, job: &Job, actions: Vec<Action>, seen: &Seen) -> Result<Vec<Started>> {
        let entry = |kind| {
            Entry::new(kind, Actor::Daemon)
                .case(job.case.0)
                .job(job.id.0)
                .subject_ref(&job.subject_ref)
        };
        self.record(&entry(EntryKind::ObservationRecorded).detail(serde_json::json!({
            "target": job.target, "principal": seen.principal, "grants": seen.counts, "suspended": seen.suspended,
        })));
        if job.kind == JobKind::Watch && !actions.is_empty() {
            self.reopen(job).await?;
        }
        let mut started = Vec::with_capacity(actions.len());
        for action in actions {
            let text = serde_json::to_string(&action).unwrap_or_default();
            let id = sqlx::query("INSERT INTO action (job_id, attempt, action, started_at) VALUES (?, ?, ?, ?)")
                .bind(job.id.0)
                .bind(job.attempt)
                .bind(text)
                .bind(self.now.ms())
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("recording an intent"))?
                .last_insert_rowid();
            self.record(&entry(EntryKind::ActionStarted).detail(serde_json::json!({
                "action": id, "target": job.target, "principal": seen.principal, "attempt": job.attempt, "what": action,
            })));
            started.push(Started { id, action });
        }
        if !started.is_empty() && !job.acted {
            sqlx::query("UPDATE job SET acted = 1 WHERE id = ?")
                .bind(job.id.0)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("marking a job"))?;
        }
        Ok(started)
    }

    pub(super) async fn finish(&mut self, job: &Job, finished: &[Finished]) -> Result<()> {
        for action in finished {
            let row = sqlx::query(
                "UPDATE action SET outcome = ?, finished_at = ?, requests = ? WHERE id = ? AND job_id = ? AND outcome IS NULL \
                 RETURNING action",
            )
            .bind(action.outcome.word())
            .bind(action.at.ms())
            .bind(serde_json::to_string(&action.requests).unwrap_or_default())
            .bind(action.id)
            .bind(job.id.0)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("recording an answer"))?;
            let Some(row) = row else { continue };
            let text: String = row.get(0);
            let what: Option<Action> = serde_json::from_str(&text).ok();
            let why = match &action.outcome {
                ActionOutcome::Failed(why) => Some(why.as_str()),
                _ => None,
            };
            self.record(
                &Entry::new(EntryKind::ActionFinished, Actor::Daemon)
                    .case(job.case.0)
                    .job(job.id.0)
                    .subject_ref(&job.subject_ref)
                    .detail(serde_json::json!({
                        "action": action.id, "outcome": action.outcome.word(), "why": why, "requests": action.requests,
                        "answered_at": action.at.ms(),
                    })),
            );
            let worked = matches!(action.outcome, ActionOutcome::Done | ActionOutcome::Already);
            if worked && what == Some(Action::ResetPassword) {
                sqlx::query("UPDATE job SET password_reset = 1 WHERE id = ?")
                    .bind(job.id.0)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("marking a job"))?;
            }
            if worked && what.is_some_and(|what| what.revokes()) {
                sqlx::query("UPDATE cases SET first_revoke_at = ? WHERE id = ? AND first_revoke_at IS NULL")
                    .bind(action.at.ms())
                    .bind(job.case.0)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("marking a case"))?;
            }
        }
        Ok(())
    }

    /// Closes the open actions of an attempt that died: nobody knows whether the target made the change. The next attempt looks.
    pub(super) async fn forget_open_actions(&mut self, case: i64, job: i64) -> Result<()> {
        let rows = sqlx::query(
            "UPDATE action SET outcome = 'unknown', finished_at = ? \
             WHERE id IN (SELECT id FROM action INDEXED BY action_open WHERE job_id = ? AND outcome IS NULL) RETURNING id",
        )
        .bind(self.now.ms())
        .bind(job)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("closing open actions"))?;
        for row in rows {
            self.record(
                &Entry::new(EntryKind::ActionUnknown, Actor::Daemon)
                    .case(case)
                    .job(job)
                    .detail(serde_json::json!({ "action": row.get::<i64, _>(0) })),
            );
        }
        Ok(())
    }
}
