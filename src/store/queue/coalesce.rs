//! Which case a signal joins: the work is done once, whatever the number of sources that report the same person.
//!
//! The rule stands in ADR 0010. A signal joins a case of its person only where that case demands everything that the signal's own playbook
//! demands, at every target: what asks for more gets a case of its own, whose parts that are proved already settle at the first look.

use std::time::Duration;

use revoked_trail::EntryKind;
use sqlx::Row as _;

use super::accept_context::{Intake, NewCase};
use super::requeue::{NEWEST_CONTAINING, Over};
use crate::model::{CaseId, Containment, Evidence, Reason, Timestamp, When};
use crate::policy::{STAYS, Work};
use crate::store::identity::references::{REFERENCES, json_of};
use crate::store::{Result, StoreError, Tx};

/// How long after its verdict a case still takes in reports of what it has ended.
const SAME_CAUSE: Duration = Duration::from_mins(1);
/// How far a source's clock may be behind: what it dates just before the proof may have happened after it.
const CLOCKS: Duration = Duration::from_secs(2);

/// A live case that a signal joins.
struct Live {
    case: i64,
    /// How urgent it is so far.
    priority: u8,
    /// What is over at some targets, and proves nothing about what the signal reports.
    stale: Vec<Over>,
}

/// The newest containing job of a case at one target.
struct Part {
    job: Over,
    containment: Containment,
    /// It waits for its day, for a retry or for a human.
    waits: bool,
    /// It has a verdict, or stands in the ledger.
    over: bool,
    /// When the observation behind its verdict was complete.
    proved_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Joins a signal to a case that does what it asks for already. A more urgent signal raises what still waits.
    pub(super) async fn join_case(
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

    pub(super) async fn link(&mut self, signal: i64, case: i64) -> Result<()> {
        sqlx::query("UPDATE signal SET case_id = ? WHERE id = ?")
            .bind(case)
            .bind(signal)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("linking a signal to its case"))?;
        Ok(())
    }

    /// The live case that a signal joins, with its priority.
    async fn live_case(
        &mut self,
        intake: &Intake<'_>,
        new: &NewCase<'_>,
        work: &Work,
        scope: &str,
        hold: Option<i64>,
    ) -> Result<Option<Live>> {
        let sql = format!(
            "SELECT id, priority, state, playbook, reason, (SELECT why FROM hold WHERE hold.id = cases.hold) FROM cases INDEXED BY cases_live \
             WHERE subject_ref IN ({REFERENCES}) AND scope = ?2 AND state IN ('open', 'held') AND called_off_at IS NULL ORDER BY playbook = ?3 DESC, id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json_of(new.whose.own().names()))
            .bind(scope)
            .bind(&work.playbook)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a live case"))?;
        let plan = matches!(new.signal.when, When::Departure(_));
        for row in &rows {
            let (case, priority, state): (i64, u8, String) = (row.get(0), row.get(1), row.get(2));
            let (playbook, reason): (String, String) = (row.get(3), row.get(4));
            // A signal that may act must not be swallowed by a case that waits for a human, nor the reverse.
            if (state == "held") != hold.is_some() {
                continue;
            }
            // Nor may a plan be let go, or called off, by a decision about something else.
            let under: Option<String> = row.get(5);
            let (under, class) = (under.as_deref(), new.held.map(|(class, _)| class));
            if plan && state == "held" && under != class {
                continue;
            }
            // Nor is the end of one record, while another stands, the end of the last one.
            if (under == Some(STAYS)) != (class == Some(STAYS)) {
                continue;
            }
            let same = playbook == work.playbook;
            if same && plan {
                // A case that is at work will be over long before that day, and would let the plan go unexecuted.
                if state == "open" && work.due.is_some() && !self.waits_for_its_day(case).await? {
                    continue;
                }
                // A plan belongs to the case that waits for its day, whatever the playbook has become meanwhile.
                return Ok(Some(Live {
                    case,
                    priority,
                    stale: Vec::new(),
                }));
            }
            let parts = self.parts(case).await?;
            let joins = if same {
                work.jobs
                    .iter()
                    .all(|(target, _)| parts.iter().any(|part| part.job.target == *target))
            } else {
                // What waits for its day must not begin early for a reason that does not ask for it, and what a human is to approve must
                // not grow; a case that asks a human where this signal would not is no place for it either.
                let takes_all = intake.policy.takes_all(new.signal.reason);
                let bold = !takes_all || Reason::from_word(&reason).is_some_and(|reason| intake.policy.takes_all(reason));
                hold.is_none()
                    && !plan
                    && work.due.is_none()
                    && bold
                    && !parts.iter().any(|part| part.waits)
                    && covered(work, &parts)
            };
            if joins {
                let asked = parts
                    .into_iter()
                    .filter(|part| work.jobs.iter().any(|(target, _)| part.job.target == *target));
                let unproved = asked.filter(|part| part.over && !part.proves(new.signal.occurred_at));
                return Ok(Some(Live {
                    case,
                    priority,
                    stale: unproved.map(|part| part.job).collect(),
                }));
            }
        }
        Ok(None)
    }

    /// Whether a case was opened by a plan whose day has not come.
    async fn waits_for_its_day(&mut self, case: i64) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM departure WHERE case_id = ? AND state = 'planned')")
            .bind(case)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking whether a case waits for its day"))
    }

    /// Records a signal against a case that has just been contained, where it reports something that happened before the proof: what the
    /// proving observation did not show any more is ended for this signal too.
    async fn just_proved(&mut self, new: &NewCase<'_>, work: &Work, scope: &str) -> Result<Option<CaseId>> {
        let Some(occurred_at) = new
            .signal
            .occurred_at
            .filter(|_| new.signal.when == When::Now && work.due.is_none())
        else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT id FROM cases INDEXED BY cases_by_subject WHERE subject_ref IN ({REFERENCES}) AND scope = ?2 \
             AND state = 'closed' AND verdict = 'contained' AND closed_at > ?3 AND called_off_at IS NULL ORDER BY id DESC"
        );
        let cases: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(json_of(new.whose.own().names()))
            .bind(scope)
            .bind(self.now.minus(SAME_CAUSE).ms())
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a case that was just contained"))?;
        for case in cases {
            let parts = self.parts(case).await?;
            let proved_at = parts.iter().map(|part| part.proved_at).min().flatten();
            let proves = parts.iter().all(|part| part.proves(Some(occurred_at)));
            if proves && covered(work, &parts) {
                self.link(new.signal_id, case).await?;
                self.record(&new.entry(EntryKind::CaseCoalesced).case(case).detail(serde_json::json!({
                    "signal": new.signal_id, "occurred_at": occurred_at.ms(), "proved_at": proved_at.map(Timestamp::ms),
                })));
                return Ok(Some(CaseId(case)));
            }
        }
        Ok(None)
    }

    /// The newest containing job of a case at each target.
    async fn parts(&mut self, case: i64) -> Result<Vec<Part>> {
        let sql = format!("SELECT {}, j.evidence FROM job j WHERE {NEWEST_CONTAINING}", Over::COLUMNS);
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a case demands"))?;
        rows.iter()
            .map(|row| {
                let job = Over::read(row);
                let containment = serde_json::from_str(&job.containment).map_err(|error| StoreError::Corrupt {
                    table: "job",
                    id: job.id,
                    why: format!("containment: {error}"),
                })?;
                let state: &str = row.get(5);
                let evidence: Option<String> = row.get(7);
                let evidence: Option<Evidence> = evidence.and_then(|text| serde_json::from_str(&text).ok());
                Ok(Part {
                    containment,
                    waits: matches!(state, "scheduled" | "held"),
                    over: matches!(state, "done" | "failed"),
                    proved_at: evidence.filter(|_| state == "done").and_then(|evidence| evidence.after_at),
                    job,
                })
            })
            .collect()
    }
}

impl Part {
    /// Whether what happened then is ended by its proof.
    fn proves(&self, occurred_at: Option<Timestamp>) -> bool {
        let times = self.proved_at.zip(occurred_at);
        times.is_some_and(|(proved_at, occurred_at)| occurred_at.plus(CLOCKS) <= proved_at)
    }
}

/// Whether a case demands, at every target of the work, everything that the work demands there.
fn covered(work: &Work, parts: &[Part]) -> bool {
    work.jobs.iter().all(|(target, demanded)| {
        let there = parts.iter().find(|part| part.job.target == *target);
        there.is_some_and(|part| part.containment.covers(demanded))
    })
}
