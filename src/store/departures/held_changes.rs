//! Held changes: what is said of a departure that has a plan already, or was carried out, while a human decides about that word.
//!
//! What stood before stands on. Only an approval puts the change in its place; a rejection takes the change away and nothing else, so that a
//! wrong file that is rejected has changed nothing about those whose departures were planned rightly.

use revoked_trail::{Entry, EntryKind};

use super::lifecycle::{Plan, describe};
use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, written};
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::{Result, StoreError, Tx};

/// What stood before a change took its place.
struct Before {
    departure: i64,
    state: String,
    case: Option<i64>,
    source: String,
}

impl Tx<'_> {
    /// Keeps a change of a departure that waits for a decision with `case`. The same case again holds the newer word.
    pub(super) async fn hold_change(&mut self, new: &DecidedSignal<'_>, case: i64, departure: i64, plan: &Plan) -> Result<()> {
        let why = new.held.map(|(_, why)| why);
        sqlx::query(
            "INSERT INTO departure_change (departure, case_id, subject_ref, leaves, fire_at, acts_at, why, vanished, stated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (departure, case_id) \
             DO UPDATE SET subject_ref = ?3, leaves = ?4, fire_at = ?5, acts_at = ?6, why = ?7, vanished = ?8, stated_at = ?9",
        )
        .bind(departure)
        .bind(case)
        .bind(new.reference)
        .bind(written("when somebody leaves", &plan.leaves)?)
        .bind(plan.fire_at.ms())
        .bind(plan.acts_at.ms())
        .bind(why)
        .bind(plan.vanished)
        .bind(new.signal.occurred_at.map(Timestamp::ms))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a change of a plan"))?;
        self.record(&new.entry(EntryKind::DeparturePlanned).case(case).detail(serde_json::json!({
            "departure": departure, "leaves": plan.leaves, "fire_at": plan.fire_at.ms(), "acts_at": plan.acts_at.ms(), "state": "held",
            "plan_before": "stands",
        })));
        let detail = format!(
            "{}{}; what stood before stands until that is decided (case {case})",
            describe(&plan.leaves, plan.acts_at),
            why.map_or(String::new(), |why| format!("; {why}"))
        );
        let by = Actor::source(&new.delivery.source);
        self.add_step(departure, &by, "change_held", Some(&detail)).await?;
        self.reschedule_held_jobs(case).await
    }

    /// Puts the changes that were approved with a case in the place of what stood before; they wait with the case from then on.
    pub(in crate::store) async fn apply_changes(&mut self, case: i64, by: &Actor) -> Result<()> {
        for before in self.changes("WHERE h.case_id = ?", case).await? {
            self.replace_plan(&before.0, case, by).await?;
        }
        Ok(())
    }

    /// Takes away the changes that waited with a case which is cancelled.
    pub(in crate::store) async fn drop_changes(&mut self, case: i64, by: &Actor, why: &str) -> Result<()> {
        let departures: Vec<i64> = sqlx::query_scalar("DELETE FROM departure_change WHERE case_id = ? RETURNING departure")
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking back a change of a plan"))?;
        for departure in departures {
            let detail = format!("{why}; what stood before stands (case {case})");
            self.add_step(departure, by, "change_called_off", Some(&detail)).await?;
        }
        Ok(())
    }

    /// A later word about a departure has come: what waited for a decision about it is no longer what its source says.
    pub(super) async fn withdraw_changes(&mut self, departure: i64, source: &str, by: &Actor, why: &str) -> Result<()> {
        for (_, case) in self.changes("WHERE h.departure = ?", departure).await? {
            sqlx::query("DELETE FROM departure_change WHERE departure = ? AND case_id = ?")
                .bind(departure)
                .bind(case)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("taking back a change of a plan"))?;
            self.add_step(departure, by, "change_called_off", Some(why)).await?;
            self.cancel_case_unless_wanted(case, source, by, why).await?;
        }
        Ok(())
    }

    /// The plan of a departure was called off by a human while a later word about it waits for a decision: that is what there is now.
    pub(super) async fn promote_change(&mut self, departure: i64, by: &Actor) -> Result<()> {
        if let Some((before, case)) = self.changes("WHERE h.departure = ?", departure).await?.pop() {
            self.replace_plan(&before, case, by).await?;
        }
        Ok(())
    }

    /// The changes that are held, the newest last: what they would replace, and with which case they wait.
    async fn changes(&mut self, which: &'static str, of: i64) -> Result<Vec<(Before, i64)>> {
        let sql = format!(
            "SELECT d.id, d.state, d.case_id, d.source, h.case_id FROM departure_change h JOIN departure d ON d.id = h.departure {which} \
             ORDER BY h.case_id, d.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(of)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for changes of plans"))?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let before = Before {
                departure: row.read(0)?,
                state: row.read(1)?,
                case: row.read(2)?,
                source: row.read(3)?,
            };
            Ok((before, row.read(4)?))
        };
        rows.iter().map(read).collect()
    }

    /// Puts a change in the place of what stood before, held with its own case.
    async fn replace_plan(&mut self, before: &Before, case: i64, by: &Actor) -> Result<()> {
        let row = sqlx::query(
            "UPDATE departure SET subject_ref = h.subject_ref, leaves = h.leaves, fire_at = h.fire_at, acts_at = h.acts_at, state = 'held', \
                    why = h.why, vanished = h.vanished, stated_at = coalesce(h.stated_at, departure.stated_at), executed_at = NULL, despite = 0, \
                    carried_out_by = CASE WHEN departure.state = 'executed' THEN departure.case_id ELSE carried_out_by END, \
                    case_id = h.case_id, changed_at = ?1 \
             FROM departure_change h WHERE h.departure = departure.id AND h.departure = ?2 AND h.case_id = ?3 \
             RETURNING departure.leaves, departure.fire_at, departure.acts_at, departure.source, departure.employee, departure.subject_ref",
        )
        .bind(self.now.ms())
        .bind(before.departure)
        .bind(case)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("changing a plan"))?;
        sqlx::query("DELETE FROM departure_change WHERE departure = ? AND case_id = ?")
            .bind(before.departure)
            .bind(case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("changing a plan"))?;
        // What cannot be read is shown with a gap, and keeps nobody from deciding.
        let leaves: Option<crate::model::Leaves> = serde_json::from_str(row.read(0)?).ok();
        let (fire_at, acts_at): (i64, i64) = (row.read(1)?, row.read(2)?);
        self.record(
            &Entry::new(EntryKind::DepartureChanged, by.clone())
                .case(case)
                .subject_ref(row.read::<String>(5)?)
                .detail(serde_json::json!({
                    "departure": before.departure, "leaves": leaves, "fire_at": fire_at, "acts_at": acts_at, "was": before.state,
                })),
        );
        let acts_at = Timestamp::from_ms(acts_at);
        let detail = leaves.map_or_else(|| format!("access ends at {acts_at}"), |leaves| describe(&leaves, acts_at));
        self.add_step(before.departure, by, "changed", Some(&detail)).await?;
        self.refresh_held(row.read(3)?, row.read(4)?).await?;
        self.leave_plan(before.departure, &before.source, (&before.state, before.case), acts_at, by)
            .await
    }

    /// What becomes of the case of a plan that another one took the place of.
    pub(super) async fn leave_plan(
        &mut self,
        departure: i64,
        source: &str,
        (was, case): (&str, Option<i64>),
        acts_at: Timestamp,
        by: &Actor,
    ) -> Result<()> {
        match case {
            Some(case) if matches!(was, "planned" | "held" | "blocked") => {
                let why = "the source changed what it says about the departure";
                self.cancel_case_unless_wanted(case, source, by, why).await
            }
            _ if was == "executed" && acts_at > self.now => self.moved_too_late(departure, source, case, by).await,
            _ => Ok(()),
        }
    }
}
