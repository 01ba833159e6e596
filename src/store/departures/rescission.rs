//! Rescission: a departure is called off, by HR (rescinded) or by an operator (cancelled).
//!
//! Only what has not happened; what has is never undone by itself, and somebody is told.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, CaseId, Departure, DepartureStep, SignalReceipt, Timestamp, When};
use crate::store::cases::hold_decision::HOLD_REJECTED;
use crate::store::columns::Columns as _;
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::{Result, Store, StoreError, Tx};

/// Which departures of a list of employments, each with the digest of what is said of it, an operator has called off, as far as nobody was told
/// since that their source says it again. Only where those are the last words of the source, and not where they stand in a file (`$3`) that was
/// taken before and whose hold was rejected (`$4`): who rejected it has decided about that file.
const CALLED_OFF: &str = "SELECT DISTINCT d.id FROM json_each($2) n CROSS JOIN departure d \
     ON d.source = $1 AND d.employee = n.value ->> 0 AND d.employment = n.value ->> 1 \
     WHERE d.state = 'cancelled' AND NOT ($3 AND coalesce(d.why, '') = $4) \
     AND EXISTS (SELECT 1 FROM departure_step s WHERE s.departure = d.id AND s.what = 'cancelled' AND s.at >= d.changed_at \
                 AND s.by LIKE 'operator:%') \
     AND NOT EXISTS (SELECT 1 FROM employment e WHERE e.source = d.source AND e.employee = d.employee AND e.employment = d.employment \
                     AND lower(hex(e.statement)) <> n.value ->> 2) \
     AND NOT EXISTS (SELECT 1 FROM departure_step s WHERE s.departure = d.id AND s.what = 'said_again' AND s.at >= d.changed_at) ORDER BY d.id";

impl Store {
    /// Calls a departure off on an operator's word, which only works for what has not happened.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where it was carried out or called off already.
    pub async fn cancel_departure(&self, id: i64, by: Actor, note: String) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.cancel_departure(id, &by, &note).await }))
            .await
    }
}

impl Tx<'_> {
    /// Calls a departure off. Only what has not happened is cancelled; what has is never undone by itself, and somebody is told.
    pub(in crate::store) async fn rescind_departures(&mut self, new: &DecidedSignal<'_>) -> Result<SignalReceipt> {
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
            let why = self.apply_reactivation(new, nothing).await?;
            return Ok(SignalReceipt::Ignored { why });
        }
        let mut receipt = SignalReceipt::Ignored { why: nothing };
        for row in &rows {
            let (id, state, case): (i64, String, Option<i64>) = (row.read(0)?, row.read(1)?, row.read(2)?);
            // Whatever waits for a decision about it is an older word.
            self.withdraw_changes(id, &new.delivery.source, &by, why).await?;
            if state == "executed" && self.has_begun(case).await? {
                self.add_step(id, &by, "too_late", Some(why)).await?;
                if let Some(case) = case {
                    self.call_off_rest(
                        case,
                        id,
                        &new.delivery.source,
                        &by,
                        "its departure was called off after it had begun",
                    )
                    .await?;
                }
                let what = "a departure was called off after it was carried out; nothing is undone by itself";
                self.alert_rescinded_too_late(id, &new.delivery.source, case, what).await?;
                receipt = SignalReceipt::Ignored {
                    why: "the departure had been carried out".to_owned(),
                };
                continue;
            }
            self.end_departure(id, "rescinded", &by, why).await?;
            let mut entry = new
                .entry(EntryKind::DepartureRescinded)
                .detail(serde_json::json!({ "departure": id, "step": step }));
            entry.case = case;
            self.record(&entry);
            if let Some(case) = case {
                self.cancel_case_unless_wanted(case, &new.delivery.source, &by, "the departure was called off")
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

    /// The departures that an operator has called off among those of a JSON list of employments, each with the digest of what `source` says of it
    /// now. `again` is whether it says so in a file that was taken before.
    pub(in crate::store) async fn called_off_by_operators(&mut self, source: &str, said: String, again: bool) -> Result<Vec<i64>> {
        sqlx::query_scalar(CALLED_OFF)
            .bind(source)
            .bind(said)
            .bind(again)
            .bind(HOLD_REJECTED)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for departures that were called off"))
    }

    async fn cancel_departure(&mut self, id: i64, by: &Actor, note: &str) -> Result<()> {
        let row = sqlx::query(
            "SELECT state, case_id, source, employee, employment, subject_ref, executed_at, vanished FROM departure WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for a departure"))?
        .ok_or(StoreError::NotFound { what: "departure", id })?;
        let (state, case): (String, Option<i64>) = (row.read(0)?, row.read(1)?);
        match state.as_str() {
            "executed" => {
                let at = Timestamp::from_ms(row.read::<Option<i64>>(6)?.unwrap_or_default());
                let undo = match case {
                    Some(case) if self.has_suspended(case).await? => {
                        format!("revoked release {case} undoes the suspension, if that is right")
                    }
                    Some(case) => format!("revoked case show {case} says what was done"),
                    None => "what was done is not known any more".to_owned(),
                };
                return Err(StoreError::Refused(format!(
                    "departure {id} was carried out at {at}; nothing is undone by itself: {undo}"
                )));
            }
            "rescinded" | "cancelled" => return Err(StoreError::Refused(format!("departure {id} is {state} already"))),
            _ => {}
        }
        let (source, employee): (String, String) = (row.read(2)?, row.read(3)?);
        self.withdraw_changes(id, &source, by, "an operator cancelled the departure")
            .await?;
        self.end_departure(id, "cancelled", by, note).await?;
        let mut entry = Entry::new(EntryKind::DepartureCancelled, by.clone())
            .subject_ref(row.read::<String>(5)?)
            .detail(serde_json::json!({ "departure": id, "was": state, "note": note }));
        entry.case = case;
        self.record(&entry);
        if let Some(case) = case {
            self.cancel_case_unless_wanted(case, &source, by, "an operator cancelled the departure")
                .await?;
        }
        self.employment_after_human((&source, &employee, row.read(4)?), &state, row.read(7)?)
            .await?;
        self.reevaluate(&source, &employee, row.read(5)?).await
    }

    /// Calls off what waits behind a case that a human does not let go on.
    pub(in crate::store) async fn cancel_departures(&mut self, case: i64, by: &Actor, why: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, state, source, employee, employment, vanished FROM departure \
             WHERE case_id = ? AND state IN ('planned', 'held', 'blocked')",
        )
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for the departures of a case"))?;
        for row in &rows {
            let id: i64 = row.read(0)?;
            self.end_departure(id, "cancelled", by, why).await?;
            self.employment_after_human((row.read(2)?, row.read(3)?, row.read(4)?), row.read(1)?, row.read(5)?)
                .await?;
            self.record(
                &Entry::new(EntryKind::DepartureCancelled, by.clone())
                    .case(case)
                    .detail(serde_json::json!({ "departure": id, "why": why })),
            );
            self.promote_change(id, by).await?;
        }
        Ok(())
    }

    /// What is known of an employment once a human has called its end off, which was in this state. A plan that is called off proves that the
    /// person stays, and a record that is not gone after all stands. A row that was only held proves nothing, least of all where a wrong file named
    /// an employment that nobody has heard of: it stands as far as it did before. And who stays since another employment stands has left this
    /// one all the same.
    async fn employment_after_human(&mut self, of: (&str, &str, &str), was: &str, vanished: bool) -> Result<()> {
        let state = match was {
            "blocked" => "ended",
            "held" if !vanished => return Ok(()),
            _ => "stands",
        };
        self.set_employment(of.0, of.1, of.2, state).await
    }

    /// The departures under a hold that was approved: planned again, and those that were blocked in spite of what blocked them.
    pub(in crate::store) async fn approve_departures(&mut self, case: i64, by: &Actor) -> Result<()> {
        let rows = sqlx::query(
            "UPDATE departure SET despite = state = 'blocked', state = 'planned', why = NULL, changed_at = ?1 \
             WHERE state IN ('held', 'blocked') AND case_id IN (SELECT id FROM cases WHERE id = ?2 AND state = 'held') \
             RETURNING id, despite, source, employee, employment",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("releasing departures"))?;
        for row in &rows {
            let detail = if row.read(1)? {
                "approved, although another employment stands"
            } else {
                "approved"
            };
            self.add_step(row.read(0)?, by, "released", Some(detail)).await?;
            // What HR calls the employment is a matter of the record; that access ends is not to wait for it.
            if let (Ok(source), Ok(employee), Ok(employment)) = (row.read(2), row.read(3), row.read(4)) {
                self.let_employment_end(case, (source, employee, employment)).await?;
            }
        }
        Ok(())
    }

    /// The departure will not take place: `state` is `rescinded` or `cancelled`.
    pub(super) async fn end_departure(&mut self, id: i64, state: &str, by: &Actor, why: &str) -> Result<()> {
        self.set_departure(id, state, Some(why)).await?;
        self.add_step(id, by, state, Some(why)).await
    }

    /// Cancels a case that only a departure stood for which no longer does. It goes on where another source, or another employment that
    /// ends, still asks for it.
    pub(super) async fn cancel_case_unless_wanted(&mut self, case: i64, source: &str, by: &Actor, why: &str) -> Result<()> {
        let wanted: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM signal WHERE case_id = ?1 AND source <> ?2 \
                     AND source NOT IN (SELECT source FROM reactivation r WHERE r.case_id = ?1)) \
                 OR EXISTS (SELECT 1 FROM departure WHERE case_id = ?1 AND state IN ('planned', 'held', 'blocked', 'executed')) \
                 OR EXISTS (SELECT 1 FROM departure_change WHERE case_id = ?1)",
        )
        .bind(case)
        .bind(source)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking who else asks for a case"))?;
        if wanted {
            return Ok(());
        }
        let hold = self.current_hold(case).await?;
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

    /// A departure was called off, or moved, after it had begun: what has not happened yet does not, and no sweep suspends the person again. Not
    /// where another source, or another employment that ends, asks for the same.
    async fn call_off_rest(&mut self, case: i64, departure: i64, source: &str, by: &Actor, why: &str) -> Result<()> {
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
        self.call_off_whole(case, by, why).await
    }

    /// The day of a departure that was carried out lies ahead now. Nothing is undone by itself, and the sweeps end: until that day the person stays.
    pub(super) async fn moved_too_late(&mut self, id: i64, source: &str, case: Option<i64>, by: &Actor) -> Result<()> {
        if let Some(case) = case {
            self.call_off_rest(
                case,
                id,
                source,
                by,
                "its departure was moved to a later day after it had begun",
            )
            .await?;
        }
        let what = "a departure was moved to a later day after it was carried out; nothing is undone by itself, so the person is out until then";
        self.alert_rescinded_too_late(id, source, case, what).await
    }

    async fn alert_rescinded_too_late(&mut self, id: i64, source: &str, case: Option<i64>, what: &str) -> Result<()> {
        let how = match case {
            Some(case) if self.has_suspended(case).await? => format!("; revoked release {case} undoes the suspension"),
            Some(case) => format!("; revoked case show {case} says what was done"),
            None => String::new(),
        };
        let summary = format!("source {source}: {what}{how}");
        self.raise_alert("rescinded_too_late", &format!("departure:{id}"), &summary, case)
            .await
    }
}
