//! HR plans: kept as wall date and zone, so that a change of the zone's rules moves the instant.

use serde::Serialize;
use sqlx::Row as _;

use super::cases::NewCase;
use super::{Result, Store, StoreError, Tx};
use crate::audit::{Entry, EntryKind};
use crate::model::{Actor, CaseId, Departure, DepartureStep, Leaves, SignalReceipt, Timestamp, When};

/// A planned departure, with the instant that its wall date meant when it was last computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Its number.
    pub id: i64,
    /// The source it came from.
    pub source: String,
    /// When the employment ends, as written.
    pub leaves: Leaves,
    /// The instant.
    pub fire_at: Timestamp,
    /// The case that waits for it.
    pub case: Option<i64>,
}

impl Store {
    /// Departures that have not fired.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn planned_departures(&self) -> Result<Vec<Planned>> {
        let rows =
            sqlx::query("SELECT id, source, leaves, fire_at, case_id FROM departure WHERE state = 'planned' ORDER BY fire_at")
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("listing planned departures"))?;
        rows.iter()
            .map(|row| {
                let id: i64 = row.get(0);
                let leaves = serde_json::from_str(row.get(2)).map_err(|error| StoreError::Corrupt {
                    table: "departure",
                    id,
                    why: error.to_string(),
                })?;
                Ok(Planned {
                    id,
                    source: row.get(1),
                    leaves,
                    fire_at: Timestamp::from_ms(row.get(3)),
                    case: row.get(4),
                })
            })
            .collect()
    }

    /// Moves a planned departure whose zone's rules have changed.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn move_departure(&self, id: i64, fire_at: Timestamp) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.move_departure(id, fire_at, &Actor::Daemon, "the zone's rules changed")
                    .await
            })
        })
        .await?;
        self.0.promoter.notify_one();
        Ok(())
    }
}

impl Tx<'_> {
    /// Keeps the plan behind a case, if the signal is one. A plan that is there already moves, with its jobs that have not started.
    pub(super) async fn plan_departure(&mut self, new: &NewCase<'_>, case: i64, held: bool) -> Result<()> {
        let When::Departure(Departure {
            employee,
            employment,
            step: DepartureStep::Leave { leaves, fire_at },
        }) = &new.signal.when
        else {
            return Ok(());
        };
        let text = serde_json::to_string(leaves).unwrap_or_default();
        let known =
            sqlx::query("SELECT id, fire_at, case_id, state FROM departure WHERE source = ? AND employee = ? AND employment = ?")
                .bind(&new.delivery.source)
                .bind(employee)
                .bind(employment)
                .fetch_optional(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking for a plan"))?;
        let state = if held {
            "held"
        } else if *fire_at <= self.now {
            "executed"
        } else {
            "planned"
        };
        if let Some(row) = &known
            && row.get::<Option<i64>, _>(2) == Some(case)
            && row.get::<String, _>(3) == "planned"
            && !held
        {
            sqlx::query("UPDATE departure SET leaves = ? WHERE id = ?")
                .bind(&text)
                .bind(row.get::<i64, _>(0))
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("changing a plan"))?;
            let by = Actor::source(&new.delivery.source);
            return self
                .move_departure(row.get(0), *fire_at, &by, "the source changed the date")
                .await;
        }
        sqlx::query(
            "INSERT INTO departure (source, employee, employment, subject_ref, leaves, fire_at, state, case_id, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (source, employee, employment) \
             DO UPDATE SET subject_ref = ?4, leaves = ?5, fire_at = ?6, state = ?7, case_id = ?8, changed_at = ?9",
        )
        .bind(&new.delivery.source)
        .bind(employee)
        .bind(employment)
        .bind(new.reference)
        .bind(text)
        .bind(fire_at.ms())
        .bind(state)
        .bind(case)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a plan"))?;
        self.record(
            &new.entry(EntryKind::DeparturePlanned)
                .case(case)
                .detail(serde_json::json!({ "leaves": leaves, "fire_at": fire_at.ms(), "state": state })),
        );
        Ok(())
    }

    async fn move_departure(&mut self, id: i64, fire_at: Timestamp, by: &Actor, why: &str) -> Result<()> {
        let row = sqlx::query(
            "UPDATE departure SET fire_at = ?1, changed_at = ?2 WHERE id = ?3 AND state = 'planned' AND fire_at <> ?1 \
             RETURNING case_id, subject_ref",
        )
        .bind(fire_at.ms())
        .bind(self.now.ms())
        .bind(id)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("moving a plan"))?;
        let Some(row) = row else { return Ok(()) };
        let case: Option<i64> = row.get(0);
        sqlx::query("UPDATE job SET due = ? WHERE case_id = ? AND kind = 'contain' AND state = 'scheduled' AND attempt = 0")
            .bind(fire_at.ms())
            .bind(case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("moving a plan's jobs"))?;
        let mut entry = Entry::new(EntryKind::DepartureChanged, by.clone())
            .subject_ref(row.get::<String, _>(1))
            .detail(serde_json::json!({ "fire_at": fire_at.ms(), "why": why }));
        entry.case = case;
        self.record(&entry);
        Ok(())
    }

    /// Calls a departure off. Only what has not happened is cancelled; what has is never undone by itself, and somebody is told.
    pub(super) async fn withdraw(&mut self, new: &NewCase<'_>) -> Result<SignalReceipt> {
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
        // A rehire under a new employment ends every plan of the person; a rescission only its own.
        let every = *step == DepartureStep::Rehire;
        let rows = sqlx::query(
            "SELECT id, state, case_id FROM departure WHERE source = ?1 AND employee = ?2 AND (?3 OR employment = ?4) AND state <> 'rescinded'",
        )
        .bind(&new.delivery.source)
        .bind(employee)
        .bind(every)
        .bind(employment)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for plans"))?;
        let by = Actor::source(&new.delivery.source);
        let mut receipt = SignalReceipt::Ignored {
            why: "no departure of this employee is planned".to_owned(),
        };
        for row in &rows {
            let (id, state, case): (i64, String, Option<i64>) = (row.get(0), row.get(1), row.get(2));
            if state == "executed" {
                let summary = format!(
                    "source {}: a departure was called off after it was carried out; nothing is undone by itself",
                    new.delivery.source
                );
                self.raise("rescinded_too_late", &format!("departure:{id}"), &summary, case)
                    .await?;
                receipt = SignalReceipt::Ignored {
                    why: "the departure had been carried out".to_owned(),
                };
                continue;
            }
            sqlx::query("UPDATE departure SET state = 'rescinded', changed_at = ? WHERE id = ?")
                .bind(self.now.ms())
                .bind(id)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("calling a plan off"))?;
            let mut entry = new
                .entry(EntryKind::DepartureRescinded)
                .detail(serde_json::json!({ "departure": id, "step": step }));
            entry.case = case;
            self.record(&entry);
            if let Some(case) = case {
                self.cancel_case(case, &by, "the departure was called off").await?;
                receipt = SignalReceipt::Accepted {
                    case: CaseId(case),
                    held: false,
                };
            }
        }
        Ok(receipt)
    }

    /// Marks the plan behind a case as executed once the first of its jobs is due.
    pub(super) async fn departure_is_due(&mut self, case: i64) -> Result<()> {
        let fired: Option<i64> = sqlx::query_scalar(
            "UPDATE departure SET state = 'executed', changed_at = ?1 WHERE case_id = ?2 AND state = 'planned' RETURNING fire_at",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("executing a departure"))?;
        if let Some(fire_at) = fired {
            let late = self.now.ms().saturating_sub(fire_at);
            self.record(
                &Entry::new(EntryKind::DepartureExecuted, Actor::Daemon)
                    .case(case)
                    .detail(serde_json::json!({ "fire_at": fire_at, "late_ms": late, "late": late > 60_000 })),
            );
        }
        Ok(())
    }
}
