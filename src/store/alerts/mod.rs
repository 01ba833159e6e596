//! Alerts: durable rows that `status` shows until they are cleared or over. The same trouble again counts up instead of adding a row.
//!
//! Here an alert as lists have it; `next_command`, what to type about it; `raise`, raising and ending; `answer`, what an operator says to one.
//! Whoever is told of them: `notifications`.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::{Listed, Result, Store, StoreError};
use crate::model::Timestamp;
use crate::store::cases::release::STILL_SUSPENDS;
use crate::store::columns::{Columns as _, time_at};

mod answer;
mod next_command;
mod raise;

/// How many open alerts of one kind are listed.
pub const LISTED_OF_A_KIND: usize = 200;

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What kind of trouble: from a closed set, see `docs/operating.md`.
    pub kind: String,
    /// What it is about: `hold:3`, `target:chat`.
    pub key: String,
    /// One sentence for a person.
    pub summary: String,
    /// The case it belongs to.
    pub case: Option<i64>,
    /// Whom it is about, as the case names the person; `None` where it is about nobody, several, or somebody who was erased.
    pub subject: Option<String>,
    /// How many people wait, where it is about a hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<i64>,
    /// The target it is about.
    pub target: Option<String>,
    /// What to type about it.
    pub next: String,
    /// Channels that were not told of it, since they reach somebody who was being contained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld_from: Vec<String>,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// When it was last raised.
    pub last_at: Timestamp,
    /// How often.
    pub times: i64,
    /// When somebody said that they look after it. Raised anew it needs somebody again.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What they said.
    pub acknowledged_note: Option<String>,
    /// When it was cleared or over.
    pub cleared_at: Option<Timestamp>,
    /// By whom.
    pub cleared_by: Option<String>,
}

impl Alert {
    /// Whether somebody is to look after it: it is open, and nobody has said that they do.
    #[must_use]
    pub const fn needs_somebody(&self) -> bool {
        self.cleared_at.is_none() && self.acknowledged_at.is_none()
    }

    /// The summary for where [`Self::next`] is shown beside it: without that command in brackets.
    #[must_use]
    pub fn summary_beside_next(&self) -> String {
        self.summary.replace(&format!(" ({})", self.next), "")
    }
}

/// The query for alerts, up to its condition. Whom one is about is looked up, so that it is nobody once the person is erased.
pub(in crate::store) fn query(rest: &str) -> String {
    format!(
        "SELECT a.id, a.kind, a.key, a.summary, c.id, a.raised_at, a.last_at, a.times, a.cleared_at, a.cleared_by, \
                a.acknowledged_at, a.acknowledged_by, a.acknowledged_note, p.subject, j.target, \
                (SELECT count(DISTINCT h.subject_ref) FROM cases h WHERE a.kind = 'hold' AND h.hold = CAST(substr(a.key, 6) AS INTEGER) \
                        AND (h.state = 'held' OR a.cleared_at IS NOT NULL)), \
                (SELECT min(p.subject) FROM cases h JOIN person p ON p.ref = h.subject_ref \
                        WHERE a.kind = 'hold' AND h.hold = CAST(substr(a.key, 6) AS INTEGER) AND (h.state = 'held' OR a.cleared_at IS NOT NULL)), \
                a.kind = 'rescinded_too_late' AND EXISTS (SELECT 1 FROM job j WHERE j.case_id = c.id AND {STILL_SUSPENDS}), \
                (SELECT group_concat(DISTINCT d.channel) FROM notify_message m JOIN notify_delivery d ON d.bundle = m.bundle \
                        WHERE m.alert_id = a.id AND d.state = 'withheld') \
         FROM alert a \
              LEFT JOIN job j ON a.key GLOB 'job:[0-9]*' AND j.id = CAST(substr(a.key, 5) AS INTEGER) \
              LEFT JOIN departure d ON a.key GLOB 'departure:[0-9]*' AND d.id = CAST(substr(a.key, 11) AS INTEGER) \
              LEFT JOIN cases c ON c.id = coalesce(a.case_id, d.case_id) \
              LEFT JOIN person p ON p.ref = coalesce(c.subject_ref, d.subject_ref) {rest}"
    )
}

impl Store {
    /// Whether an alert of that kind stands about that thing.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn alert_is_open(&self, kind: &str, key: &str) -> Result<bool> {
        Ok(self.open_alert(kind, key).await?.is_some())
    }

    /// The open alerts, newest first, of each kind the newest [`LISTED_OF_A_KIND`]; with `all`, the cleared ones too (the newest 200).
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn alerts(&self, all: bool) -> Result<Listed<Alert>> {
        // One kind that is raised without end keeps no other from being seen.
        let which = if all {
            String::new()
        } else {
            format!(
                "WHERE a.id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY kind ORDER BY last_at DESC, id DESC) AS place \
                     FROM alert WHERE cleared_at IS NULL) WHERE place <= {LISTED_OF_A_KIND})"
            )
        };
        let most = if all { " LIMIT 200" } else { "" };
        let sql = query(&format!("{which} ORDER BY a.last_at DESC, a.id DESC{most}"));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing alerts"))?;
        Listed::read("alert", &rows, alert)
    }

    /// The open alerts, or with `all` the cleared ones too, the newest first: from behind the place of one on, at most `limit` of them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn alerts_behind(&self, all: bool, behind: Option<(Timestamp, i64)>, limit: u32) -> Result<Listed<Alert>> {
        let which = if all { "true" } else { "cleared_at IS NULL" };
        // Which they are first: what is looked up of each is looked up of those alone.
        let sql = query(&format!(
            "WHERE a.id IN (SELECT id FROM alert WHERE {which} AND (last_at, id) < ($1, $2) ORDER BY last_at DESC, id DESC LIMIT $3) \
             ORDER BY a.last_at DESC, a.id DESC"
        ));
        let (at, id) = behind.map_or((i64::MAX, i64::MAX), |(at, id)| (at.ms(), id));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(at)
            .bind(id)
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing alerts"))?;
        Listed::read("alert", &rows, alert)
    }

    /// The numbers of the open alerts from one number to another, of one kind where it is named; with `needing`, of those that need somebody.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_alerts_among(&self, (first, last): (i64, i64), kind: Option<&str>, needing: bool) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT id FROM alert WHERE id BETWEEN ?1 AND ?2 AND cleared_at IS NULL AND (?3 IS NULL OR kind = ?3) \
             AND NOT (?4 AND acknowledged_at IS NOT NULL) ORDER BY id",
        )
        .bind(first)
        .bind(last)
        .bind(kind)
        .bind(needing)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for alerts"))
    }

    async fn open_alert(&self, kind: &str, key: &str) -> Result<Option<i64>> {
        sqlx::query_scalar("SELECT id FROM alert WHERE kind = ? AND key = ? AND cleared_at IS NULL")
            .bind(kind)
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for an alert"))
    }
}

/// Reads a row of [`query`].
pub(in crate::store) fn alert(row: &SqliteRow) -> Result<Alert> {
    let (kind, key, case): (String, String, Option<i64>) = (row.read(1)?, row.read(2)?, row.read(4)?);
    // What is looked up elsewhere keeps no alert from being shown.
    let looked_up = |index: usize| (!row.is_null(index)).then(|| row.lossy(index).ok()).flatten();
    let target = looked_up(14).or_else(|| key.strip_prefix("target:").map(str::to_owned));
    let suspends = row.read(17).unwrap_or_default();
    let withheld = looked_up(18).unwrap_or_default();
    let people = (kind == "hold").then(|| row.read(15).unwrap_or_default());
    let subject = if people == Some(1) { looked_up(16) } else { looked_up(13) };
    Ok(Alert {
        id: row.read(0)?,
        next: next_command::next_command(row.read(0)?, &kind, &key, (case, suspends)),
        summary: row.read(3)?,
        subject,
        people,
        target,
        withheld_from: withheld
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        raised_at: Timestamp::from_ms(row.read(5)?),
        last_at: Timestamp::from_ms(row.read(6)?),
        times: row.read(7)?,
        cleared_at: time_at(row, 8)?,
        cleared_by: row.read(9)?,
        acknowledged_at: time_at(row, 10)?,
        acknowledged_by: row.read(11)?,
        acknowledged_note: row.read(12)?,
        kind,
        key,
        case,
    })
}
