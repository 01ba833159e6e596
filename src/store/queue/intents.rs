//! Write-ahead intents: what is about to be sent to a target is recorded before it leaves, and what came of it after, so that a crash between
//! them shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use revoked_trail::{Entry, EntryKind};

use super::entries;
use super::evidence_row;
use super::observation_summary::ObservationSummary;
use super::reservation::Reservation;
use super::sets::hot_mutation::{ClaimRequest, Finish, HotMutation, Start};
use crate::model::{Action, ActionOutcome, Actor, Evidence, Finished, Job, JobKind, Started, Timestamp};
use crate::store::columns::{Columns as _, written};
use crate::store::{Claim, Result, Store, StoreError, Tx};

impl Store {
    /// Makes the intent durable: returns only after the commit, and only then may the requests leave.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] where the claim is no longer ours: nothing may be sent.
    pub async fn start(&self, claim: &Claim, actions: Vec<Action>, seen: ObservationSummary) -> Result<Vec<Started>> {
        let request = Start {
            job: Arc::clone(&claim.job),
            lease: claim.lease.clone(),
            reserved: claim.reservation.as_ref().is_some_and(Reservation::is_current),
            actions,
            seen,
        };
        self.write_hot(request, HotMutation::Start).await
    }

    /// Records what became of actions, between two plans of one attempt.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn finish(&self, claim: &Claim, finished: Vec<Finished>) -> Result<()> {
        let request = Finish {
            job: Arc::clone(&claim.job),
            finished,
        };
        self.write_hot(request, HotMutation::Finish).await
    }
}

impl Tx<'_> {
    /// Records the intents of an attempt that still has its lease.
    pub(super) async fn start_if_ours(&mut self, request: &Start) -> Result<Vec<Started>> {
        let Start {
            job,
            lease,
            reserved,
            actions,
            seen,
        } = request;
        if *reserved {
            self.commit_claim(&ClaimRequest {
                job: Arc::clone(job),
                lease: lease.clone(),
            })
            .await?;
        }
        self.check_lease(job, &lease.id, !actions.is_empty(), &seen.evidence).await?;
        self.start(job, actions, seen).await
    }

    /// Fails where the claim is no longer ours, and where the case was called off; marks the job as one that has acted where it is about to.
    async fn check_lease(&mut self, job: &Job, lease: &str, acts: bool, evidence: &Evidence) -> Result<()> {
        let called_off: Option<bool> = sqlx::query_scalar(
            "UPDATE job SET acted = acted OR ?, evidence = ? WHERE id = ? AND state = 'running' AND lease_id = ? \
             RETURNING (SELECT called_off_at IS NOT NULL FROM cases WHERE cases.id = case_id)",
        )
        .bind(acts)
        .bind(evidence_row::of_attempt(evidence.clone())?)
        .bind(job.id.0)
        .bind(lease)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("checking a lease"))?;
        match called_off {
            None => Err(StoreError::LeaseLost(job.id)),
            // A release follows on the calling off.
            Some(true) if job.kind != JobKind::Release => Err(StoreError::CalledOff(job.id)),
            Some(_) => Ok(()),
        }
    }

    async fn start(&mut self, job: &Job, actions: &[Action], seen: &ObservationSummary) -> Result<Vec<Started>> {
        self.record(&entries::observed(job, seen));
        if job.kind == JobKind::Sweep && !actions.is_empty() {
            self.reopen(job).await?;
        }
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        // One statement for the whole wave. Rows are inserted in the order of the plan, so the sorted numbers are theirs.
        let texts: Vec<String> = actions
            .iter()
            .map(|action| written("an action", action))
            .collect::<Result<_>>()?;
        let mut ids: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO action (job_id, attempt, action, started_at) \
             SELECT ?1, ?2, value, ?3 FROM json_each(?4) ORDER BY key RETURNING id",
        )
        .bind(job.id.0)
        .bind(job.attempt)
        .bind(self.now.ms())
        .bind(written("actions", &texts)?)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording an intent"))?;
        ids.sort_unstable();
        let mut started = Vec::with_capacity(actions.len());
        for (id, action) in ids.into_iter().zip(actions) {
            self.record(&entries::action_started(job, Some(&seen.principal), id, action));
            started.push(Started {
                id,
                action: action.clone(),
            });
        }
        Ok(started)
    }

    /// Records the intent of an action with the job itself, before anybody has looked whom it is about.
    pub(super) async fn intend(&mut self, job: &Job, action: &Action) -> Result<Started> {
        sqlx::query("UPDATE job SET acted = 1 WHERE id = $1")
            .bind(job.id.0)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("marking a job"))?;
        let id =
            sqlx::query_scalar("INSERT INTO action (job_id, attempt, action, started_at) VALUES ($1, $2, $3, $4) RETURNING id")
                .bind(job.id.0)
                .bind(job.attempt)
                .bind(written("an action", action)?)
                .bind(self.now.ms())
                .fetch_one(&mut *self.conn)
                .await
                .map_err(StoreError::sql("recording an intent"))?;
        self.record(&entries::action_started(job, None, id, action));
        Ok(Started {
            id,
            action: action.clone(),
        })
    }

    pub(in crate::store) async fn finish(&mut self, job: &Job, finished: &[Finished]) -> Result<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let answers: Vec<_> = finished
            .iter()
            .map(|action| {
                let requests = written("the requests of an action", &action.requests)?;
                Ok(serde_json::json!({
                    "id": action.id, "outcome": action.outcome.word(), "at": action.at.ms(), "requests": requests,
                    "why": entries::why_failed(action),
                }))
            })
            .collect::<Result<_>>()?;
        let rows = sqlx::query(
            "UPDATE action SET outcome = f.value ->> 'outcome', finished_at = f.value ->> 'at', requests = f.value ->> 'requests', \
                               why = f.value ->> 'why' \
             FROM json_each(?1) f WHERE action.id = f.value ->> 'id' AND job_id = ?2 AND outcome IS NULL \
             RETURNING action.id, action.action",
        )
        .bind(written("answers", &answers)?)
        .bind(job.id.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording answers"))?;
        let open = rows
            .iter()
            .map(|row| Ok((row.read(0)?, row.read(1)?)))
            .collect::<Result<BTreeMap<i64, String>>>()?;
        let mut first_revoke: Option<Timestamp> = None;
        for action in finished {
            // One that was closed before, as unknown, stays what it was.
            let Some(text) = open.get(&action.id) else { continue };
            self.record(&entries::action_finished(job, action));
            let what: Option<Action> = serde_json::from_str(text).ok();
            if !matches!(action.outcome, ActionOutcome::Done | ActionOutcome::Already) {
                continue;
            }
            if what == Some(Action::ResetPassword) {
                sqlx::query("UPDATE job SET password_reset = 1 WHERE id = ?")
                    .bind(job.id.0)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("marking a job"))?;
            }
            if what.is_some_and(|what| what.revokes()) {
                first_revoke = Some(first_revoke.map_or(action.at, |first| first.min(action.at)));
            }
        }
        if let Some(first) = first_revoke {
            sqlx::query("UPDATE cases SET first_revoke_at = ? WHERE id = ? AND first_revoke_at IS NULL")
                .bind(first.ms())
                .bind(job.case.0)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("marking a case"))?;
        }
        Ok(())
    }

    /// Closes the open actions of an attempt that died: nobody knows whether the target made the change. The next attempt looks.
    pub(super) async fn mark_open_actions_unknown(&mut self, case: i64, job: i64) -> Result<()> {
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
                    .detail(serde_json::json!({ "action": row.read::<i64>(0)? })),
            );
        }
        Ok(())
    }
}
