//! The life of a case: opened with its jobs, closed with the worst of their verdicts, opened again when a sweep finds something.

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;

use super::accept::Intake;
use super::coalesce::Live;
use super::requester;
use super::requeue::Over;
use super::settle::NewJob;
use crate::digest::{hex, sha256};
use crate::model::{Actor, CaseId, Delivery, Job, JobId, JobKind, JobState, LEASE_LENGTH, Lease, Signal, Timestamp, Verdict};
use crate::policy::Work;
use crate::store::identity::resolution::Whose;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Opens a case with its jobs, or joins the signal to the case that is open already for the same person and playbook.
    pub(in crate::store) async fn open_case(
        &mut self,
        intake: &mut Intake<'_>,
        new: &NewCase<'_>,
        work: &Work,
        hold: Option<i64>,
    ) -> Result<CaseId> {
        let asker = requester::plain(&new.delivery.source, new.signal.requested_by.as_deref());
        self.record(&new.entry(EntryKind::SignalAccepted).detail(serde_json::json!({
            "signal": new.signal_id, "reason": new.signal.reason.word(), "key_sha256": hex(&sha256(new.signal.key.as_bytes())), "sha256": hex(&new.signal.digest),
            "occurred_at": new.signal.occurred_at.map(Timestamp::ms), "playbook": work.playbook,
            "requested_by": asker, "requested_by_sha256": new.signal.requested_by.as_deref().filter(|_| asker.is_none()).map(|by| hex(&sha256(by.as_bytes()))),
            "note_sha256": new.signal.note.as_deref().map(|note| hex(&sha256(note.as_bytes()))),
        })));
        let scope = serde_json::to_string(&new.signal.scope).unwrap_or_default();
        if let Some(case) = self.join_case(intake, new, work, &scope, hold).await? {
            return Ok(case);
        }
        let case = sqlx::query(
            "INSERT INTO cases (subject_ref, reason, playbook, scope, priority, state, source, requested_by, note, batch, hold, received_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.reference)
        .bind(new.signal.reason.word())
        .bind(&work.playbook)
        .bind(&scope)
        .bind(work.priority.0)
        .bind(if hold.is_some() { "held" } else { "open" })
        .bind(&new.delivery.source)
        .bind(&new.signal.requested_by)
        .bind(&new.signal.note)
        .bind(new.batch)
        .bind(hold)
        .bind(new.delivery.received_at.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("opening a case"))?
        .last_insert_rowid();
        self.link(new.signal_id, case).await?;
        self.record(&new.entry(EntryKind::CaseOpened).case(case).detail(serde_json::json!({
            "reason": new.signal.reason.word(), "playbook": work.playbook, "priority": work.priority.0, "scope": new.signal.scope,
            "due": work.due.map(Timestamp::ms),
        })));
        for (target, containment) in &work.jobs {
            let state = match (hold, work.due.filter(|due| *due > self.now)) {
                (Some(_), _) => JobState::Held,
                (None, Some(due)) => JobState::Scheduled { due },
                (None, None) => self.born(intake, target, work),
            };
            let job = self
                .enqueue(&NewJob {
                    case,
                    target,
                    kind: JobKind::Contain,
                    containment: &serde_json::to_string(containment).unwrap_or_default(),
                    priority: work.priority,
                    state: &state,
                    held_due: work.due.filter(|_| hold.is_some()),
                    sweep: 0,
                    approved: false,
                    subject_ref: new.reference,
                    evidence: None,
                    chain_at: None,
                })
                .await?;
            match state {
                JobState::Running { lease } => {
                    intake.claims.extend(self.claimed(&[job], &lease).await?);
                }
                JobState::Queued if !intake.targets.contains(target) => intake.targets.push(target.clone()),
                _ => {}
            }
        }
        self.plan_departure(new, case).await?;
        Ok(CaseId(case))
    }

    /// An urgent job takes the slot that its lane has offered; everything else waits in the queue.
    fn born(&self, intake: &mut Intake<'_>, target: &str, work: &Work) -> JobState {
        let offered = intake.slots.iter().position(|slot| slot == target);
        match offered.filter(|_| work.priority.is_urgent()) {
            Some(n) => {
                intake.slots.swap_remove(n);
                let lease = Lease {
                    id: uuid::Uuid::now_v7().to_string(),
                    until: self.now.plus(LEASE_LENGTH),
                };
                JobState::Running { lease }
            }
            None => JobState::Queued,
        }
    }

    /// Joins a signal to a case that does what it asks for already. A more urgent signal raises what still waits.
    async fn join_case(
        &mut self,
        intake: &mut Intake<'_>,
        new: &NewCase<'_>,
        work: &Work,
        scope: &str,
        hold: Option<i64>,
    ) -> Result<Option<CaseId>> {
        let found = match self.live_case(intake, new, work, scope, hold).await? {
            Some(live) => Some(live),
            None if hold.is_none() => {
                let case = self.just_proved(new, work, scope).await?;
                if let Some(case) = case {
                    intake.told |= self.announce_late(case, intake.receivers).await?;
                }
                return Ok(case);
            }
            None => None,
        };
        let Some(Live { case, priority, stale }) = found else {
            return Ok(None);
        };
        self.link(new.signal_id, case).await?;
        self.record(
            &new.entry(EntryKind::CaseCoalesced)
                .case(case)
                .detail(serde_json::json!({ "signal": new.signal_id })),
        );
        for over in stale {
            let over = Over {
                priority: work.priority.min(over.priority),
                ..over
            };
            self.again(case, new.reference, &over, "a newer signal").await?;
            intake.targets.push(over.target);
        }
        let sooner = hold.is_none() && work.due.is_none_or(|due| due <= self.now);
        if work.priority.0 < priority || sooner {
            let due = if sooner { self.due_at_once(case).await? } else { Vec::new() };
            let rows = sqlx::query(
                "UPDATE job SET priority = min(priority, ?) \
                 WHERE case_id = ? AND kind = 'contain' AND state IN ('scheduled', 'queued', 'held') RETURNING target",
            )
            .bind(work.priority.0)
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("raising a case"))?;
            for job in due {
                self.record(&new.entry(EntryKind::JobDue).case(case).job(job));
            }
            sqlx::query("UPDATE cases SET priority = min(priority, ?) WHERE id = ?")
                .bind(work.priority.0)
                .bind(case)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("raising a case"))?;
            if sooner {
                self.departure_is_due(case, true).await?;
            }
            if work.priority.0 < priority {
                self.record(
                    &new.entry(EntryKind::CaseRaised)
                        .case(case)
                        .detail(serde_json::json!({ "priority": work.priority.0 })),
                );
            }
            intake.targets.extend(rows.iter().map(|row| row.get::<String, _>(0)));
        }
        // A plan that moved moves its jobs, and only those that have not started.
        self.plan_departure(new, case).await?;
        Ok(Some(CaseId(case)))
    }

    /// Moves the scheduled jobs of a case into the queue and answers their numbers.
    async fn due_at_once(&mut self, case: i64) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "UPDATE job SET state = 'queued', due = NULL WHERE case_id = ? AND kind = 'contain' AND state = 'scheduled' RETURNING id",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("moving jobs into the queue"))
    }

    pub(in crate::store) async fn link(&mut self, signal: i64, case: i64) -> Result<()> {
        sqlx::query("UPDATE signal SET case_id = ? WHERE id = ?")
            .bind(case)
            .bind(signal)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("linking a signal to its case"))?;
        Ok(())
    }

    /// Closes a case once no job of it is open, with the worst verdict among the newest job of each target. `job` is the one that has just
    /// ended.
    pub(in crate::store) async fn close_if_over(
        &mut self,
        case: i64,
        subject_ref: &str,
        job: Option<JobId>,
    ) -> Result<Option<Closed>> {
        let rows = sqlx::query(
            "SELECT state, verdict, evidence ->> '$.principal' IS NULL AND (verdict = 'no_principal' OR evidence ->> '$.nameless' = 1) \
             FROM job j WHERE case_id = ?1 AND state <> 'cancelled' AND kind <> 'release' \
             AND NOT (kind = 'watch' AND state = 'scheduled') \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state <> 'cancelled' \
                       AND k.kind <> 'release' AND NOT (k.kind = 'watch' AND k.state = 'scheduled'))",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading a case's jobs"))?;
        let mut worst = 0;
        let mut nobody = true;
        for row in &rows {
            let (state, verdict): (String, Option<String>) = (row.get(0), row.get(1));
            // A sweep that waits for its lane leaves the case as it is; it reopens it if it has to act.
            if !matches!(state.as_str(), "done" | "failed") {
                return Ok(None);
            }
            nobody &= row.get::<Option<bool>, _>(2) == Some(true);
            let place = Verdict::WORDS.iter().position(|word| Some(*word) == verdict.as_deref());
            worst = worst.max(place.unwrap_or(Verdict::WORDS.len() - 1));
        }
        let verdict = Verdict::WORDS[worst];
        let contained = matches!(verdict, "contained" | "unverified" | "residual");
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
        let (received, first, at): (i64, Option<i64>, Option<i64>) = (row.get(0), row.get(1), row.get(2));
        // Whoever was contained and is gone by now is no riddle.
        nobody &= at.is_none();
        self.record(
            &Entry::new(EntryKind::CaseContained, Actor::Daemon)
                .case(case)
                .subject_ref(subject_ref)
                .detail(serde_json::json!({
                    "verdict": verdict,
                    "received_to_first_revoke_ms": first.map(|first| first - received),
                    "received_to_contained_ms": at.map(|at| at - received),
                })),
        );
        if let Some(job) = job.filter(|_| contained && row.get(3)) {
            self.over("could_not_revoke", &format!("job:{job}")).await?;
        }
        if nobody {
            self.note_unresolved(case, subject_ref, verdict == "no_principal").await?;
            return Ok(Some(Closed::Nobody));
        }
        self.note_resolved(case).await?;
        Ok(Some(Closed::Verdict(verdict)))
    }

    /// A sweep found access again: the case is open until the sweep has ended it, and somebody should know why it came back.
    pub(in crate::store) async fn reopen(&mut self, job: &Job) -> Result<()> {
        // Where a human was asked before anything was done, the case is open already.
        let touched = sqlx::query(
            "UPDATE cases SET state = 'open', verdict = NULL, closed_at = NULL, reopened = reopened + 1 \
             WHERE id = ?1 AND (state = 'closed' OR (?3 AND state = 'open' AND NOT EXISTS (SELECT 1 FROM action WHERE job_id = ?2)))",
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
        self.raise("came_back", &format!("case:{}", job.case), &summary, Some(job.case.0))
            .await
    }

    /// An attempt found that a human must decide: places a hold over the case.
    pub(in crate::store) async fn hold_case(&mut self, job: &Job, why: &str) -> Result<()> {
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
    pub(in crate::store) async fn place_hold(&mut self, why: &str, detail: &str, source: &str, batch: Option<i64>) -> Result<i64> {
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

/// How a case closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Closed {
    /// With this verdict about somebody.
    Verdict(&'static str),
    /// No target knows the person.
    Nobody,
}

/// A signal on its way to a case.
pub(in crate::store) struct NewCase<'a> {
    pub(in crate::store) delivery: &'a Delivery,
    pub(in crate::store) signal: &'a Signal,
    pub(in crate::store) reference: &'a str,
    pub(in crate::store) whose: &'a Whose,
    pub(in crate::store) batch: Option<i64>,
    pub(in crate::store) signal_id: i64,
    /// The class of the hold that it comes under, and why, for people.
    pub(in crate::store) held: Option<(&'static str, &'a str)>,
}

impl NewCase<'_> {
    pub(in crate::store) fn entry(&self, kind: EntryKind) -> Entry {
        Entry::new(kind, Actor::source(&self.delivery.source)).subject_ref(self.reference)
    }
}
