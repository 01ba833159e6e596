//! Departure queries: what is planned and what became of it, for operators and for the daemon's periodic run.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::lifecycle::LATE;
use crate::model::{Leaves, Subject, Timestamp};
use crate::store::cases::release::STILL_SUSPENDS;
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::gaps::Gaps;
use crate::store::identity::references::{REFERENCES, json_of};
use crate::store::{Listed, Result, Store, StoreError, UnreadableRow};

/// A planned departure, with the instant that its wall date meant when it was last computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedDeparture {
    /// Its number.
    pub id: i64,
    /// The source it came from.
    pub source: String,
    /// When the employment ends, as written.
    pub leaves: Leaves,
    /// The instant that this means.
    pub fire_at: Timestamp,
    /// The case that waits for it.
    pub case: Option<i64>,
}

/// The place of a planned departure among all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanPlace(i64, i64);

/// A departure, as `departures list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DepartureView {
    /// Its number.
    pub id: i64,
    /// The source it came from.
    pub source: String,
    /// HR's number of the person.
    pub employee: String,
    /// HR's number of the employment; empty where there is only one.
    pub employment: String,
    /// Who leaves; `None` where the person was erased.
    pub subject: Option<String>,
    /// When the employment ends, as written; `None` where that cannot be read.
    #[schema(value_type = Option<Object>)]
    pub leaves: Option<Leaves>,
    /// The instant that this means.
    pub fire_at: Timestamp,
    /// When access ends: later than `fire_at` where another employment of the person ends later.
    pub acts_at: Timestamp,
    /// The same where the person works, with offset and zone; absent where the plan names an instant.
    pub local: Option<String>,
    /// `planned`, `held`, `blocked`, `executed`, `rescinded` or `cancelled`.
    pub state: String,
    /// Why it is held, blocked, rescinded or cancelled.
    pub why: Option<String>,
    /// The case.
    pub case: Option<i64>,
    /// When HR last changed the record, where it says.
    pub stated_at: Option<Timestamp>,
    /// When it was carried out.
    pub executed_at: Option<Timestamp>,
    /// Whether it was carried out more than a minute after its time.
    pub late: bool,
    /// What its source has said since, which a human is to decide about: until then this departure stands as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<HeldChange>,
    /// The case that carried it out before its source moved the day, where what that has suspended is not released: the account is suspended
    /// although the day lies ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_by: Option<i64>,
    /// When this row last changed.
    pub changed_at: Timestamp,
}

/// A change of a departure that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HeldChange {
    /// The case that waits.
    pub case: i64,
    /// The hold that it waits under.
    pub hold: Option<i64>,
    /// When access ends by it.
    pub acts_at: Timestamp,
}

/// One step in what became of a departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// When.
    pub at: Timestamp,
    /// Who: a source, an operator or the daemon.
    pub by: String,
    /// What: `planned`, `changed`, `held`, `blocked`, `released`, `rescinded`, `too_late`, `cancelled`, `executed`; `change_held` and
    /// `change_called_off` of a change that waits for a decision; `said_again` where its source says it again after a human called it off.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
}

/// What HR said last about an employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EmploymentView {
    /// HR's number of the employment.
    pub employment: String,
    /// `stands`, `ends` (a departure is planned), `ended`, or `rejected`: all that is known of it is an end that a human has rejected.
    pub state: String,
    /// When HR last changed the record, where it says.
    pub stated_at: Option<Timestamp>,
}

/// A departure with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DepartureDetail {
    /// The departure.
    pub departure: DepartureView,
    /// What became of it, oldest first.
    pub steps: Vec<StepView>,
    /// Every employment of the same employee number that the source has named.
    pub employments: Vec<EmploymentView>,
    /// What of it cannot be read, and is not shown or shown with gaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

/// Which departures to list.
#[derive(Debug, Clone, Default)]
pub struct DepartureFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only in this state.
    pub state: Option<String>,
    /// Only of this person: one of the names, or `employee_id:` with HR's number.
    pub person: Option<Subject>,
    /// Only those by which access ends from then on.
    pub from: Option<Timestamp>,
    /// Only those by which access ends before then.
    pub to: Option<Timestamp>,
    /// Of those that `from` begins with, only the ones behind this number: what a list goes on with. Not of one person.
    pub behind: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// The query for departures, up to its condition.
fn departures() -> String {
    format!(
        "SELECT d.id, d.source, d.employee, d.employment, p.subject, d.leaves, d.fire_at, d.acts_at, d.state, d.why, d.case_id, \
     d.stated_at, d.executed_at, d.changed_at, \
     (SELECT json_array(h.case_id, c.hold, h.acts_at) FROM departure_change h JOIN cases c ON c.id = h.case_id \
      WHERE h.departure = d.id AND c.state = 'held' ORDER BY h.case_id DESC LIMIT 1), \
     CASE WHEN d.carried_out_by IS NOT NULL AND d.state IN ('planned', 'held', 'blocked') \
               AND EXISTS (SELECT 1 FROM job j WHERE j.case_id = d.carried_out_by AND {STILL_SUSPENDS}) THEN d.carried_out_by END \
     FROM departure d LEFT JOIN person p ON p.ref = d.subject_ref"
    )
}

/// What waits, and what is over. A list reads so many of each as it may show, in the order of an index.
const PENDING_STATES: &[&str] = &["planned", "held", "blocked"];
const OVER_STATES: &[&str] = &["executed", "rescinded", "cancelled"];

/// What has not fired, from a place on.
const PENDING: &str = "SELECT id, source, leaves, fire_at, case_id FROM departure WHERE state IN ('planned', 'blocked') \
     AND fire_at >= $1 AND (fire_at > $1 OR id > $2) ORDER BY fire_at, id LIMIT $3";

/// The departures in one state, the next first.
fn in_state(of_source: bool, of_a_time: bool) -> String {
    let source = if of_source { "AND d.source = $3 " } else { "" };
    let time = if of_a_time {
        "AND (d.acts_at, d.id) > ($4, $6) AND d.acts_at < $5 "
    } else {
        ""
    };
    format!(
        "{} WHERE d.id > 0 AND d.state = $1 {source}{time}ORDER BY d.acts_at, d.id LIMIT $2",
        departures()
    )
}

/// Those whose state is no word of ours: they stand last, and are named.
fn odd_states() -> String {
    format!(
        "{} WHERE d.state NOT IN ('planned', 'held', 'blocked', 'executed', 'rescinded', 'cancelled') \
         AND ($1 IS NULL OR d.source = $1) ORDER BY d.id LIMIT $2",
        departures()
    )
}

/// Those of one person.
fn of_person(person: &Subject) -> String {
    let whose = match person {
        Subject::EmployeeId(_) => "d.employee = $1".to_owned(),
        _ => format!("d.subject_ref IN ({REFERENCES})"),
    };
    format!(
        "{} WHERE d.id > 0 AND {whose} AND ($2 IS NULL OR d.source = $2) AND ($3 IS NULL OR d.state = $3) \
         AND d.acts_at >= $5 AND d.acts_at < $6 ORDER BY d.state NOT IN ('planned', 'held', 'blocked'), d.acts_at, d.id LIMIT $4",
        departures()
    )
}

impl Store {
    /// Departures that have not fired, the next first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn planned_departures(&self) -> Result<Listed<PlannedDeparture>> {
        Ok(self.planned_departures_after(None, u32::MAX).await?.0)
    }

    /// The same from behind a place on, at most `limit` of them; and the place behind which the others are, if there may be any.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn planned_departures_after(
        &self,
        after: Option<PlanPlace>,
        limit: u32,
    ) -> Result<(Listed<PlannedDeparture>, Option<PlanPlace>)> {
        let (fire_at, id) = after.map_or((i64::MIN, 0), |PlanPlace(fire_at, id)| (fire_at, id));
        let rows = sqlx::query(PENDING)
            .bind(fire_at)
            .bind(id)
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing planned departures"))?;
        let whole = usize::try_from(limit).is_ok_and(|limit| rows.len() >= limit);
        // Where the place of the last cannot be read, those behind it wait for their turn from the start.
        let last = rows.last().filter(|_| whole);
        let next = last.and_then(|row| Some(PlanPlace(row.read(3).ok()?, row.read(0).ok()?)));
        let plans = Listed::read("departure", &rows, |row| {
            let id = row.read(0)?;
            Ok(PlannedDeparture {
                id,
                source: row.read(1)?,
                leaves: read_leaves(id, row.read(2)?)?,
                fire_at: Timestamp::from_ms(row.read(3)?),
                case: row.read(4)?,
            })
        })?;
        Ok((plans, next))
    }

    /// Departures, the next first; what is over stands after what is not.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn departures(&self, filter: &DepartureFilter) -> Result<Listed<DepartureView>> {
        let doing = "listing departures";
        let of_a_time = filter.from.is_some() || filter.to.is_some();
        let from = filter.from.map_or(i64::MIN, Timestamp::ms);
        let to = filter.to.map_or(i64::MAX, Timestamp::ms);
        if let Some(person) = &filter.person {
            let sql = of_person(person);
            let whose = match person {
                Subject::EmployeeId(number) => number.clone(),
                subject => json_of(self.with_known_names(subject).await?.names()),
            };
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(whose)
                .bind(&filter.source)
                .bind(&filter.state)
                .bind(filter.limit)
                .bind(from)
                .bind(to)
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql(doing))?;
            return Listed::read("departure", &rows, read_departure);
        }
        let is_asked_for = |state: &str| filter.state.as_deref().is_none_or(|asked| asked == state);
        let mut listed = Vec::new();
        for states in [PENDING_STATES, OVER_STATES] {
            let mut rows = Vec::new();
            for state in states.iter().copied().filter(|state| is_asked_for(state)) {
                let query = sqlx::query(sqlx::AssertSqlSafe(in_state(filter.source.is_some(), of_a_time)))
                    .bind(state)
                    .bind(filter.limit)
                    .bind(&filter.source);
                let query = if of_a_time {
                    query.bind(from).bind(to).bind(filter.behind.unwrap_or_default())
                } else {
                    query
                };
                let of_state = query.fetch_all(self.readers()).await.map_err(StoreError::sql(doing))?;
                for row in of_state {
                    // A damaged instant is told of with its row, and stands last.
                    rows.push((row.read(7).unwrap_or(i64::MAX), row.read(0).unwrap_or(i64::MAX), row));
                }
            }
            if filter.state.is_none() && states == OVER_STATES {
                let odd = sqlx::query(sqlx::AssertSqlSafe(odd_states()))
                    .bind(&filter.source)
                    .bind(filter.limit)
                    .fetch_all(self.readers())
                    .await
                    .map_err(StoreError::sql(doing))?;
                rows.extend(odd.into_iter().map(|row| (i64::MAX, row.read(0).unwrap_or(i64::MAX), row)));
            }
            rows.sort_by_key(|(acts_at, id, _): &(i64, i64, _)| (*acts_at, *id));
            listed.extend(rows.into_iter().map(|(_, _, row)| row));
        }
        listed.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        Listed::read("departure", &listed, read_departure)
    }

    /// Which of these departures were moved: their source has named another day since, or what their day means has changed.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn moved_departures(&self, of: &[i64]) -> Result<BTreeSet<i64>> {
        let moved: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT s.departure FROM json_each($1) d CROSS JOIN departure_step s ON s.departure = d.value WHERE s.what = 'changed'",
        )
        .bind(written("departures", of)?)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking which departures were moved"))?;
        Ok(moved.into_iter().collect())
    }

    /// One departure with its history.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn departure(&self, id: i64) -> Result<DepartureDetail> {
        let sql = format!("{} WHERE d.id = ?", departures());
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a departure"))?
            .ok_or(StoreError::NotFound { what: "departure", id })?;
        let mut gaps = Gaps::of(&row);
        let departure = departure_view(&mut gaps);
        let own = Vec::from_iter(UnreadableRow::of_gaps("departure", &gaps));
        let steps = sqlx::query("SELECT id, at, by, what, detail FROM departure_step WHERE departure = $1 ORDER BY id")
            .bind(id)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what became of a departure"))?;
        let steps = Listed::read("departure_step", &steps, |row| {
            Ok(StepView {
                at: Timestamp::from_ms(row.read(1)?),
                by: row.read(2)?,
                what: row.read(3)?,
                detail: row.read(4)?,
            })
        })?;
        let employments = self.employments(&departure.source, &departure.employee).await?;
        Ok(DepartureDetail {
            departure,
            steps: steps.rows,
            employments: employments.rows,
            unreadable: [own, steps.unreadable, employments.unreadable].concat(),
        })
    }

    /// What a source has said last about each employment of an employee.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn employments(&self, source: &str, employee: &str) -> Result<Listed<EmploymentView>> {
        let rows = sqlx::query(
            "SELECT employment, CASE WHEN state = 'ends' AND EXISTS (SELECT 1 FROM departure d WHERE d.source = e.source \
                    AND d.employee = e.employee AND d.employment = e.employment AND d.state = 'cancelled') THEN 'rejected' ELSE state END, stated_at \
             FROM employment e WHERE source = ? AND employee = ? ORDER BY employment LIMIT 100",
        )
        .bind(source)
        .bind(employee)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the employments of a person"))?;
        Listed::read("employment", &rows, |row| {
            Ok(EmploymentView {
                employment: row.read(0)?,
                state: row.read(1)?,
                stated_at: time_at(row, 2)?,
            })
        })
    }

    /// Moves a planned departure whose zone's rules have changed.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn move_departure(&self, id: i64, fire_at: Timestamp) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.recompute_departure(id, fire_at).await }))
            .await?;
        self.0.scheduler.notify_one();
        Ok(())
    }
}

fn read_leaves(id: i64, text: &str) -> Result<Leaves> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
        table: "departure",
        id,
        why: format!("leaves: {error}"),
    })
}

/// The number of the case, of the hold, and the instant.
fn read_change(text: &str) -> Option<HeldChange> {
    let (case, hold, acts_at): (i64, Option<i64>, i64) = serde_json::from_str(text).ok()?;
    Some(HeldChange {
        case,
        hold,
        acts_at: Timestamp::from_ms(acts_at),
    })
}

fn read_departure(row: &SqliteRow) -> Result<DepartureView> {
    let mut gaps = Gaps::of(row);
    let departure = departure_view(&mut gaps);
    gaps.whole(departure)
}

fn departure_view(row: &mut Gaps<'_>) -> DepartureView {
    let id = row.read(0);
    let leaves = row.row.read(5).and_then(|text| read_leaves(id, text)).map(Some);
    let leaves = row.filled(leaves);
    let acts_at = row.time(7);
    let executed_at = row.time_if_any(12);
    DepartureView {
        id,
        source: row.text(1),
        employee: row.text(2),
        employment: row.text(3),
        subject: row.text_if_any(4),
        fire_at: row.time(6),
        acts_at,
        local: leaves
            .as_ref()
            .and_then(|leaves| leaves.zone().and_then(|zone| leaves.local(acts_at, zone))),
        leaves,
        state: row.text(8),
        why: row.text_if_any(9),
        case: row.read(10),
        stated_at: row.time_if_any(11),
        executed_at,
        late: executed_at.is_some_and(|at| at.ms().saturating_sub(acts_at.ms()) > LATE),
        changed_at: row.time(13),
        change: row.text_if_any(14).and_then(|text| read_change(&text)),
        suspended_by: row.read(15),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::clock::Clock;
    use crate::store::Role;

    /// A list costs what it shows, however many departures there are.
    #[tokio::test]
    async fn the_lists_read_their_indexes_and_sort_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
        store.close().await;
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        for (sql, index, sorts) in [
            (PENDING.to_owned(), "departure_pending (fire_at>?)", false),
            (in_state(false, false), "departure_listed (state=?)", false),
            (in_state(true, false), "departure_of_source (source=? AND state=?)", false),
            (
                in_state(false, true),
                "departure_listed (state=? AND acts_at>? AND acts_at<?)",
                false,
            ),
            (odd_states(), "departure_odd", false),
            (
                of_person(&Subject::EmployeeId("7".to_owned())),
                "departure_by_employee (employee=?",
                true,
            ),
            (
                of_person(&Subject::Username("ann".to_owned())),
                "departure_by_ref (subject_ref=?",
                true,
            ),
        ] {
            let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(&mut conn)
                .await
                .unwrap();
            let steps: Vec<String> = plan.iter().map(|step| step.read(3).unwrap()).collect();
            assert!(steps.iter().any(|step| step.contains(index)), "{sql}: {steps:?}");
            assert_eq!(
                steps.iter().any(|step| step.contains("FOR ORDER BY")),
                sorts,
                "{sql}: {steps:?}"
            );
            let scans = steps
                .iter()
                .any(|step| step.starts_with("SCAN d") && !step.contains("departure_odd"));
            assert!(!scans, "{sql}: {steps:?}");
        }
    }
}
