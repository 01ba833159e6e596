//! The life of a departure: planned as wall date and zone, moved, called off, carried out. Only what has not happened is called off.

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;

use super::queries::LATE;
use crate::model::{Actor, CaseId, Departure, DepartureStep, Leaves, SignalReceipt, Timestamp, When};
use crate::store::queue::open_case::NewCase;
use crate::store::{Result, StoreError, Tx};

/// From here on a departure that was missed is worth an alert.
const VERY_LATE: i64 = 3_600_000;

impl Tx<'_> {
    /// Keeps the plan behind a case, if the signal is one. A plan that is there already moves, with its jobs that have not started.
    pub(in crate::store) async fn plan_departure(&mut self, new: &NewCase<'_>, case: i64) -> Result<()> {
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
        let state = match new.held {
            Some(("employment", _)) => "blocked",
            Some(_) => "held",
            None if acts_at <= self.now => "executed",
            None => "planned",
        };
        let known =
            sqlx::query("SELECT id, fire_at, case_id, state FROM departure WHERE source = ? AND employee = ? AND employment = ?")
                .bind(source)
                .bind(employee)
                .bind(employment)
                .fetch_optional(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking for a plan"))?;
        let was = known.as_ref().map_or(String::new(), |row| row.get::<String, _>(3));
        let old_case = known.as_ref().and_then(|row| row.get::<Option<i64>, _>(2));
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO departure (source, employee, employment, subject_ref, leaves, fire_at, acts_at, state, why, vanished, stated_at, \
                                    executed_at, case_id, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, CASE WHEN ?8 = 'executed' THEN ?13 END, ?12, ?13) \
             ON CONFLICT (source, employee, employment) \
             DO UPDATE SET subject_ref = ?4, leaves = ?5, fire_at = ?6, acts_at = ?7, state = ?8, why = ?9, vanished = ?10, \
                           stated_at = coalesce(?11, stated_at), executed_at = CASE WHEN ?8 = 'executed' THEN ?13 END, despite = 0, \
                           case_id = ?12, changed_at = ?13 RETURNING id",
        )
        .bind(source)
        .bind(employee)
        .bind(employment)
        .bind(new.reference)
        .bind(serde_json::to_string(&leaves).unwrap_or_default())
        .bind(fire_at.ms())
        .bind(acts_at.ms())
        .bind(state)
        .bind(new.held.map(|(_, why)| why))
        .bind(vanished)
        .bind(new.signal.occurred_at.map(Timestamp::ms))
        .bind(case)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a plan"))?;
        let moves = was == "planned" && state == "planned";
        let (kind, what) = if moves {
            (EntryKind::DepartureChanged, "changed")
        } else {
            (EntryKind::DeparturePlanned, state)
        };
        self.record(&new.entry(kind).case(case).detail(serde_json::json!({
            "departure": id, "leaves": leaves, "fire_at": fire_at.ms(), "acts_at": acts_at.ms(), "state": state,
        })));
        let detail = new.held.map_or_else(
            || shown(&leaves, acts_at),
            |(_, why)| format!("{}; {why}", shown(&leaves, acts_at)),
        );
        self.step(id, &by, what, Some(&detail)).await?;
        if matches!(was.as_str(), "planned" | "held" | "blocked")
            && let Some(old) = old_case.filter(|old| *old != case)
        {
            self.leave_case(old, source, &by, "the source changed what it says about the departure")
                .await?;
        }
        if was == "executed" && acts_at > self.now {
            self.too_late(id, source, old_case).await?;
        }
        match state {
            "planned" => self.due_jobs(case, acts_at).await,
            "executed" => {
                self.set_employment(source, employee, employment, "ended").await?;
                self.executed(id, case, acts_at).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// The plan's zone has other rules now.
    pub(in crate::store) async fn recompute_departure(&mut self, id: i64, fire_at: Timestamp) -> Result<()> {
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
            .subject_ref(row.get::<String, _>(1))
            .detail(serde_json::json!({ "departure": id, "fire_at": fire_at.ms(), "why": "the zone's rules changed" }));
        entry.case = row.get(0);
        self.record(&entry);
        let detail = format!("the zone's rules changed: it means {fire_at} now");
        self.step(id, &Actor::Daemon, "changed", Some(&detail)).await?;
        self.weigh(row.get(2), row.get(3), row.get(1)).await
    }

    /// Moves the jobs of a plan that have not started.
    pub(in crate::store) async fn due_jobs(&mut self, case: i64, at: Timestamp) -> Result<()> {
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

    /// Calls a departure off. Only what has not happened is cancelled; what has is never undone by itself, and somebody is told.
    pub(in crate::store) async fn withdraw(&mut self, new: &NewCase<'_>) -> Result<SignalReceipt> {
        let When::Departure(Departure {
            employee,
            employment,
            step,
        }) = &new.signal.when
        else {
            return Ok(SignalReceipt::Ignored {
                why: "it names no departure to call off".to_owned(),
            });
        };
        // A rehire under a new employment ends every plan of the person that HR has not stated since; a rescission only its own.
        let every = *step == DepartureStep::Rehire;
        let stated = new.signal.occurred_at.map(Timestamp::ms);
        let rows = sqlx::query(
            "SELECT id, state, case_id FROM departure WHERE source = ?1 AND employee = ?2 AND (?3 OR employment = ?4) \
             AND state NOT IN ('rescinded', 'cancelled') AND NOT (stated_at IS NOT NULL AND ?5 IS NOT NULL AND stated_at > ?5)",
        )
        .bind(&new.delivery.source)
        .bind(employee)
        .bind(every)
        .bind(employment)
        .bind(stated)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for plans"))?;
        let by = Actor::source(&new.delivery.source);
        let why = if every {
            "the person was hired again"
        } else {
            "HR called it off"
        };
        let nothing = "no departure of this employee is planned".to_owned();
        if rows.is_empty() {
            // A suspension has no plan, and is called off by the same words.
            let why = self.take_back(new, nothing).await?;
            return Ok(SignalReceipt::Ignored { why });
        }
        let mut receipt = SignalReceipt::Ignored { why: nothing };
        for row in &rows {
            let (id, state, case): (i64, String, Option<i64>) = (row.get(0), row.get(1), row.get(2));
            if state == "executed" && self.has_begun(case).await? {
                self.too_late(id, &new.delivery.source, case).await?;
                self.step(id, &by, "too_late", Some(why)).await?;
                if let Some(case) = case {
                    self.end_what_is_left_of(case, id, &new.delivery.source, &by).await?;
                }
                receipt = SignalReceipt::Ignored {
                    why: "the departure had been carried out".to_owned(),
                };
                continue;
            }
            self.call_off(id, "rescinded", &by, why).await?;
            let mut entry = new
                .entry(EntryKind::DepartureRescinded)
                .detail(serde_json::json!({ "departure": id, "step": step }));
            entry.case = case;
            self.record(&entry);
            if let Some(case) = case {
                self.leave_case(case, &new.delivery.source, &by, "the departure was called off")
                    .await?;
                self.note_reactivated(case, &new.delivery.source).await?;
                receipt = SignalReceipt::Accepted {
                    case: CaseId(case),
                    held: false,
                };
            }
        }
        Ok(receipt)
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
            let id: i64 = row.get(0);
            self.set_employment(row.get(2), row.get(3), row.get(4), "ended").await?;
            let late = self.executed(id, case, Timestamp::from_ms(row.get(1))).await?;
            if late > VERY_LATE && !waited {
                let summary = format!(
                    "departure {id} was carried out {} minutes late, since revoked was down",
                    late / 60_000
                );
                self.raise("departed_late", &format!("departure:{id}"), &summary, Some(case))
                    .await?;
            }
        }
        Ok(())
    }

    /// The departures under a hold that was approved: planned again, and those that were blocked in spite of what blocked them.
    pub(in crate::store) async fn approve_departures(&mut self, hold: i64, by: &Actor) -> Result<()> {
        let rows = sqlx::query(
            "UPDATE departure SET despite = state = 'blocked', state = 'planned', why = NULL, changed_at = ?1 \
             WHERE state IN ('held', 'blocked') AND case_id IN (SELECT id FROM cases WHERE hold = ?2 AND state = 'held') \
             RETURNING id, despite",
        )
        .bind(self.now.ms())
        .bind(hold)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("releasing departures"))?;
        for row in &rows {
            let detail = if row.get(1) {
                "approved, although another employment stands"
            } else {
                "approved"
            };
            self.step(row.get(0), by, "released", Some(detail)).await?;
        }
        Ok(())
    }

    /// Calls off what waits behind a case that a human does not let go on.
    pub(in crate::store) async fn cancel_departures(&mut self, case: i64, by: &Actor, why: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, state, source, employee, employment FROM departure WHERE case_id = ? AND state IN ('planned', 'held', 'blocked')",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for the departures of a case"))?;
        for row in &rows {
            let id: i64 = row.get(0);
            self.call_off(id, "cancelled", by, why).await?;
            if row.get::<&str, _>(1) != "blocked" {
                self.set_employment(row.get(2), row.get(3), row.get(4), "stands").await?;
            }
            self.record(
                &Entry::new(EntryKind::DepartureCancelled, by.clone())
                    .case(case)
                    .detail(serde_json::json!({ "departure": id, "why": why })),
            );
        }
        Ok(())
    }

    /// Records that a departure is carried out now, and answers how late.
    async fn executed(&mut self, id: i64, case: i64, acts_at: Timestamp) -> Result<i64> {
        let late = self.now.ms().saturating_sub(acts_at.ms()).max(0);
        self.record(
            &Entry::new(EntryKind::DepartureExecuted, Actor::Daemon)
                .case(case)
                .detail(serde_json::json!({ "departure": id, "fire_at": acts_at.ms(), "late_ms": late, "late": late > LATE })),
        );
        let detail = (late > LATE).then(|| format!("late by {} minutes", late / 60_000));
        self.step(id, &Actor::Daemon, "executed", detail.as_deref()).await?;
        Ok(late)
    }

    /// One step in what became of a departure.
    pub(in crate::store) async fn step(&mut self, departure: i64, by: &Actor, what: &str, detail: Option<&str>) -> Result<()> {
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

    /// The departure will not take place: `state` is `rescinded` or `cancelled`.
    pub(in crate::store) async fn call_off(&mut self, id: i64, state: &str, by: &Actor, why: &str) -> Result<()> {
        sqlx::query("UPDATE departure SET state = ?, why = ?, executed_at = NULL, changed_at = ? WHERE id = ?")
            .bind(state)
            .bind(why)
            .bind(self.now.ms())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("calling a plan off"))?;
        self.step(id, by, state, Some(why)).await
    }

    /// Cancels a case that only a departure stood for which no longer does. It goes on where another source, or another employment that
    /// ends, still asks for it.
    pub(in crate::store) async fn leave_case(&mut self, case: i64, source: &str, by: &Actor, why: &str) -> Result<()> {
        let wanted: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM signal WHERE case_id = ?1 AND source <> ?2 \
                     AND source NOT IN (SELECT source FROM reactivation r WHERE r.case_id = ?1)) \
                 OR EXISTS (SELECT 1 FROM departure WHERE case_id = ?1 AND state IN ('planned', 'held', 'blocked', 'executed'))",
        )
        .bind(case)
        .bind(source)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking who else asks for a case"))?;
        if wanted {
            return Ok(());
        }
        let hold = self.hold_of_held(case).await?;
        self.cancel_case(case, by, why).await?;
        match hold {
            Some(hold) => self.end_empty_hold(hold, "rejected", by, why).await,
            None => Ok(()),
        }
    }

    /// Whether anything of a case was done, or is being done.
    async fn has_begun(&mut self, case: Option<i64>) -> Result<bool> {
        let Some(case) = case else { return Ok(true) };
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM job WHERE case_id = ? AND (attempt > 0 OR acted = 1 OR state IN ('running', 'done', 'failed')))",
        )
        .bind(case)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking whether a case has begun"))
    }

    /// A departure was called off after it had begun: what has not happened yet does not, and no sweep suspends the person again. Not where
    /// another source, or another employment that ends, asks for the same.
    async fn end_what_is_left_of(&mut self, case: i64, departure: i64, source: &str, by: &Actor) -> Result<()> {
        let wanted: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM signal WHERE case_id = ?1 AND source <> ?2) \
                 OR EXISTS (SELECT 1 FROM departure WHERE case_id = ?1 AND id <> ?3 AND state IN ('planned', 'held', 'blocked', 'executed'))",
        )
        .bind(case)
        .bind(source)
        .bind(departure)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking who else asks for a case"))?;
        if wanted {
            return Ok(());
        }
        self.call_off_case(case, by, "its departure was called off after it had begun")
            .await
            .map(|_| ())
    }

    async fn too_late(&mut self, id: i64, source: &str, case: Option<i64>) -> Result<()> {
        let how = case.map_or_else(String::new, |case| format!("; revoked release {case} undoes the suspension"));
        let summary =
            format!("source {source}: a departure was called off after it was carried out; nothing is undone by itself{how}");
        self.raise("rescinded_too_late", &format!("departure:{id}"), &summary, case)
            .await
    }
}

/// A plan in words: the day as written, and the instant.
fn shown(leaves: &Leaves, acts_at: Timestamp) -> String {
    match leaves {
        Leaves::Wall { date, zone, .. } => format!("last working day {date} in {zone}: access ends at {acts_at}"),
        Leaves::Instant { .. } => format!("access ends at {acts_at}"),
    }
}
