//! Coalesces signals (case correlation): a signal joins the open case that does what it asks for, so that the work is done once, whatever the
//! number of sources that report the same person.
//!
//! The rule stands in ADR 0010. A signal joins a case of its person only where that case demands everything that the signal's own playbook
//! demands, at every target: what asks for more gets a case of its own, whose parts that are proved already settle at the first look.

use std::time::Duration;

use revoked_trail::EntryKind;

use super::accept_context::{AcceptContext, DecidedSignal};
use super::evidence_row;
use super::place_hold::WHOLE_DELIVERY;
use super::reported_time::is_ended_by;
use super::requeue::{ContainingJob, NEWEST_CONTAINING};
use crate::model::{Actor, CaseId, Containment, Evidence, Reason, Timestamp, When};
use crate::policy::{STAYS, Work};
use crate::store::columns::Columns as _;
use crate::store::identity::references::{REFERENCES, json_of};
use crate::store::{Result, StoreError, Tx};

/// How long after its verdict a case still takes in reports of what it has ended.
pub(super) const CONTAINED_WINDOW: Duration = Duration::from_mins(1);

/// A live case that a signal joins.
struct LiveCase {
    case: i64,
    /// How urgent it is so far.
    priority: u8,
    /// What is over at some targets, and proves nothing about what the signal reports.
    stale: Vec<ContainingJob>,
}

/// The newest containing job of a case at one target.
struct NewestJob {
    row: ContainingJob,
    containment: Containment,
    /// It waits for its day, for a retry or for a human.
    waits: bool,
    /// It has a verdict, or stands in the ledger.
    finished: bool,
    /// When the observation behind its verdict was complete.
    proved_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Joins a signal to a case that does what it asks for already. A more urgent signal raises what still waits.
    pub(super) async fn coalesce(
        &mut self,
        context: &mut AcceptContext<'_>,
        new: &DecidedSignal<'_>,
        work: &Work,
        scope: &str,
        hold: Option<i64>,
    ) -> Result<Option<CaseId>> {
        let found = match self.find_open_case(context, new, work, scope, hold).await? {
            Some(open) => Some(open),
            None if hold.is_none() => {
                let case = self.coalesce_into_contained(new, work, scope).await?;
                if let Some(case) = case {
                    context.queued |= self.queue_late_statements(case, context.receivers).await?;
                }
                return Ok(case);
            }
            None => None,
        };
        let Some(LiveCase { case, priority, stale }) = found else {
            return Ok(None);
        };
        self.link_signal(new.signal_id, case).await?;
        self.record(
            &new.entry(EntryKind::CaseCoalesced)
                .case(case)
                .detail(serde_json::json!({ "signal": new.signal_id })),
        );
        for job in stale {
            let job = ContainingJob {
                priority: work.priority.min(job.priority),
                ..job
            };
            self.requeue(case, new.reference, &job, "a newer signal").await?;
            context.targets.push(job.target);
        }
        let sooner = hold.is_none() && work.due.is_none_or(|due| due <= self.now);
        if sooner && context.kept_back.is_none() {
            let by = Actor::source(&new.delivery.source);
            context.targets.extend(self.end_pause_of_case(case, by).await?);
        }
        if work.priority.0 < priority || sooner {
            let due = if sooner {
                self.queue_scheduled_jobs(case).await?
            } else {
                Vec::new()
            };
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
            for row in &rows {
                context.targets.push(row.read(0)?);
            }
        }
        // A plan that moved moves its jobs, and only those that have not started.
        self.plan_departure(new, case).await?;
        Ok(Some(CaseId(case)))
    }

    /// Moves the scheduled jobs of a case into the queue and answers their numbers.
    async fn queue_scheduled_jobs(&mut self, case: i64) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "UPDATE job SET state = 'queued', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                    finished_at = NULL \
             WHERE case_id = $1 AND kind = 'contain' AND state = 'scheduled' RETURNING id",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("moving jobs into the queue"))
    }

    pub(super) async fn link_signal(&mut self, signal: i64, case: i64) -> Result<()> {
        sqlx::query("UPDATE signal SET case_id = ? WHERE id = ?")
            .bind(case)
            .bind(signal)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("linking a signal to its case"))?;
        Ok(())
    }

    /// The live case that a signal joins, with its priority.
    async fn find_open_case(
        &mut self,
        context: &AcceptContext<'_>,
        new: &DecidedSignal<'_>,
        work: &Work,
        scope: &str,
        hold: Option<i64>,
    ) -> Result<Option<LiveCase>> {
        let sql = format!(
            "SELECT id, priority, state, playbook, reason, (SELECT why FROM hold WHERE hold.id = cases.hold), hold, lowered, source FROM cases INDEXED BY cases_live \
             WHERE subject_ref IN ({REFERENCES}) AND scope = ?2 AND state IN ('open', 'held') AND called_off_at IS NULL ORDER BY playbook = ?3 DESC, id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json_of(new.identity.own_names().names()))
            .bind(scope)
            .bind(&work.playbook)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a live case"))?;
        let plan = matches!(new.signal.when, When::Departure(_));
        for row in &rows {
            let (case, priority, state): (i64, u8, String) = (row.read(0)?, row.read(1)?, row.read(2)?);
            let (playbook, reason): (String, String) = (row.read(3)?, row.read(4)?);
            // A signal that may act must not be swallowed by a case that waits for a human, nor the reverse.
            if (state == "held") != hold.is_some() {
                continue;
            }
            // What a paused batch keeps back goes on for a signal that is to be acted on now; one that is to be later has a case of its own.
            if work.due.is_some_and(|due| due > self.now) && self.is_paused(case).await? {
                continue;
            }
            // Nor may a plan be let go, or called off, by a decision about something else.
            let under: Option<String> = row.read(5)?;
            let (under, class) = (under.as_deref(), new.held.map(|(class, _)| class));
            if plan && state == "held" && under != class {
                continue;
            }
            // What a file says that is held whole is rejected with that file, and changes nothing of what another one says.
            if plan && class == Some(WHOLE_DELIVERY) && row.read::<Option<i64>>(6)? != hold {
                continue;
            }
            // Nor is the end of one record, while another stands, the end of the last one.
            if (under == Some(STAYS)) != (class == Some(STAYS)) {
                continue;
            }
            let same = playbook == work.playbook;
            // What was lowered to what its source may ask for holds less than its playbook, whose name it has.
            let lowered: Option<String> = row.read(7)?;
            let other_source = row.read::<String>(8)? != new.delivery.source;
            if same && plan && other_source && lowered != work.lowered.as_ref().map(ToString::to_string) {
                continue;
            }
            if same && plan {
                // A case that is at work will be over long before that day, and would let the plan go unexecuted.
                if state == "open" && work.due.is_some() && !self.waits_for_its_day(case).await? {
                    continue;
                }
                // A plan belongs to the case that waits for its day, whatever the playbook has become meanwhile.
                return Ok(Some(LiveCase {
                    case,
                    priority,
                    stale: Vec::new(),
                }));
            }
            let jobs = self.newest_jobs(case).await?;
            let joins = if same && lowered.is_some() {
                covers(work, &jobs)
            } else if same {
                work.jobs
                    .iter()
                    .all(|(target, _)| jobs.iter().any(|job| job.row.target == *target))
            } else {
                // What waits for its day must not begin early for a reason that does not ask for it, and what a human is to approve must
                // not grow; a case that asks a human where this signal would not is no place for it either.
                let takes_all = context.policy.takes_all(new.signal.reason);
                let bold = !takes_all || Reason::from_word(&reason).is_some_and(|reason| context.policy.takes_all(reason));
                hold.is_none() && !plan && work.due.is_none() && bold && !jobs.iter().any(|job| job.waits) && covers(work, &jobs)
            };
            if joins {
                let asked = jobs
                    .into_iter()
                    .filter(|job| work.jobs.iter().any(|(target, _)| job.row.target == *target));
                let finished: Vec<_> = asked.filter(|job| job.finished).collect();
                let by = if finished.is_empty() {
                    None
                } else {
                    self.happened_by(new).await?
                };
                let unproved = finished.into_iter().filter(|job| !is_ended_by(job.proved_at, by, self.now));
                return Ok(Some(LiveCase {
                    case,
                    priority,
                    stale: unproved.map(|job| job.row).collect(),
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
    async fn coalesce_into_contained(&mut self, new: &DecidedSignal<'_>, work: &Work, scope: &str) -> Result<Option<CaseId>> {
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
            .bind(json_of(new.identity.own_names().names()))
            .bind(scope)
            .bind(self.now.minus(CONTAINED_WINDOW).ms())
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a case that was just contained"))?;
        if cases.is_empty() {
            return Ok(None);
        }
        let by = self.happened_by(new).await?;
        for case in cases {
            let jobs = self.newest_jobs(case).await?;
            let proved_at = jobs.iter().map(|job| job.proved_at).min().flatten();
            let proves = jobs.iter().all(|job| is_ended_by(job.proved_at, by, self.now));
            if proves && covers(work, &jobs) {
                self.link_signal(new.signal_id, case).await?;
                self.record(&new.entry(EntryKind::CaseCoalesced).case(case).detail(serde_json::json!({
                    "signal": new.signal_id, "occurred_at": occurred_at.ms(), "proved_at": proved_at.map(Timestamp::ms),
                })));
                return Ok(Some(CaseId(case)));
            }
        }
        Ok(None)
    }

    /// The newest containing job of a case at each target.
    async fn newest_jobs(&mut self, case: i64) -> Result<Vec<NewestJob>> {
        let sql = format!(
            "SELECT {}, j.evidence FROM job j WHERE {NEWEST_CONTAINING}",
            ContainingJob::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a case demands"))?;
        rows.iter()
            .map(|row| {
                let job = ContainingJob::read(row)?;
                let containment = serde_json::from_str(&job.containment).map_err(|error| StoreError::Corrupt {
                    table: "job",
                    id: job.id,
                    why: format!("containment: {error}"),
                })?;
                let state: &str = row.read(5)?;
                let evidence: Option<String> = row.read(7)?;
                let evidence: Option<Evidence> = evidence.and_then(|text| evidence_row::seen_and_done(&text).ok());
                Ok(NewestJob {
                    containment,
                    waits: matches!(state, "scheduled" | "held"),
                    finished: matches!(state, "done" | "failed"),
                    proved_at: evidence.filter(|_| state == "done").and_then(|evidence| evidence.after_at),
                    row: job,
                })
            })
            .collect()
    }
}

/// Whether a case demands, at every target of the work, everything that the work demands there.
fn covers(work: &Work, jobs: &[NewestJob]) -> bool {
    work.jobs.iter().all(|(target, demanded)| {
        let there = jobs.iter().find(|job| job.row.target == *target);
        there.is_some_and(|job| job.containment.covers(demanded))
    })
}
