//! Employments of a person, as far as HR has named them: which stand, and which statement about each was the last.

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;

use crate::model::{Actor, Delivery, Departure, DepartureStep, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::queue::place_hold::OTHER_EMPLOYMENT;
use crate::store::{Result, StoreError, Tx};

/// How many employments one statement takes.
const PORTION: usize = 1000;

/// Whether an employment that HR names as standing does so again: it had ended, and HR has changed the record since; or all that was known of it
/// is an end that a human has rejected.
const STANDS_AGAIN: &str = "((state = 'ended' AND excluded.stated_at > coalesce(stated_at, 0)) \
     OR (state = 'ends' AND EXISTS (SELECT 1 FROM departure d WHERE d.source = excluded.source AND d.employee = excluded.employee \
                                    AND d.employment = excluded.employment AND d.state = 'cancelled')))";

impl Tx<'_> {
    /// Keeps which employments stand, and lets the departures that they block wait.
    pub(in crate::store) async fn keep_employments(&mut self, delivery: &Delivery) -> Result<()> {
        let mut changed = 0;
        for portion in delivery.employments.chunks(PORTION) {
            let rows: Vec<_> = portion
                .iter()
                .map(|one| {
                    (
                        &one.employee,
                        &one.employment,
                        one.subject.to_string(),
                        one.stated_at.map(Timestamp::ms),
                    )
                })
                .collect();
            let rows = written("employments", &rows)?;
            self.rescind_vanished(delivery, &rows).await?;
            // An employment whose end is planned stands until then, which is no news; one that has ended stands again only where HR
            // has changed the record since.
            changed += sqlx::query(sqlx::AssertSqlSafe(format!(
                "INSERT INTO employment (source, employee, employment, subject, state, stated_at, changed_at) \
                 SELECT ?1, value ->> 0, value ->> 1, value ->> 2, 'stands', value ->> 3, ?3 FROM json_each(?2) WHERE true \
                 ON CONFLICT (source, employee, employment) DO UPDATE SET subject = excluded.subject, \
                     state = CASE WHEN {STANDS_AGAIN} THEN 'stands' ELSE state END, \
                     stated_at = CASE WHEN excluded.stated_at > coalesce(stated_at, 0) AND state <> 'ends' THEN excluded.stated_at ELSE stated_at END, \
                     changed_at = excluded.changed_at WHERE subject <> excluded.subject OR {STANDS_AGAIN}",
            )))
            .bind(&delivery.source)
            .bind(&rows)
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping employments"))?
            .rows_affected();
            for row in &self.departures_among(delivery, &rows).await? {
                self.reevaluate(row.read(0)?, row.read(1)?, "").await?;
            }
        }
        if changed > 0 {
            self.record(
                &Entry::new(EntryKind::EmploymentsNoted, Actor::source(&delivery.source))
                    .detail(serde_json::json!({ "named": delivery.employments.len(), "changed": changed })),
            );
        }
        Ok(())
    }

    /// Records of which we thought that they had vanished.
    async fn rescind_vanished(&mut self, delivery: &Delivery, rows: &str) -> Result<()> {
        let found = sqlx::query(
            "SELECT d.id, d.case_id, d.employee, d.employment, d.subject_ref FROM json_each(?2) n CROSS JOIN departure d \
             ON d.employee = n.value ->> 0 AND d.employment = n.value ->> 1 \
             WHERE d.source = ?1 AND d.vanished = 1 AND d.state IN ('planned', 'held', 'blocked')",
        )
        .bind(&delivery.source)
        .bind(rows)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for records that are there again"))?;
        let by = Actor::source(&delivery.source);
        let why = "the HR record is there again";
        for row in &found {
            let (id, case): (i64, Option<i64>) = (row.read(0)?, row.read(1)?);
            self.end_departure(id, "rescinded", &by, why).await?;
            let mut entry = Entry::new(EntryKind::DepartureRescinded, by.clone())
                .subject_ref(row.read::<String>(4)?)
                .detail(serde_json::json!({ "departure": id, "why": why }));
            entry.case = case;
            self.record(&entry);
            if let Some(case) = case {
                self.cancel_case_unless_wanted(case, &delivery.source, &by, why).await?;
            }
            self.set_employment(&delivery.source, row.read(2)?, row.read(3)?, "stands")
                .await?;
            self.promote_change(id, &by).await?;
        }
        Ok(())
    }

    /// The employees with a plan whom these employments may concern, by their numbers or by their names.
    async fn departures_among(&mut self, delivery: &Delivery, rows: &str) -> Result<Vec<SqliteRow>> {
        sqlx::query(
            "SELECT d.source, d.employee FROM json_each(?2) n CROSS JOIN departure d ON d.employee = n.value ->> 0 \
             WHERE d.source = ?1 AND d.state IN ('planned', 'blocked') \
             UNION SELECT d.source, d.employee FROM json_each(?2) n CROSS JOIN employment e ON e.subject = n.value ->> 2 \
             CROSS JOIN departure d USING (source, employee, employment) WHERE d.state IN ('planned', 'blocked')",
        )
        .bind(&delivery.source)
        .bind(rows)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for plans of people with another employment"))
    }

    /// What HR says about an employment now, kept to notice a repetition and an older word that comes later. What waits for a decision says
    /// nothing yet about whether the employment stands, or whose it is.
    pub(in crate::store) async fn keep_statement(&mut self, new: &DecidedSignal<'_>, departure: &Departure) -> Result<()> {
        let DecidedSignal { delivery, signal, .. } = *new;
        let undecided = new.held.is_some_and(|(class, _)| class != OTHER_EMPLOYMENT.0);
        let stands = match departure.step {
            DepartureStep::Leave { .. } | DepartureStep::Vanished { .. } => "ends",
            // Without a number it is about the person: it must not stand beside the employments that have one.
            DepartureStep::Rescind | DepartureStep::Rehire if self.is_named_elsewhere(delivery, departure).await? => "ended",
            DepartureStep::Rescind | DepartureStep::Rehire => "stands",
        };
        // What a plan that fired at once has set already, stays.
        sqlx::query(
            "INSERT INTO employment (source, employee, employment, subject, state, statement, stated_at, changed_at) \
             VALUES (?1, ?2, ?3, ?4, CASE WHEN ?8 THEN 'ended' ELSE ?5 END, ?6, ?7, ?9) \
             ON CONFLICT (source, employee, employment) DO UPDATE SET subject = CASE WHEN ?10 THEN subject ELSE ?4 END, \
                 state = CASE WHEN ?10 THEN state WHEN ?8 THEN 'ended' ELSE ?5 END, \
                 statement = ?6, stated_at = coalesce(?7, stated_at), changed_at = ?9",
        )
        .bind(&delivery.source)
        .bind(&departure.employee)
        .bind(&departure.employment)
        .bind(signal.subject.to_string())
        .bind(stands)
        .bind(signal.digest.as_slice())
        .bind(signal.occurred_at.map(Timestamp::ms))
        .bind(stands == "ends" && self.is_executed(delivery, departure).await?)
        .bind(self.now.ms())
        .bind(undecided)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping what HR says"))?;
        Ok(())
    }

    async fn is_named_elsewhere(&mut self, delivery: &Delivery, departure: &Departure) -> Result<bool> {
        if !departure.employment.is_empty() {
            return Ok(false);
        }
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM employment WHERE source = ? AND employee = ? AND employment <> '')")
            .bind(&delivery.source)
            .bind(&departure.employee)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for other employments"))
    }

    async fn is_executed(&mut self, delivery: &Delivery, departure: &Departure) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM departure WHERE source = ? AND employee = ? AND employment = ? AND state = 'executed')",
        )
        .bind(&delivery.source)
        .bind(&departure.employee)
        .bind(&departure.employment)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking whether a plan has fired"))
    }

    /// The statement that stands about an employment, and when it was made.
    pub(in crate::store) async fn last_statement(
        &mut self,
        source: &str,
        departure: &Departure,
    ) -> Result<(Option<Vec<u8>>, Option<Timestamp>)> {
        let row = sqlx::query("SELECT statement, stated_at FROM employment WHERE source = ? AND employee = ? AND employment = ?")
            .bind(source)
            .bind(&departure.employee)
            .bind(&departure.employment)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for what HR said last"))?;
        let Some(row) = row else { return Ok((None, None)) };
        Ok((row.read(0)?, time_at(&row, 1)?))
    }

    /// Whether the end of an employment is planned, or was carried out, so that it is no wonder that its record is gone.
    pub(in crate::store) async fn is_known_to_end(&mut self, source: &str, departure: &Departure) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM employment e JOIN departure d USING (source, employee, employment) \
             WHERE source = ? AND employee = ? AND employment = ? \
             AND (d.state = 'held' OR e.state <> 'stands' AND d.state IN ('planned', 'blocked', 'executed')))",
        )
        .bind(source)
        .bind(&departure.employee)
        .bind(&departure.employment)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking whether an employment is known to end"))
    }

    /// A human has let the end of an employment go on: it ends, and it is the employment of whom that word named.
    pub(super) async fn let_employment_end(&mut self, case: i64, (source, employee, employment): (&str, &str, &str)) -> Result<()> {
        sqlx::query(
            "UPDATE employment SET state = 'ends', changed_at = ?1, subject = coalesce( \
                 (SELECT p.subject FROM signal s JOIN person p ON p.ref = s.subject_ref \
                  WHERE s.case_id = ?2 AND s.digest = employment.statement ORDER BY s.id DESC LIMIT 1), subject) \
             WHERE source = ?3 AND employee = ?4 AND employment = ?5",
        )
        .bind(self.now.ms())
        .bind(case)
        .bind(source)
        .bind(employee)
        .bind(employment)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("changing an employment"))?;
        Ok(())
    }

    pub(super) async fn set_employment(&mut self, source: &str, employee: &str, employment: &str, state: &str) -> Result<()> {
        sqlx::query("UPDATE employment SET state = ?, changed_at = ? WHERE source = ? AND employee = ? AND employment = ?")
            .bind(state)
            .bind(self.now.ms())
            .bind(source)
            .bind(employee)
            .bind(employment)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("changing an employment"))?;
        Ok(())
    }
}
