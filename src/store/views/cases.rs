//! Cases with their signals and actions, as lists and `case show` have them.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::case_filter::CaseFilter;
use super::jobs::{JobView, ListFilter};
use crate::model::Timestamp;
use crate::store::cases::notes::CaseNote;
use crate::store::columns::{Columns as _, time_at};
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, Store, StoreError, UnreadableRow};

/// A case as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseView {
    /// Its number.
    pub id: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// What stands for the subject in the trail.
    pub subject_ref: String,
    /// Why it was opened.
    pub reason: String,
    /// The playbook it follows.
    pub playbook: String,
    /// How urgent it is; 0 goes first.
    pub priority: u8,
    /// `open`, `held`, `closed` or `cancelled`.
    pub state: String,
    /// The worst verdict of its targets, once it is closed.
    pub verdict: Option<String>,
    /// The source of the first signal.
    pub source: String,
    /// Who asked, where a signal says so.
    pub requested_by: Option<String>,
    /// The hold it waits under or waited under.
    pub hold: Option<i64>,
    /// When the first signal was received.
    pub received_at: Timestamp,
    /// When the first action that takes something away was answered.
    pub first_revoke_at: Option<Timestamp>,
    /// When it was first contained.
    pub contained_at: Option<Timestamp>,
    /// How often a sweep had to open it again.
    pub reopened: i64,
    /// What was written with the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The login of whoever looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When the first of what waits for its day begins: not what failed and waits for its next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it was called off: nothing more is done for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_at: Option<Timestamp>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_off_why: Option<String>,
    /// When a suspension that it has made was last undone on an operator's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// What has lowered its work, where it was to go further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowered: Option<String>,
}

/// An action as `case show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ActionView {
    /// Its number.
    pub id: i64,
    /// Its job.
    pub job: i64,
    /// What was sent.
    pub action: serde_json::Value,
    /// When its intent was recorded.
    pub started_at: Timestamp,
    /// When it was answered.
    pub finished_at: Option<Timestamp>,
    /// What came of it; `None` while it is under way.
    pub outcome: Option<String>,
    /// What stood in its way, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The target's ids of its requests.
    pub requests: Vec<String>,
}

/// A signal as `case show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SignalView {
    /// Its number.
    pub id: i64,
    /// Its source.
    pub source: String,
    /// Its reason.
    pub reason: String,
    /// `act`, `hold`, `ignore` or `withdraw`.
    pub decision: String,
    /// Why, where it was not to be acted on.
    pub why: Option<String>,
    /// Who asked.
    pub requested_by: Option<String>,
    /// The note.
    pub note: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// A case with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseDetail {
    /// The case.
    pub case: CaseView,
    /// The signals that led to it.
    pub signals: Vec<SignalView>,
    /// Its jobs, sweeps included.
    pub jobs: Vec<JobView>,
    /// What was sent to targets.
    pub actions: Vec<ActionView>,
    /// What people have written beside it.
    pub notes: Vec<CaseNote>,
    /// Since when it may be acted on: its first signal was received, its day had come, or it was approved.
    pub begins_at: Timestamp,
    /// When it was approved, where it was held before anything was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// What of it cannot be read, and is not shown or not whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

const CASE: &str = "SELECT c.id, p.subject, c.subject_ref, c.reason, c.playbook, c.priority, c.state, c.verdict, c.source, c.requested_by, \
     c.hold, c.received_at, c.first_revoke_at, c.contained_at, c.reopened, c.called_off_at, c.called_off_by, \
     c.called_off_why, c.note, c.owner, \
     (SELECT min(coalesce(j.due, j.held_due)) FROM job j WHERE j.case_id = c.id AND j.kind = 'contain' AND j.state IN ('scheduled', 'held') \
      AND j.attempt = 0 AND j.error IS NULL), \
     (SELECT max(j.finished_at) FROM job j WHERE j.case_id = c.id AND j.verdict = 'released'), c.lowered \
     FROM cases c LEFT JOIN person p ON p.ref = c.subject_ref";

impl Store {
    /// Cases, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn cases(&self, filter: &ListFilter) -> Result<Listed<CaseView>> {
        self.find_cases(&CaseFilter {
            states: Vec::from_iter(filter.state.clone()),
            subject_refs: filter.subject_refs.clone(),
            limit: filter.limit,
            ..CaseFilter::default()
        })
        .await
    }

    /// Cases, newest first, by everything that a list of them is asked for.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn find_cases(&self, filter: &CaseFilter) -> Result<Listed<CaseView>> {
        // Only what is asked for stands in the statement: the planner cannot tell from an optional parameter that an index may be used.
        let mut query = QueryBuilder::<Sqlite>::new(CASE);
        filter.push_to(&mut query);
        query.push(" ORDER BY c.id DESC LIMIT ").push_bind(filter.limit);
        let rows = query
            .build()
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing cases"))?;
        Listed::read("cases", &rows, read_case)
    }

    /// What became of the cases that have waited under a hold: how many stand how, and the first `limit` of them, those first that are not
    /// proved.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn decided_under(&self, hold: i64, limit: u32) -> Result<(Vec<(i64, String)>, Listed<CaseView>)> {
        let counts = sqlx::query(
            "SELECT count(*), coalesce(verdict, state) FROM cases WHERE hold = $1 AND state <> 'held' GROUP BY 2 ORDER BY 1 DESC, 2",
        )
        .bind(hold)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("counting what was decided"))?;
        let counts = counts
            .iter()
            .map(|row| Ok((row.read(0)?, row.read(1)?)))
            .collect::<Result<_>>()?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{CASE} WHERE c.hold = $1 AND c.state <> 'held' \
             ORDER BY coalesce(c.verdict IN ('contained', 'no_principal'), 0), c.id LIMIT $2"
        )))
        .bind(hold)
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing what was decided"))?;
        Ok((counts, Listed::read("cases", &rows, read_case)?))
    }

    /// How many cases there are by a filter, whatever its limit; counted up to `most`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count_cases(&self, filter: &CaseFilter, most: u32) -> Result<u32> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM (SELECT 1 FROM cases c");
        filter.push_to(&mut query);
        query.push(" LIMIT ").push_bind(most).push(")");
        query
            .build_query_scalar()
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting cases"))
    }

    /// One case without its jobs: cheap enough to ask for again and again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case(&self, id: i64) -> Result<CaseView> {
        read_case(&self.case_row(id).await?)
    }

    async fn case_row(&self, id: i64) -> Result<SqliteRow> {
        sqlx::query(sqlx::AssertSqlSafe(format!("{CASE} WHERE c.id = $1")))
            .bind(id)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a case"))?
            .ok_or(StoreError::NotFound { what: "case", id })
    }

    /// One case with its signals, jobs and actions.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case_detail(&self, id: i64) -> Result<CaseDetail> {
        let row = self.case_row(id).await?;
        let mut gaps = Gaps::of(&row);
        let case = case_view(&mut gaps);
        let own = Vec::from_iter(UnreadableRow::of_gaps("cases", &gaps));
        let jobs = self
            .jobs(&ListFilter {
                case: Some(id),
                limit: 1000,
                ..ListFilter::default()
            })
            .await?;
        let signals = sqlx::query(
            "SELECT id, source, reason, decision, why, requested_by, note, received_at FROM signal WHERE case_id = ? ORDER BY id LIMIT 1000",
        )
        .bind(id)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading a case's signals"))?;
        let actions = sqlx::query(
            "SELECT a.id, a.job_id, a.action, a.started_at, a.finished_at, a.outcome, a.requests, a.why FROM action a JOIN job j ON j.id = a.job_id \
             WHERE j.case_id = ? ORDER BY a.id LIMIT 5000",
        )
        .bind(id)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading a case's actions"))?;
        let signals = Listed::read("signal", &signals, read_signal)?;
        let actions = Listed::read("action", &actions, read_action)?;
        let notes = self.case_notes(id).await?;
        // What of it cannot be read is named with the row itself.
        let begins = self.case_begins(id).await.ok();
        Ok(CaseDetail {
            begins_at: begins.map_or(case.received_at, |begins| begins.at),
            approved_at: begins.and_then(|begins| begins.approved_at),
            case,
            signals: signals.rows,
            jobs: jobs.rows,
            actions: actions.rows,
            notes: notes.rows,
            unreadable: [own, signals.unreadable, jobs.unreadable, actions.unreadable, notes.unreadable].concat(),
        })
    }
}

fn read_case(row: &SqliteRow) -> Result<CaseView> {
    let mut gaps = Gaps::of(row);
    let case = case_view(&mut gaps);
    gaps.whole(case)
}

fn case_view(row: &mut Gaps<'_>) -> CaseView {
    CaseView {
        id: row.read(0),
        subject: row.text_if_any(1),
        subject_ref: row.text(2),
        reason: row.text(3),
        playbook: row.text(4),
        priority: row.read(5),
        state: row.text(6),
        verdict: row.text_if_any(7),
        source: row.text(8),
        requested_by: row.text_if_any(9),
        hold: row.read(10),
        received_at: row.time(11),
        first_revoke_at: row.time_if_any(12),
        contained_at: row.time_if_any(13),
        reopened: row.read(14),
        called_off_at: row.time_if_any(15),
        called_off_by: row.text_if_any(16),
        called_off_why: row.text_if_any(17),
        note: row.text_if_any(18),
        owner: row.text_if_any(19),
        due: row.time_if_any(20),
        released_at: row.time_if_any(21),
        lowered: row.text_if_any(22),
    }
}

fn read_signal(row: &SqliteRow) -> Result<SignalView> {
    Ok(SignalView {
        id: row.read(0)?,
        source: row.read(1)?,
        reason: row.read(2)?,
        decision: row.read(3)?,
        why: row.read(4)?,
        requested_by: row.read(5)?,
        note: row.read(6)?,
        received_at: Timestamp::from_ms(row.read(7)?),
    })
}

fn read_action(row: &SqliteRow) -> Result<ActionView> {
    let id = row.read(0)?;
    let corrupt = |what: &str, error: serde_json::Error| StoreError::Corrupt {
        table: "action",
        id,
        why: format!("{what}: {error}"),
    };
    let requests = match row.read::<Option<&str>>(6)? {
        Some(text) => serde_json::from_str(text).map_err(|error| corrupt("requests", error))?,
        None => Vec::new(),
    };
    Ok(ActionView {
        id,
        job: row.read(1)?,
        action: serde_json::from_str(row.read(2)?).map_err(|error| corrupt("action", error))?,
        started_at: Timestamp::from_ms(row.read(3)?),
        finished_at: time_at(row, 4)?,
        outcome: row.read(5)?,
        requests,
        why: row.read(7)?,
    })
}
