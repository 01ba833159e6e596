//! Single sign-on: what the block at an identity provider, and the account found there, mean for the other targets of a case.
//!
//! Applications are emptied at once, and again once the provider has shown its block: until then single sign-on brings people back. And who
//! somebody is at a provider teaches the others by which names to ask.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::evidence_row;
use super::new_job::NewJob;
use super::requeue::ContainingJob;
use crate::model::{Evidence, Identity, Job, JobKind, JobState, Priority, Subject, Timestamp};
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError, Tx};

/// The newest job of a target in a case, looks that are still to come apart.
struct Looked {
    id: i64,
    target: String,
    state: String,
    found: bool,
    evidence: Evidence,
}

impl Store {
    /// From now on these targets are identity providers. To be called once, before the first attempt.
    pub fn set_identity_providers(&self, names: BTreeSet<String>) {
        // A second call has no effect.
        drop(self.0.identity_providers.set(names.into()));
    }

    pub(in crate::store) fn identity_providers(&self) -> Arc<BTreeSet<String>> {
        self.0.identity_providers.get().cloned().unwrap_or_default()
    }

    /// Keeps the names that the account of a job's person bears at an identity provider, and asks again, by them, at the other targets of the
    /// case that knew nobody. A name that somebody else has already stays theirs.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn learn_names(&self, job: &Job, names: Vec<Subject>) -> Result<()> {
        if names.len() < 2 {
            return Ok(());
        }
        let job = job.clone();
        let woken = self
            .write(move |tx| {
                let (job, names) = (job.clone(), names.clone());
                Box::pin(async move { tx.learn_names(&job, names).await })
            })
            .await?;
        self.wake_lanes(&woken);
        Ok(())
    }
}

impl Tx<'_> {
    async fn learn_names(&mut self, job: &Job, names: Vec<Subject>) -> Result<Vec<String>> {
        let source = format!("target:{}", job.target);
        if !self.link_people(&source, &[Identity::of(names)]).await? {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {} FROM job j WHERE case_id = ?1 AND kind = 'contain' \
             AND ((state = 'done' AND verdict = 'no_principal') \
                  OR (state = 'failed' AND json_valid(evidence) AND evidence ->> '$.nameless' = 1)) \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state <> 'cancelled')",
            ContainingJob::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(job.case.0)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case's jobs"))?;
        let mut woken = Vec::new();
        for row in &rows {
            let unknown = ContainingJob::read(row)?;
            self.requeue(job.case.0, &job.subject_ref, &unknown, "linked").await?;
            woken.push(unknown.target);
        }
        Ok(woken)
    }

    /// A job that found nobody is put into the queue again where its person has been given more names since it was claimed.
    pub(super) async fn ask_by_new_names(&mut self, job: &Job) -> Result<()> {
        let mut now = [job.clone()];
        self.add_known_names(&mut now).await?;
        let [now] = now;
        if now.subject == job.subject {
            return Ok(());
        }
        let sql = format!("SELECT {} FROM job j WHERE id = ?1", ContainingJob::COLUMNS);
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(job.id.0)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a job"))?;
        self.requeue(job.case.0, &job.subject_ref, &ContainingJob::read(&row)?, "linked")
            .await
    }

    /// Has every application of a case looked at once more, at once, that was looked at before a provider of the case had shown its block.
    pub(super) async fn look_again_after_block(
        &mut self,
        case: i64,
        subject_ref: &str,
        providers: &BTreeSet<String>,
    ) -> Result<()> {
        if providers.is_empty() {
            return Ok(());
        }
        let Some(blocked_at) = self.blocked_at(case, providers).await? else {
            return Ok(());
        };
        let looked = self.newest_looks(case).await?;
        let early = looked.iter().filter(|job| {
            !providers.contains(&job.target)
                && job.state == "done"
                && job.found
                && job.evidence.looked_from.is_some_and(|began| began <= blocked_at)
        });
        for job in early {
            self.look_again(case, subject_ref, job).await?;
        }
        Ok(())
    }

    /// The next sweep of a target comes at once, and the one that was planned comes all the same.
    async fn look_again(&mut self, case: i64, subject_ref: &str, job: &Looked) -> Result<()> {
        let evidence = Evidence {
            after_block: true,
            ..job.evidence.for_a_sweep()
        };
        let evidence = evidence_row::of_new_job(&evidence)?;
        let planned = sqlx::query(
            "UPDATE job SET state = 'queued', due = NULL, sweep = sweep - 1, priority = min(priority, $1), evidence = $2 \
             WHERE case_id = $3 AND target = $4 AND kind = 'watch' AND state = 'scheduled'",
        )
        .bind(Priority::PROMPT.0)
        .bind(&evidence)
        .bind(case)
        .bind(&job.target)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("bringing a sweep forward"))?;
        if planned.rows_affected() > 0 {
            return Ok(());
        }
        let row = sqlx::query("SELECT containment, sweep, approved, coalesce(chain_at, finished_at) FROM job WHERE id = $1")
            .bind(job.id)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a job"))?;
        let since: Option<i64> = row.read(3)?;
        self.enqueue(&NewJob {
            case,
            target: &job.target,
            kind: JobKind::Sweep,
            containment: row.read(0)?,
            priority: Priority::PROMPT,
            state: &JobState::Queued,
            held_due: None,
            sweep: row.read(1)?,
            approved: row.read(2)?,
            subject_ref,
            evidence: Some(&evidence),
            chain_at: since.map(Timestamp::from_ms),
        })
        .await
        .map(|_| ())
    }

    /// When a provider of the case last showed a block that we had asked for.
    async fn blocked_at(&mut self, case: i64, providers: &BTreeSet<String>) -> Result<Option<Timestamp>> {
        let rows = sqlx::query(
            "SELECT evidence FROM job WHERE case_id = $1 AND state <> 'cancelled' AND kind <> 'release' \
             AND target IN (SELECT value FROM json_each($2))",
        )
        .bind(case)
        .bind(written("the identity providers", providers)?)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case's jobs"))?;
        let mut last = None;
        for row in &rows {
            last = last.max(seen_and_done(row.read(0)?).blocked_at);
        }
        Ok(last)
    }

    async fn newest_looks(&mut self, case: i64) -> Result<Vec<Looked>> {
        let rows = sqlx::query(
            "SELECT id, target, state, coalesce(verdict IN ('contained', 'unverified', 'residual'), 0), evidence FROM job j \
             WHERE case_id = $1 AND state <> 'cancelled' AND kind <> 'release' AND NOT (kind = 'watch' AND state = 'scheduled') \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = $1 AND k.target = j.target AND k.state <> 'cancelled' \
                       AND k.kind <> 'release' AND NOT (k.kind = 'watch' AND k.state = 'scheduled')) ORDER BY id",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case's jobs"))?;
        let looked = rows.iter().map(|row| {
            Ok(Looked {
                id: row.read(0)?,
                target: row.read(1)?,
                state: row.read(2)?,
                found: row.read(3)?,
                evidence: seen_and_done(row.read(4)?),
            })
        });
        looked.collect()
    }
}

/// The evidence of a row; one that is damaged says nothing.
fn seen_and_done(evidence: Option<&str>) -> Evidence {
    evidence
        .and_then(|text| evidence_row::seen_and_done(text).ok())
        .unwrap_or_default()
}
