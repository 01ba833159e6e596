//! What came of each person of a batch.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::{Evidence, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::queue::evidence_row;
use crate::store::{Result, Store, StoreError};

/// What came of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchPerson {
    /// Whom, as it was written.
    pub subject: String,
    /// The request.
    pub request: i64,
    /// `new`, `rejected`, `held`, `paused`, `open`, `closed` or `cancelled`.
    pub state: String,
    /// The case, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// What was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Why it was rejected, or called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The hold that it waits under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// When the first signal of the case was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// When the first access was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_revoke_at: Option<Timestamp>,
    /// When it was proved that none was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contained_at: Option<Timestamp>,
    /// When the case was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// What the targets can neither end nor show, as they said at the last look of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<String>,
}

/// What [`read_person`] reads. Who failed or was rejected comes first, then who waits, last who is over.
const PEOPLE: &str = "SELECT i.subject, i.id, c.id, \
     CASE WHEN i.state <> 'accepted' OR c.id IS NULL THEN CASE i.state WHEN 'new' THEN 'new' ELSE 'rejected' END \
          WHEN c.state = 'open' AND k.case_id IS NOT NULL THEN 'paused' ELSE c.state END AS stands, \
     CASE WHEN c.state = 'closed' THEN c.verdict END, \
     CASE WHEN i.state = 'rejected' OR c.id IS NULL THEN i.why ELSE c.called_off_why END, CASE WHEN c.state = 'held' THEN c.hold END, \
     c.received_at, c.first_revoke_at, c.contained_at, c.closed_at \
     FROM inbox i LEFT JOIN cases c ON c.id = i.case_id LEFT JOIN paused_case k ON k.case_id = c.id WHERE i.set_key = $1 \
     ORDER BY CASE stands WHEN 'rejected' THEN 0 WHEN 'closed' THEN CASE c.verdict WHEN 'failed' THEN 0 WHEN 'contained' THEN 7 \
     WHEN 'no_principal' THEN 6 ELSE 4 END WHEN 'held' THEN 1 WHEN 'paused' THEN 2 WHEN 'open' THEN 3 WHEN 'new' THEN 3 ELSE 5 END, i.id LIMIT $2";

impl Store {
    /// What came of each person of a batch, those first about whom it did not go well; at most so many.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn batch_people(&self, key: &str, limit: u32) -> Result<Vec<BatchPerson>> {
        let rows = sqlx::query(PEOPLE)
            .bind(key)
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what came of a batch"))?;
        rows.iter().map(read_person).collect()
    }

    /// The same of all, with what is not covered.
    ///
    /// # Errors
    /// As [`Store::batch_people`].
    pub async fn batch_report(&self, key: &str) -> Result<Vec<BatchPerson>> {
        let mut people = self.batch_people(key, u32::MAX).await?;
        let cases: Vec<i64> = people.iter().filter_map(|person| person.case).collect();
        let doing = || StoreError::sql("reading what of a batch is not covered");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        let rows = sqlx::query(
            "SELECT j.case_id, j.target, j.evidence FROM json_each($1) n CROSS JOIN job j WHERE j.case_id = n.value AND j.evidence IS NOT NULL \
             AND j.state IN ('done', 'failed') AND j.kind <> 'release' ORDER BY j.id",
        )
        .bind(written("cases", &cases)?)
        .fetch_all(&mut *conn)
        .await
        .map_err(doing())?;
        // Of each target the last look.
        let mut looks: BTreeMap<(i64, String), Evidence> = BTreeMap::new();
        for row in &rows {
            let evidence = row.lossy(2).ok().and_then(|text| evidence_row::with_codes(&text).ok());
            if let Some(evidence) = evidence {
                looks.insert((row.read(0)?, row.lossy(1)?), evidence);
            }
        }
        evidence_row::recall(&mut conn, looks.values_mut()).await;
        let mut gaps: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for ((case, target), evidence) in looks {
            let of_case = gaps.entry(case).or_default();
            of_case.extend(evidence.not_covered.iter().map(|gap| format!("at {target}: {}", &**gap)));
        }
        for person in &mut people {
            if let Some(gaps) = person.case.and_then(|case| gaps.get(&case)) {
                person.not_covered.clone_from(gaps);
            }
        }
        Ok(people)
    }
}

fn read_person(row: &SqliteRow) -> Result<BatchPerson> {
    let lossy = |index: usize| (!row.is_null(index)).then(|| row.lossy(index)).transpose();
    // A time that cannot be read is none here: the lists of cases name it.
    let time = |index: usize| time_at(row, index).ok().flatten();
    Ok(BatchPerson {
        subject: row.lossy(0)?,
        request: row.read(1)?,
        case: row.read(2)?,
        state: row.lossy(3)?,
        verdict: lossy(4)?,
        why: lossy(5)?,
        hold: row.read(6).ok().flatten(),
        received_at: time(7),
        first_revoke_at: time(8),
        contained_at: time(9),
        closed_at: time(10),
        not_covered: Vec::new(),
    })
}
