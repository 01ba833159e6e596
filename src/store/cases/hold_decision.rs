//! Deciding about holds: an operator approves or rejects what waits for a human, and the decision is about exactly the set that was shown.

use std::collections::BTreeSet;

use revoked_trail::{Entry, EntryKind};

use super::held_set::{CombinedSet, HeldCase, combined};
use super::holds::{Hold, named};
use crate::model::{Actor, JobState, Step, Timestamp};
use crate::policy::answers_for_the_account;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError, Tx};

/// How many cases an entry of the trail names; their number and the set stand there in any case.
const NAMED: usize = 1000;

/// Why what waited under a rejected hold does not take place.
pub(in crate::store) const HOLD_REJECTED: &str = "its hold was rejected";

/// Which cases a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldChoice {
    /// The holds.
    pub holds: Vec<i64>,
    /// The cases under them that are taken out: they stay held.
    pub except: Vec<i64>,
}

/// What came of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// What it was about.
    pub set: CombinedSet,
    /// Whether it was the first of two: nothing goes on yet.
    pub awaits_second: bool,
}

impl Store {
    /// Approves exactly the set whose hash is `set`: its jobs go on, now or when they are due. Answers how many cases go on: none where this was
    /// the first of two approvals.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the set has changed since it was shown, or was decided already.
    pub async fn approve_hold(&self, id: i64, set: String, by: Actor, note: Option<String>) -> Result<usize> {
        let choice = HoldChoice {
            holds: vec![id],
            except: Vec::new(),
        };
        let approved = self.approve_holds(choice, set, by, note).await?;
        Ok(if approved.awaits_second { 0 } else { approved.set.cases.len() })
    }

    /// The same for what several holds cover together, or for a part of it, as one decision. Where it needs two persons, the first approval is
    /// kept, and the second for the same set takes effect.
    ///
    /// # Errors
    /// As [`Store::approve_hold`], and those of [`Store::held_together`]. Where two persons are needed, [`StoreError::Refused`] also where it is the
    /// same person twice, one who asked for it, or one who cannot be told from others.
    pub async fn approve_holds(&self, choice: HoldChoice, set: String, by: Actor, note: Option<String>) -> Result<Approved> {
        let (decided, targets) = self
            .write(move |tx| Box::pin(async move { tx.approve_holds(&choice, &set, &by, note.as_deref()).await }))
            .await?;
        self.wake_lanes(&targets);
        self.0.scheduler.notify_one();
        Ok(decided)
    }

    /// Rejects a hold: its cases are cancelled, nothing of them is done.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it was decided already.
    pub async fn reject_hold(&self, id: i64, by: Actor, note: Option<String>) -> Result<usize> {
        let choice = HoldChoice {
            holds: vec![id],
            except: Vec::new(),
        };
        Ok(self.reject_holds(choice, None, by, note).await?.cases.len())
    }

    /// The same for what several holds cover together, or for a part of it, as one decision; with `set`, only where that is still what they
    /// cover. Answers what was cancelled.
    ///
    /// # Errors
    /// As [`Store::approve_holds`].
    pub async fn reject_holds(
        &self,
        choice: HoldChoice,
        set: Option<String>,
        by: Actor,
        note: Option<String>,
    ) -> Result<CombinedSet> {
        self.write(move |tx| Box::pin(async move { tx.reject_holds(&choice, set.as_deref(), &by, note.as_deref()).await }))
            .await
    }
}

impl Tx<'_> {
    async fn approve_holds(
        &mut self,
        choice: &HoldChoice,
        set: &str,
        by: &Actor,
        note: Option<&str>,
    ) -> Result<(Approved, Vec<String>)> {
        let held = self.held_as_shown(choice, Some(set)).await?;
        if !self.count_approval(&held, by, note).await? {
            let first = Approved {
                set: held,
                awaits_second: true,
            };
            return Ok((first, Vec::new()));
        }
        self.decide_holds(&held, "approved", by, note).await?;
        let mut targets = Vec::new();
        for case in &held.cases {
            self.apply_changes(case.case, by).await?;
        }
        for case in &held.cases {
            self.approve_departures(case.case, by).await?;
        }
        for case in &held.cases {
            let under = held.holds.iter().find(|hold| hold.id == case.hold);
            let for_account = under.is_some_and(|under| answers_for_the_account(&under.why));
            self.let_go_on(case, for_account, by, &mut targets).await?;
        }
        for case in &held.cases {
            self.reevaluate_case(case.case).await?;
        }
        self.record_decision(&held, EntryKind::HoldApproved, by, note);
        self.void_approvals(&held.numbers()).await?;
        let approved = Approved {
            set: held,
            awaits_second: false,
        };
        Ok((approved, targets))
    }

    /// Puts the jobs of an approved case into the queue, or on their day. What was approved for another cause than whose the account is is asked about
    /// again, where the target shows a protected account, or several; a case about one record of somebody was approved for that account alone.
    async fn let_go_on(&mut self, case: &HeldCase, for_account: bool, by: &Actor, targets: &mut Vec<String>) -> Result<()> {
        let (id, now) = (case.hold, self.now);
        if self.block_approved_departure(case.case).await? {
            return Ok(());
        }
        let jobs = sqlx::query("SELECT id, target, held_due FROM job WHERE case_id = ? AND state = 'held'")
            .bind(case.case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading held jobs"))?;
        for job in &jobs {
            let (job_id, target): (i64, String) = (job.read(0)?, job.read(1)?);
            let due = time_at(job, 2)?.filter(|due| *due > now);
            let next = JobState::Held.next(Step::Approve { due })?;
            sqlx::query(
                "UPDATE job SET state = $1, due = $2, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                        finished_at = NULL, error = NULL, \
                        approved = max(approved, $4, (SELECT named_only FROM cases WHERE id = job.case_id)) WHERE id = $3 AND state = 'held'",
            )
            .bind(next.word())
            .bind(due.map(Timestamp::ms))
            .bind(job_id)
            .bind(for_account)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("releasing a held job"))?;
            self.record(
                &Entry::new(EntryKind::JobEnqueued, by.clone())
                    .case(case.case)
                    .job(job_id)
                    .detail(serde_json::json!({ "target": target, "hold": id, "due": due.map(Timestamp::ms) })),
            );
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        sqlx::query("UPDATE cases SET state = 'open' WHERE id = ? AND state = 'held'")
            .bind(case.case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("releasing a case"))?;
        let due: Option<i64> =
            sqlx::query_scalar("SELECT max(due) FROM job WHERE case_id = ? AND kind = 'contain' AND state = 'scheduled'")
                .bind(case.case)
                .fetch_one(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking when a case is due"))?;
        if due.is_none() {
            self.departure_is_due(case.case, true).await?;
        }
        Ok(())
    }

    async fn reject_holds(
        &mut self,
        choice: &HoldChoice,
        set: Option<&str>,
        by: &Actor,
        note: Option<&str>,
    ) -> Result<CombinedSet> {
        let held = self.held_as_shown(choice, set).await?;
        self.decide_holds(&held, "rejected", by, note).await?;
        for case in &held.cases {
            self.cancel_departures(case.case, by, HOLD_REJECTED).await?;
            if !self.cancel_case(case.case, by, HOLD_REJECTED).await? {
                // A sweep was held: what was proved before it stands.
                self.close_what_was_proved(case.case).await?;
            }
        }
        for case in &held.cases {
            self.reevaluate_case(case.case).await?;
        }
        self.record_decision(&held, EntryKind::HoldRejected, by, note);
        self.void_approvals(&held.numbers()).await?;
        Ok(held)
    }

    /// What is to be decided about, where it is undecided and, with `set`, still what was shown.
    async fn held_as_shown(&mut self, choice: &HoldChoice, set: Option<&str>) -> Result<CombinedSet> {
        let held = combined(self.conn, &choice.holds, &choice.except, self.now).await?;
        for hold in &held.holds {
            ensure_undecided(hold)?;
        }
        match set {
            Some(set) if set != held.set => {
                let (names, numbers) = (named(&held.holds), numbers(&held.holds));
                let (now, rest) = match (held.holds.len(), choice.except.len()) {
                    (1, 0) => ("now covers another set", String::new()),
                    (_, 0) => ("now cover another set", String::new()),
                    (1, _) => ("now covers, without the exceptions, another set", except(&choice.except)),
                    (_, _) => ("now cover, without the exceptions, another set", except(&choice.except)),
                };
                Err(StoreError::Refused(format!(
                    "{names} {now} ({}) than the one approved ({set}); look at it again with revoked hold show {numbers}{rest}",
                    held.set
                )))
            }
            _ => Ok(held),
        }
    }

    /// Ends the holds of which nothing is left to decide; one of which a part was taken out stays open.
    async fn decide_holds(&mut self, decided: &CombinedSet, state: &str, by: &Actor, note: Option<&str>) -> Result<()> {
        let about: BTreeSet<i64> = decided.cases.iter().map(|case| case.case).collect();
        for hold in &decided.holds {
            let waits: Vec<i64> = sqlx::query_scalar("SELECT id FROM cases WHERE hold = ? AND state = 'held'")
                .bind(hold.id)
                .fetch_all(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking what waits under a hold"))?;
            if waits.iter().all(|case| about.contains(case)) {
                self.decide_hold(hold.id, state, by, note).await?;
            }
        }
        Ok(())
    }

    /// One entry for each hold: the set as a whole, which of its cases it was about, and what was taken out.
    fn record_decision(&mut self, decided: &CombinedSet, kind: EntryKind, by: &Actor, note: Option<&str>) {
        let holds = decided.numbers();
        for hold in &holds {
            let cases: Vec<i64> = decided
                .cases
                .iter()
                .filter(|case| case.hold == *hold)
                .map(|case| case.case)
                .collect();
            let mut detail = serde_json::json!({
                "hold": hold, "set": decided.set, "cases": cases.len(), "numbers": cases.iter().take(NAMED).collect::<Vec<_>>(), "note": note,
            });
            if holds.len() > 1 {
                detail["together"] = serde_json::json!(holds);
            }
            let first = decided.two_persons.as_ref().and_then(|two| two.first.as_ref());
            if let Some(first) = first.filter(|_| kind == EntryKind::HoldApproved) {
                detail["first_approval"] = serde_json::json!(first.by);
            }
            if !decided.except.is_empty() {
                detail["except"] = serde_json::json!(decided.except);
            }
            self.record(&Entry::new(kind, by.clone()).detail(detail));
        }
    }

    /// The hold that a case waits under, where it does.
    pub(in crate::store) async fn current_hold(&mut self, case: i64) -> Result<Option<i64>> {
        let hold = sqlx::query_scalar("SELECT hold FROM cases WHERE id = ? AND state = 'held'")
            .bind(case)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case"))?;
        Ok(hold.flatten())
    }

    /// A hold under which nothing waits any more needs no human.
    pub(in crate::store) async fn end_empty_hold(&mut self, id: i64, state: &str, by: &Actor, note: &str) -> Result<()> {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM cases WHERE hold = ?1 AND state = 'held') \
                 OR NOT EXISTS (SELECT 1 FROM hold WHERE id = ?1 AND state = 'open')",
        )
        .bind(id)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking what waits under a hold"))?;
        if waits {
            return Ok(());
        }
        self.decide_hold(id, state, by, Some(note)).await?;
        let kind = if state == "approved" {
            EntryKind::HoldApproved
        } else {
            EntryKind::HoldRejected
        };
        self.record(&Entry::new(kind, by.clone()).detail(serde_json::json!({ "hold": id, "cases": 0, "note": note })));
        self.void_approvals(&[id]).await
    }

    async fn decide_hold(&mut self, id: i64, state: &str, by: &Actor, note: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE hold SET state = ?, decided_at = ?, decided_by = ?, note = ? WHERE id = ?")
            .bind(state)
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(note)
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("deciding a hold"))?;
        self.end_alert("hold", &format!("hold:{id}")).await
    }

    /// Calls off what has not started. A job that runs is left to end: cutting it off would hide what it did.
    pub(in crate::store) async fn cancel_case(&mut self, case: i64, by: &Actor, why: &str) -> Result<bool> {
        let jobs = sqlx::query(
            "UPDATE job SET state = 'cancelled', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                    finished_at = $1 \
             WHERE case_id = $2 AND state IN ('scheduled', 'queued', 'held') RETURNING id",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("cancelling jobs"))?;
        for job in &jobs {
            self.record(
                &Entry::new(EntryKind::JobCancelled, by.clone())
                    .case(case)
                    .job(job.read(0)?)
                    .detail(serde_json::json!({ "why": why })),
            );
        }
        let touched = sqlx::query(
            "UPDATE cases SET state = 'cancelled', closed_at = ?1 WHERE id = ?2 AND state IN ('open', 'held') \
             AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = ?2 AND state <> 'cancelled')",
        )
        .bind(self.now.ms())
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("cancelling a case"))?;
        let cancelled = touched.rows_affected() > 0;
        self.wipe_credential_of(case).await?;
        if cancelled {
            self.drop_changes(case, by, why).await?;
            self.record(
                &Entry::new(EntryKind::CaseCancelled, by.clone())
                    .case(case)
                    .detail(serde_json::json!({ "why": why })),
            );
        }
        Ok(cancelled)
    }
}

fn ensure_undecided(hold: &Hold) -> Result<()> {
    match (&hold.decided_by, hold.decided_at) {
        (Some(by), Some(at)) => Err(StoreError::Refused(format!(
            "hold {} was {} by {by} at {at}",
            hold.id, hold.state
        ))),
        _ => Ok(()),
    }
}

fn numbers(holds: &[Hold]) -> String {
    let numbers: Vec<String> = holds.iter().map(|hold| hold.id.to_string()).collect();
    numbers.join(" ")
}

fn except(cases: &[i64]) -> String {
    let numbers: Vec<String> = cases.iter().map(i64::to_string).collect();
    format!(" --except {}", numbers.join(","))
}
