//! The lifecycle of a planned departure: planned as wall date and zone, rescheduled, executed when its first job is due.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, Departure, DepartureStep, Leaves, Timestamp, When};
use crate::store::cases::hold_decision::HOLD_REJECTED;
use crate::store::columns::{Columns as _, written};
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::queue::place_hold::OTHER_EMPLOYMENT;
use crate::store::{Result, StoreError, Tx};

/// What is later than this is late.
pub(super) const LATE: i64 = 60_000;
/// From here on a departure that was missed is worth an alert.
const VERY_LATE: i64 = 3_600_000;

/// What a signal says of a departure.
pub(super) struct Plan {
    pub(super) leaves: Leaves,
    pub(super) fire_at: Timestamp,
    pub(super) acts_at: Timestamp,
    pub(super) vanished: bool,
}

/// The departure of the same employment that is there already.
struct KnownDeparture {
    id: i64,
    state: String,
    why: Option<String>,
    case: Option<i64>,
}

impl KnownDeparture {
    /// Whether an operator has called the departure itself off, and not only rejected what a source said of it.
    fn was_called_off(&self) -> bool {
        self.state == "cancelled" && self.why.as_deref() != Some(HOLD_REJECTED)
    }

    /// Whether it stands until a human has decided about a change of it that waits with `case`.
    fn stands_beside(&self, case: i64) -> bool {
        matches!(self.state.as_str(), "planned" | "held" | "blocked" | "executed") && self.case != Some(case)
    }
}

impl Tx<'_> {
    /// Keeps the plan behind a case, if the signal is one. A plan that is there already moves, with its jobs that have not started; where a
    /// human is to decide about that, it stands until then.
    pub(in crate::store) async fn plan_departure(&mut self, new: &DecidedSignal<'_>, case: i64) -> Result<()> {
        let When::Departure(departure) = &new.signal.when else {
            return Ok(());
        };
        let Departure {
            employee,
            employment,
            step,
        } = departure;
        let (leaves, fire_at, vanished) = match step {
            DepartureStep::Leave { leaves, fire_at } => (leaves.clone(), *fire_at, false),
            DepartureStep::Vanished { at } => (Leaves::Instant { at: *at }, *at, true),
            DepartureStep::Rescind | DepartureStep::Rehire => return Ok(()),
        };
        let source = &new.delivery.source;
        let by = Actor::source(source);
        let acts_at = fire_at.max(self.latest_end(source, departure, new.reference).await?.unwrap_or(fire_at));
        let plan = Plan {
            leaves,
            fire_at,
            acts_at,
            vanished,
        };
        let state = match new.held {
            Some((class, _)) if class == OTHER_EMPLOYMENT.0 => "blocked",
            Some(_) => "held",
            None if acts_at <= self.now => "executed",
            None => "planned",
        };
        let known = self.known_departure(source, departure).await?;
        if let Some(known) = known.as_ref().filter(|known| state == "held" && known.stands_beside(case)) {
            return self.hold_change(new, case, known.id, &plan).await;
        }
        let (was, old_case) = known.as_ref().map_or(("", None), |known| (known.state.as_str(), known.case));
        let id = self.write_plan(new, departure, &plan, (state, case)).await?;
        let moves = was == "planned" && state == "planned";
        let (kind, what) = if moves {
            (EntryKind::DepartureChanged, "changed")
        } else {
            (EntryKind::DeparturePlanned, state)
        };
        self.record(&new.entry(kind).case(case).detail(serde_json::json!({
            "departure": id, "leaves": plan.leaves, "fire_at": fire_at.ms(), "acts_at": acts_at.ms(), "state": state,
        })));
        let detail = new.held.map_or_else(
            || describe(&plan.leaves, acts_at),
            |(_, why)| format!("{}; {why}", describe(&plan.leaves, acts_at)),
        );
        self.add_step(id, &by, what, Some(&detail)).await?;
        if let Some(known) = &known {
            let why = "the source has said something newer about the departure";
            self.withdraw_changes(id, source, &by, why).await?;
            if known.was_called_off() && state != "held" {
                let summary = format!(
                    "source {source} says something new about departure {id}, which an operator had called off: it takes place after all; \
                     revoked departures show {id} says when"
                );
                self.raise_alert("departure_called_off", &format!("departure:{id}"), &summary, Some(case))
                    .await?;
            }
        }
        if old_case != Some(case) {
            self.leave_plan(id, source, (was, old_case), acts_at, &by).await?;
        }
        match state {
            "planned" => self.reschedule_jobs(case, acts_at).await,
            "held" => self.reschedule_held_jobs(case).await,
            "executed" => {
                self.set_employment(source, employee, employment, "ended").await?;
                self.record_executed(id, case, acts_at).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    async fn known_departure(&mut self, source: &str, departure: &Departure) -> Result<Option<KnownDeparture>> {
        let row = sqlx::query("SELECT id, state, case_id, why FROM departure WHERE source = ? AND employee = ? AND employment = ?")
            .bind(source)
            .bind(&departure.employee)
            .bind(&departure.employment)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a plan"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(KnownDeparture {
            id: row.read(0)?,
            state: row.read(1)?,
            case: row.read(2)?,
            why: row.read(3)?,
        }))
    }

    /// Writes the plan down, in the place of what was known of the departure. Answers its number.
    async fn write_plan(
        &mut self,
        new: &DecidedSignal<'_>,
        departure: &Departure,
        plan: &Plan,
        (state, case): (&str, i64),
    ) -> Result<i64> {
        sqlx::query_scalar(
            "INSERT INTO departure (source, employee, employment, subject_ref, leaves, fire_at, acts_at, state, why, vanished, stated_at, \
                                    executed_at, case_id, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, CASE WHEN ?8 = 'executed' THEN ?13 END, ?12, ?13) \
             ON CONFLICT (source, employee, employment) \
             DO UPDATE SET subject_ref = ?4, leaves = ?5, fire_at = ?6, acts_at = ?7, state = ?8, why = ?9, vanished = ?10, \
                           stated_at = coalesce(?11, stated_at), executed_at = CASE WHEN ?8 = 'executed' THEN ?13 END, despite = 0, \
                           carried_out_by = CASE WHEN ?8 = 'executed' THEN NULL WHEN state = 'executed' THEN case_id ELSE carried_out_by END, \
                           case_id = ?12, changed_at = ?13 RETURNING id",
        )
        .bind(&new.delivery.source)
        .bind(&departure.employee)
        .bind(&departure.employment)
        .bind(new.reference)
        .bind(written("when somebody leaves", &plan.leaves)?)
        .bind(plan.fire_at.ms())
        .bind(plan.acts_at.ms())
        .bind(state)
        .bind(new.held.map(|(_, why)| why))
        .bind(plan.vanished)
        .bind(new.signal.occurred_at.map(Timestamp::ms))
        .bind(case)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a plan"))
    }

    /// The plan's zone has other rules now.
    pub(super) async fn recompute_departure(&mut self, id: i64, fire_at: Timestamp) -> Result<()> {
        let row = sqlx::query(
            "UPDATE departure SET fire_at = ?1, changed_at = ?2 WHERE id = ?3 AND state IN ('planned', 'blocked') AND fire_at <> ?1 \
             RETURNING case_id, subject_ref, source, employee",
        )
        .bind(fire_at.ms())
        .bind(self.now.ms())
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("moving a plan"))?;
        let Some(row) = row else { return Ok(()) };
        let mut entry = Entry::new(EntryKind::DepartureChanged, Actor::Daemon)
            .subject_ref(row.read::<String>(1)?)
            .detail(serde_json::json!({ "departure": id, "fire_at": fire_at.ms(), "why": "the zone's rules changed" }));
        entry.case = row.read(0)?;
        self.record(&entry);
        let detail = format!("the zone's rules changed: it means {fire_at} now");
        self.add_step(id, &Actor::Daemon, "changed", Some(&detail)).await?;
        self.reevaluate(row.read(2)?, row.read(3)?, row.read(1)?).await
    }

    /// Moves the jobs of a plan that have not started.
    pub(super) async fn reschedule_jobs(&mut self, case: i64, at: Timestamp) -> Result<()> {
        for sql in [
            "UPDATE job SET due = ? WHERE case_id = ? AND kind = 'contain' AND state = 'scheduled' AND attempt = 0",
            "UPDATE job SET held_due = ? WHERE case_id = ? AND kind = 'contain' AND state = 'held' AND attempt = 0",
        ] {
            sqlx::query(sql)
                .bind(at.ms())
                .bind(case)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("moving a plan's jobs"))?;
        }
        Ok(())
    }

    /// Moves the jobs of a case that waits for a decision to the day on which the last of what waits with it is due; none where that is now.
    pub(super) async fn reschedule_held_jobs(&mut self, case: i64) -> Result<()> {
        sqlx::query(
            "UPDATE job SET held_due = (SELECT nullif(max(acts_at, ?2), ?2) FROM (SELECT max(acts_at) AS acts_at FROM ( \
                 SELECT acts_at FROM departure WHERE case_id = ?1 AND state IN ('held', 'blocked') \
                 UNION ALL SELECT acts_at FROM departure_change WHERE case_id = ?1))) \
             WHERE case_id = ?1 AND kind = 'contain' AND state = 'held' AND attempt = 0",
        )
        .bind(case)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("moving what waits for a decision"))?;
        Ok(())
    }

    /// Marks the plans behind a case as executed once the first of its jobs is due. `waited` is whether a human let it wait, who knows how
    /// late it is.
    pub(in crate::store) async fn departure_is_due(&mut self, case: i64, waited: bool) -> Result<()> {
        let fired = sqlx::query(
            "UPDATE departure SET state = 'executed', why = NULL, executed_at = ?1, changed_at = ?1 \
             WHERE case_id = ?2 AND state = 'planned' RETURNING id, acts_at, source, employee, employment",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("executing a departure"))?;
        for row in &fired {
            let id: i64 = row.read(0)?;
            // What HR calls the employment is a matter of the record; that access ends is not to wait for it.
            if let (Ok(source), Ok(employee), Ok(employment)) = (row.read(2), row.read(3), row.read(4)) {
                self.set_employment(source, employee, employment, "ended").await?;
            }
            let late = self.record_executed(id, case, Timestamp::from_ms(row.read(1)?)).await?;
            if late > VERY_LATE && !waited {
                let summary = format!(
                    "departure {id} was carried out {} minutes late, since revoked was down",
                    late / 60_000
                );
                self.raise_alert("departed_late", &format!("departure:{id}"), &summary, Some(case))
                    .await?;
            }
        }
        Ok(())
    }

    /// Records that a departure is carried out now, and answers how late.
    async fn record_executed(&mut self, id: i64, case: i64, acts_at: Timestamp) -> Result<i64> {
        let late = self.now.ms().saturating_sub(acts_at.ms()).max(0);
        self.record(
            &Entry::new(EntryKind::DepartureExecuted, Actor::Daemon)
                .case(case)
                .detail(serde_json::json!({ "departure": id, "fire_at": acts_at.ms(), "late_ms": late, "late": late > LATE })),
        );
        let detail = (late > LATE).then(|| format!("late by {} minutes", late / 60_000));
        self.add_step(id, &Actor::Daemon, "executed", detail.as_deref()).await?;
        Ok(late)
    }

    /// Moves a departure into a state in which it has not been carried out.
    pub(super) async fn set_departure(&mut self, id: i64, state: &str, why: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE departure SET state = ?, why = ?, executed_at = NULL, changed_at = ? WHERE id = ?")
            .bind(state)
            .bind(why)
            .bind(self.now.ms())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("changing a plan"))?;
        Ok(())
    }

    /// One step in what became of a departure.
    pub(in crate::store) async fn add_step(&mut self, departure: i64, by: &Actor, what: &str, detail: Option<&str>) -> Result<()> {
        sqlx::query("INSERT INTO departure_step (departure, at, by, what, detail) VALUES (?, ?, ?, ?, ?)")
            .bind(departure)
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(what)
            .bind(detail)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping what became of a departure"))?;
        Ok(())
    }
}

/// A plan in words: the day as written, and the instant.
pub(super) fn describe(leaves: &Leaves, acts_at: Timestamp) -> String {
    match leaves {
        Leaves::Wall { date, zone, .. } => format!("last working day {date} in {zone}: access ends at {acts_at}"),
        Leaves::Instant { .. } => format!("access ends at {acts_at}"),
    }
}
