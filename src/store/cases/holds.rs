//! Holds as lists have them: what waits for a human, for how many people, and the first of their names.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, Store, StoreError};

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// The class: `protected`, `delivery_limit`, `window_limit`, `principal`, …
    pub why: String,
    /// A sentence for a person.
    pub detail: String,
    /// The source whose signals are held.
    pub source: String,
    /// The name of the delivery, where it came as one.
    pub batch: Option<String>,
    /// `open`, `approved` or `rejected`.
    pub state: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// How many cases wait under it; of a decided one, how many did.
    pub cases: i64,
    /// How many people those are about.
    pub people: i64,
    /// The names of the first of them, as far as they are not erased.
    pub first: Vec<String>,
    /// The group of people that asks for the decision, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many people must approve.
    pub approvals: i64,
    /// The first of two approvals, where it was given; in lists of holds alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_approval: Option<GivenApproval>,
}

/// The first of two approvals of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct GivenApproval {
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether cases were taken out.
    pub in_part: bool,
}

impl Hold {
    /// Whose approval it has already, and that another is needed: `1 of 2 approvals (operator:anna)`.
    #[must_use]
    pub fn approvals_given(&self) -> Option<String> {
        self.first_approval.as_ref().map(|first| {
            let part = if first.in_part { ", of a part" } else { "" };
            format!("1 of 2 approvals ({}{part})", first.by)
        })
    }
}

/// Which decided holds a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecidedHolds {
    /// Decided by somebody whose name has this in it.
    pub by: Option<String>,
    /// Whose class, sentence or note has this in it.
    pub cause: Option<String>,
    /// Decided then or later.
    pub from: Option<Timestamp>,
    /// Decided before then.
    pub until: Option<Timestamp>,
    /// Older than this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// How many people a list names.
const NAMED: usize = 3;

/// The cases that count: while a hold is open, those that wait under it.
const COUNTED: &str = "c.hold = h.id AND (h.state <> 'open' OR c.state = 'held')";

/// The query for holds, up to its condition.
pub(super) fn query(rest: &str) -> String {
    format!(
        "SELECT h.id, h.why, h.detail, h.source, b.name, h.state, h.placed_at, h.decided_at, h.decided_by, h.note, \
                (SELECT count(*) FROM cases c WHERE {COUNTED}), \
                (SELECT count(DISTINCT c.subject_ref) FROM cases c WHERE {COUNTED}), \
                (SELECT group_concat(subject, char(10)) FROM (SELECT DISTINCT p.subject AS subject FROM cases c \
                        JOIN person p ON p.ref = c.subject_ref WHERE {COUNTED} ORDER BY c.id LIMIT {NAMED})), \
                h.people_group, h.approvals \
         FROM hold h LEFT JOIN batch b ON b.id = h.batch {rest}"
    )
}

impl Store {
    /// Open holds, oldest first; with `all`, the newest 200 of every state.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn holds(&self, all: bool) -> Result<Listed<Hold>> {
        let sql = query(if all {
            "ORDER BY h.id DESC LIMIT 200"
        } else {
            "WHERE h.state = 'open' ORDER BY h.id"
        });
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing holds"))?;
        Listed::read("hold", &rows, read_hold)
    }
}

impl Store {
    /// Holds that were decided, the newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn decided_holds(&self, which: &DecidedHolds) -> Result<Listed<Hold>> {
        let sql = query(
            "WHERE h.state <> 'open' AND h.id < $1 AND ($2 IS NULL OR instr(lower(coalesce(h.decided_by, '')), lower($2)) > 0) \
             AND ($3 IS NULL OR instr(lower(h.why || ' ' || h.detail || ' ' || coalesce(h.note, '')), lower($3)) > 0) \
             AND coalesce(h.decided_at, 0) >= $4 AND coalesce(h.decided_at, 0) < $5 ORDER BY h.id DESC LIMIT $6",
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(which.before.unwrap_or(i64::MAX))
            .bind(&which.by)
            .bind(&which.cause)
            .bind(which.from.map_or(i64::MIN, Timestamp::ms))
            .bind(which.until.map_or(i64::MAX, Timestamp::ms))
            .bind(which.limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing decided holds"))?;
        Listed::read("hold", &rows, read_hold)
    }
}

fn read_hold(row: &SqliteRow) -> Result<Hold> {
    let mut gaps = Gaps::of(row);
    let hold = hold_view(&mut gaps);
    gaps.whole(hold)
}

/// A row of [`query`].
pub(super) fn hold_view(row: &mut Gaps<'_>) -> Hold {
    Hold {
        id: row.read(0),
        why: row.text(1),
        detail: row.text(2),
        source: row.text(3),
        batch: row.text_if_any(4),
        state: row.text(5),
        placed_at: row.time(6),
        decided_at: row.time_if_any(7),
        decided_by: row.text_if_any(8),
        note: row.text_if_any(9),
        cases: row.read(10),
        people: row.read(11),
        first: row
            .text_if_any(12)
            .map(|names| names.lines().map(str::to_owned).collect())
            .unwrap_or_default(),
        group: row.text_if_any(13),
        approvals: row.read(14),
        first_approval: None,
    }
}

/// `hold 3`, or `holds 3, 4 and 7`.
pub(super) fn named(holds: &[Hold]) -> String {
    let numbers: Vec<String> = holds.iter().map(|hold| hold.id.to_string()).collect();
    match numbers.split_last() {
        Some((last, [])) => format!("hold {last}"),
        Some((last, others)) => format!("holds {} and {last}", others.join(", ")),
        None => "no hold".to_owned(),
    }
}
