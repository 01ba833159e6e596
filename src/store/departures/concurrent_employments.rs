//! Holds a departure while another employment of the same person is active, and reevaluates a person's departures when that changes.

use std::collections::BTreeSet;

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;

use crate::model::{Actor, Departure, Subject, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::queue::place_hold::OTHER_EMPLOYMENT;
use crate::store::{Result, StoreError, Tx};

const DEPARTURES: &str = "SELECT d.id, d.employment, d.fire_at, d.acts_at, d.state, d.why, d.case_id, d.despite, e.subject, d.subject_ref, d.source, \
     d.employee FROM departure d LEFT JOIN employment e USING (source, employee, employment)";

/// A departure that has not happened.
struct WaitingDeparture {
    id: i64,
    employment: String,
    fire_at: i64,
    acts_at: i64,
    state: String,
    why: Option<String>,
    case: Option<i64>,
    despite: bool,
    subject: String,
    subject_ref: String,
    source: String,
    employee: String,
}

impl Tx<'_> {
    /// Why the person behind a departure stays, in words for the operator; `None` where no other employment is known.
    pub(in crate::store) async fn blocking_employment(
        &mut self,
        source: &str,
        departure: &Departure,
        subject: &Subject,
    ) -> Result<Option<String>> {
        self.blocked_by(source, &departure.employee, &departure.employment, &subject.to_string())
            .await
    }

    async fn blocked_by(&mut self, source: &str, employee: &str, employment: &str, subject: &str) -> Result<Option<String>> {
        let standing = sqlx::query(
            "SELECT source, employee, employment FROM employment \
             WHERE source = ?1 AND employee = ?2 AND employment NOT IN (?3, '') AND state = 'stands' \
             UNION ALL SELECT source, employee, employment FROM employment \
             WHERE subject = ?4 AND state = 'stands' AND NOT (source = ?1 AND employee = ?2) LIMIT 1",
        )
        .bind(source)
        .bind(employee)
        .bind(employment)
        .bind(subject)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for other employments"))?;
        if let Some(row) = standing {
            let (other, number, employment): (&str, &str, &str) = (row.read(0)?, row.read(1)?, row.read(2)?);
            let what = if employment.is_empty() {
                "an employment".to_owned()
            } else {
                format!("employment {employment}")
            };
            let whose = if number == employee && other == source {
                String::new()
            } else {
                format!(" of employee {number} at source {other}")
            };
            return Ok(Some(format!("{what}{whose} has not ended")));
        }
        let undecided: Option<String> = sqlx::query_scalar(
            "SELECT employment FROM departure WHERE source = ? AND employee = ? AND employment <> ? AND state = 'held' LIMIT 1",
        )
        .bind(source)
        .bind(employee)
        .bind(employment)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for other plans"))?;
        Ok(undecided.map(|employment| format!("the end of employment {employment} waits for a decision")))
    }

    /// When the last of the person's other employments ends, of those whose end is planned.
    pub(in crate::store) async fn latest_end(
        &mut self,
        source: &str,
        of: &Departure,
        reference: &str,
    ) -> Result<Option<Timestamp>> {
        let latest: Option<i64> = sqlx::query_scalar(
            "SELECT max(fire_at) FROM (SELECT fire_at FROM departure \
                 WHERE source = ?1 AND employee = ?2 AND employment <> ?3 AND state IN ('planned', 'blocked') \
             UNION ALL SELECT fire_at FROM departure \
                 WHERE subject_ref = ?4 AND NOT (source = ?1 AND employee = ?2) AND state IN ('planned', 'blocked'))",
        )
        .bind(source)
        .bind(&of.employee)
        .bind(&of.employment)
        .bind(reference)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for other plans"))?;
        Ok(latest.map(Timestamp::from_ms))
    }

    /// The departures of a person that have not happened, by HR's number and by name: those that a human is to decide about, and the others.
    async fn waiting(
        &mut self,
        source: &str,
        employee: &str,
        reference: &str,
    ) -> Result<(Vec<WaitingDeparture>, Vec<WaitingDeparture>)> {
        let sql = format!(
            "{DEPARTURES} WHERE d.id IN (SELECT id FROM departure WHERE source = ?1 AND employee = ?2 \
                 UNION SELECT id FROM departure WHERE subject_ref = ?3 \
                 UNION SELECT o.id FROM departure d JOIN departure o USING (subject_ref) WHERE d.source = ?1 AND d.employee = ?2) \
             AND d.state IN ('planned', 'held', 'blocked') ORDER BY d.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(source)
            .bind(employee)
            .bind(reference)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the plans of a person"))?;
        let all: Vec<WaitingDeparture> = rows.iter().map(read_waiting).collect::<Result<_>>()?;
        Ok(all.into_iter().partition(|departure| departure.state == "held"))
    }

    /// Keeps when those departures of a person would be due that a human is to decide about: with the last of all that is known to end.
    pub(super) async fn refresh_held(&mut self, source: &str, employee: &str) -> Result<()> {
        let (held, plans) = self.waiting(source, employee, "").await?;
        self.reschedule_held(&held, &plans).await
    }

    async fn reschedule_held(&mut self, held: &[WaitingDeparture], plans: &[WaitingDeparture]) -> Result<()> {
        let Some(latest) = held.iter().chain(plans).map(|departure| departure.fire_at).max() else {
            return Ok(());
        };
        for departure in held {
            if departure.acts_at != latest {
                self.move_departure_to(departure.id, Timestamp::from_ms(latest)).await?;
            }
        }
        for case in held.iter().filter_map(|departure| departure.case).collect::<BTreeSet<_>>() {
            self.reschedule_held_jobs(case).await?;
        }
        Ok(())
    }

    async fn move_departure_to(&mut self, id: i64, acts_at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE departure SET acts_at = ? WHERE id = ?")
            .bind(acts_at.ms())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("moving a plan"))?;
        Ok(())
    }

    /// Looks again at all plans of a person, by HR's number and by name: what blocks them, and when the last employment ends.
    pub(in crate::store) async fn reevaluate(&mut self, source: &str, employee: &str, reference: &str) -> Result<()> {
        let (held, plans) = self.waiting(source, employee, reference).await?;
        self.reschedule_held(&held, &plans).await?;
        let Some(latest) = plans.iter().map(|plan| plan.fire_at).max() else {
            return Ok(());
        };
        let latest = Timestamp::from_ms(latest);
        let mut released = BTreeSet::new();
        for plan in &plans {
            let why = if plan.despite {
                None
            } else {
                self.blocked_by(&plan.source, &plan.employee, &plan.employment, &plan.subject)
                    .await?
            };
            if plan.acts_at != latest.ms() {
                self.move_departure_to(plan.id, latest).await?;
            }
            if let Some(case) = plan.case {
                self.reschedule_jobs(case, latest).await?;
            }
            match why {
                Some(why) if plan.state == "planned" => self.block_departure(plan, &why).await?,
                Some(why) if plan.why.as_ref() != Some(&why) => self.set_departure(plan.id, "blocked", Some(&why)).await?,
                None if plan.state == "blocked" => {
                    self.set_departure(plan.id, "planned", None).await?;
                    self.add_step(
                        plan.id,
                        &Actor::Daemon,
                        "released",
                        Some("no other employment stands any more"),
                    )
                    .await?;
                    released.extend(plan.case);
                }
                _ => {}
            }
        }
        for case in released {
            self.release_departure(case, latest).await?;
        }
        Ok(())
    }

    /// Looks again at all plans of the people behind a case.
    pub(in crate::store) async fn reevaluate_case(&mut self, case: i64) -> Result<()> {
        let rows = sqlx::query("SELECT DISTINCT source, employee FROM departure WHERE case_id = ?")
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the departures of a case"))?;
        for row in &rows {
            self.reevaluate(row.read(0)?, row.read(1)?, "").await?;
        }
        Ok(())
    }

    /// Lets a planned departure wait for a human, since the person stays. Not where another source asks for the same: that is no plan.
    async fn block_departure(&mut self, plan: &WaitingDeparture, why: &str) -> Result<()> {
        let Some(case) = plan.case else { return Ok(()) };
        let source = plan.source.as_str();
        let shared: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM signal WHERE case_id = ? AND source <> ?)")
            .bind(case)
            .bind(source)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking who else asks for a case"))?;
        if shared {
            return Ok(());
        }
        self.set_departure(plan.id, "blocked", Some(why)).await?;
        self.add_step(plan.id, &Actor::source(source), "blocked", Some(why)).await?;
        let waiting = sqlx::query(
            "UPDATE job SET state = 'held', held_due = due, due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, finished_at = NULL \
             WHERE case_id = $1 AND kind = 'contain' AND state = 'scheduled' AND attempt = 0",
        )
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("holding a plan's jobs"))?;
        if waiting.rows_affected() == 0 {
            return Ok(());
        }
        self.hold_blocked_departure(source, case, plan.id, &plan.subject_ref).await
    }

    /// Places the hold over a case whose departure is blocked.
    async fn hold_blocked_departure(&mut self, source: &str, case: i64, departure: i64, subject_ref: &str) -> Result<()> {
        let hold = self
            .place_hold(OTHER_EMPLOYMENT.0, OTHER_EMPLOYMENT.1, source, None, None)
            .await?;
        sqlx::query("UPDATE cases SET state = 'held', hold = ? WHERE id = ? AND state IN ('open', 'held')")
            .bind(hold)
            .bind(case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("holding a case"))?;
        self.record(
            &Entry::new(EntryKind::HoldPlaced, Actor::source(source))
                .case(case)
                .subject_ref(subject_ref)
                .detail(serde_json::json!({ "hold": hold, "class": OTHER_EMPLOYMENT.0, "why": OTHER_EMPLOYMENT.1, "departure": departure })),
        );
        let summary = format!(
            "a departure of source {source} is blocked: {} (revoked departures show {departure})",
            OTHER_EMPLOYMENT.1
        );
        self.raise_alert("hold", &format!("hold:{hold}"), &summary, Some(case)).await
    }

    /// Whether the departure behind a case that was approved for another reason is blocked: it waits under a hold of its own then.
    pub(in crate::store) async fn block_approved_departure(&mut self, case: i64) -> Result<bool> {
        let sql = format!("{DEPARTURES} WHERE d.case_id = ? AND d.state = 'planned' AND NOT d.despite");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the departures of a case"))?;
        let mut blocked = None;
        for row in &rows {
            let plan = read_waiting(row)?;
            let why = self
                .blocked_by(&plan.source, &plan.employee, &plan.employment, &plan.subject)
                .await?;
            if let Some(why) = why {
                self.set_departure(plan.id, "blocked", Some(&why)).await?;
                self.add_step(plan.id, &Actor::Daemon, "blocked", Some(&why)).await?;
                blocked = Some(plan);
            }
        }
        match blocked {
            Some(plan) => {
                self.hold_blocked_departure(&plan.source, case, plan.id, &plan.subject_ref)
                    .await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Lets a case go on whose departure is blocked no longer.
    async fn release_departure(&mut self, case: i64, at: Timestamp) -> Result<()> {
        let hold = self.current_hold(case).await?;
        sqlx::query(
            "UPDATE job SET state = 'scheduled', due = $1, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                    finished_at = NULL \
             WHERE case_id = $2 AND kind = 'contain' AND state = 'held'",
        )
        .bind(at.max(self.now).ms())
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("releasing a plan's jobs"))?;
        sqlx::query("UPDATE cases SET state = 'open' WHERE id = ? AND state = 'held'")
            .bind(case)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("releasing a case"))?;
        match hold {
            Some(hold) => {
                self.end_empty_hold(hold, "approved", &Actor::Daemon, "no other employment stands any more")
                    .await
            }
            None => Ok(()),
        }
    }
}

fn read_waiting(row: &SqliteRow) -> Result<WaitingDeparture> {
    Ok(WaitingDeparture {
        id: row.read(0)?,
        employment: row.read(1)?,
        fire_at: row.read(2)?,
        acts_at: row.read(3)?,
        state: row.read(4)?,
        why: row.read(5)?,
        case: row.read(6)?,
        despite: row.read(7)?,
        subject: row.read::<Option<String>>(8)?.unwrap_or_default(),
        subject_ref: row.read(9)?,
        source: row.read(10)?,
        employee: row.read(11)?,
    })
}
