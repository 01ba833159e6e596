//! Whether a decision needs two persons, and who was the first.

use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::approval_rule::in_force;
use super::holds::Hold;
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError};

/// How long a first approval waits for the second: longer ago, whoever gave it knew another day.
const COUNTS_FOR: Duration = Duration::from_hours(24);

/// Why an approval needs two persons, and who has given the first for exactly this set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TwoPersons {
    /// Why, as a sentence.
    pub why: String,
    /// The first approval of exactly this set, where it was given.
    pub first: Option<FirstApproval>,
    /// First approvals of other parts of these holds. What they were about may have changed since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<FirstApproval>,
}

/// The first of two approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FirstApproval {
    /// Its number.
    #[serde(skip)]
    pub(super) id: i64,
    /// The hash of the set that it is about.
    pub set: String,
    /// The cases that were taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<i64>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub note: Option<String>,
}

/// From when on approvals count.
pub(super) fn counts_from(now: Timestamp) -> Timestamp {
    now.minus(COUNTS_FOR)
}

/// What an approval of `set` needs; nothing where one person's word is enough, or where it was decided.
pub(super) async fn two_persons(
    conn: &mut sqlx::SqliteConnection,
    holds: &[Hold],
    set: &str,
    now: Timestamp,
) -> Result<Option<TwoPersons>> {
    if holds.iter().any(|hold| hold.state != "open") {
        return Ok(None);
    }
    let Some(why) = why(conn, holds).await? else { return Ok(None) };
    // The one of this set is found however many others there are.
    let rows = sqlx::query(
        "SELECT id, set_hash, except_cases, by, at, note FROM hold_approval WHERE state = 'open' AND holds = $1 AND at > $2 \
         ORDER BY set_hash <> $3, id LIMIT 20",
    )
    .bind(numbers(holds))
    .bind(counts_from(now).ms())
    .bind(set)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::sql("looking for the first approval"))?;
    let mut given = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let first = given.iter().position(|given| given.set == set).map(|at| given.remove(at));
    Ok(Some(TwoPersons {
        why,
        first,
        others: given,
    }))
}

fn read(row: &SqliteRow) -> Result<FirstApproval> {
    let except: String = row.read(2)?;
    Ok(FirstApproval {
        id: row.read(0)?,
        set: row.read(1)?,
        except: serde_json::from_str(&except).unwrap_or_default(),
        by: row.read(3)?,
        at: Timestamp::from_ms(row.read(4)?),
        note: row.read(5)?,
    })
}

/// Their numbers, as the table has them.
fn numbers(holds: &[Hold]) -> String {
    serde_json::json!(holds.iter().map(|hold| hold.id).collect::<Vec<_>>()).to_string()
}

async fn why(conn: &mut sqlx::SqliteConnection, holds: &[Hold]) -> Result<Option<String>> {
    if let Some(group) = holds
        .iter()
        .filter(|hold| hold.approvals > 1)
        .find_map(|hold| hold.group.as_ref())
    {
        return Ok(Some(format!("the group {group} asks for two persons")));
    }
    let rule = in_force(conn).await?.rule;
    if rule.two_for_protected
        && holds
            .iter()
            .any(|hold| matches!(hold.why.as_str(), "protected" | "principal"))
    {
        return Ok(Some("somebody of it is protected".to_owned()));
    }
    let Some(above) = rule.two_above else { return Ok(None) };
    // All who have ever waited there: in small parts, one person could decide about a whole company.
    let people: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT subject_ref) FROM cases WHERE hold IN (SELECT value FROM json_each($1))")
            .bind(numbers(holds))
            .fetch_one(conn)
            .await
            .map_err(StoreError::sql("counting whom holds are about"))?;
    Ok((people > i64::from(above)).then(|| format!("{people} people have waited there, and above {above} two persons decide")))
}
