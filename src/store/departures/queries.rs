//! Departure queries: what is planned and what became of it, for operators and for the daemon's periodic run.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::lifecycle::LATE;
use crate::model::{Leaves, Subject, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::gaps::Gaps;
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

/// A departure, as `departures list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// When this row last changed.
    pub changed_at: Timestamp,
}

/// One step in what became of a departure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// When.
    pub at: Timestamp,
    /// Who: a source, an operator or the daemon.
    pub by: String,
    /// What: `planned`, `changed`, `held`, `blocked`, `released`, `rescinded`, `too_late`, `cancelled`, `executed`.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
}

/// What HR said last about an employment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmploymentView {
    /// HR's number of the employment.
    pub employment: String,
    /// `stands`, `ends` (a departure is planned) or `ended`.
    pub state: String,
    /// When HR last changed the record, where it says.
    pub stated_at: Option<Timestamp>,
}

/// A departure with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// At most so many.
    pub limit: u32,
}

const COLUMNS: &str = "SELECT d.id, d.source, d.employee, d.employment, p.subject, d.leaves, d.fire_at, d.acts_at, d.state, d.why, d.case_id, \
     d.stated_at, d.executed_at, d.changed_at FROM departure d LEFT JOIN person p ON p.ref = d.subject_ref";

impl Store {
    /// Departures that have not fired.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn planned_departures(&self) -> Result<Listed<PlannedDeparture>> {
        let rows = sqlx::query(
            "SELECT id, source, leaves, fire_at, case_id FROM departure WHERE state IN ('planned', 'blocked') ORDER BY fire_at",
        )
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing planned departures"))?;
        Listed::read("departure", &rows, |row| {
            let id = row.read(0)?;
            Ok(PlannedDeparture {
                id,
                source: row.read(1)?,
                leaves: read_leaves(id, row.read(2)?)?,
                fire_at: Timestamp::from_ms(row.read(3)?),
                case: row.read(4)?,
            })
        })
    }

    /// Departures, the next first; what is over stands after what is not.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn departures(&self, filter: &DepartureFilter) -> Result<Listed<DepartureView>> {
        let (employee, name) = match &filter.person {
            Some(Subject::EmployeeId(number)) => (Some(number.clone()), None),
            Some(subject) => (None, Some(subject.to_string())),
            None => (None, None),
        };
        let sql = format!(
            "{COLUMNS} WHERE (?1 IS NULL OR d.source = ?1) AND (?2 IS NULL OR d.state = ?2) AND (?3 IS NULL OR d.employee = ?3) \
             AND (?4 IS NULL OR p.subject = ?4 OR (p.subject LIKE 'aliases:%' AND \
                  instr(char(10) || substr(p.subject, 9) || char(10), char(10) || ?4 || char(10)) > 0)) \
             ORDER BY d.state NOT IN ('planned', 'held', 'blocked'), d.acts_at, d.id LIMIT ?5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&filter.source)
            .bind(&filter.state)
            .bind(employee)
            .bind(name)
            .bind(filter.limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing departures"))?;
        Listed::read("departure", &rows, read_departure)
    }

    /// One departure with its history.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn departure(&self, id: i64) -> Result<DepartureDetail> {
        let sql = format!("{COLUMNS} WHERE d.id = ?");
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
            "SELECT employment, state, stated_at FROM employment WHERE source = ? AND employee = ? ORDER BY employment LIMIT 100",
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
    }
}
