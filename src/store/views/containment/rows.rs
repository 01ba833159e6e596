//! Of each case of a time: its work at each target, with the times that its rows have.

use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, StoreError};

/// How many cases are read at once.
const AT_ONCE: i64 = 500;

/// The newest containing jobs of a case at one target, of which the first that reached a proof counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkRow {
    pub(super) case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub(super) subject: Option<String>,
    pub(super) reason: String,
    /// Of the case.
    pub(super) state: String,
    pub(super) received_at: Timestamp,
    pub(super) called_off: bool,
    /// From when to when its last hold stood.
    pub(super) hold: Option<(Timestamp, Option<Timestamp>)>,
    /// The day of its departure.
    pub(super) acts_at: Option<Timestamp>,
    pub(super) job: i64,
    pub(super) target: String,
    /// Of the job.
    pub(super) job_state: String,
    pub(super) verdict: Option<String>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) first_revoke_at: Option<Timestamp>,
    /// When it is due, where it waits for that.
    pub(super) due: Option<Timestamp>,
    /// Whether no attempt has said anything.
    pub(super) is_untried: bool,
}

/// The numbers of the cases that may have begun from `since` on and before `until`, ascending: those received then; those that closed since then,
/// however long before they were received; those whose departure was carried out then.
pub(super) async fn cases(conn: &mut SqliteConnection, since: Timestamp, until: Timestamp) -> Result<Vec<i64>> {
    let doing = || StoreError::sql("looking for the cases of a time");
    let mut found = Vec::new();
    let mut before = i64::MAX;
    loop {
        let rows = sqlx::query("SELECT id, received_at FROM cases WHERE id < $1 ORDER BY id DESC LIMIT $2")
            .bind(before)
            .bind(AT_ONCE)
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
        let mut is_older = true;
        for row in &rows {
            let (id, received): (i64, i64) = (row.read(0)?, row.read(1)?);
            before = id;
            // A clock that was set back may have one stand behind others: only a page without any is the end.
            is_older &= received < since.ms();
            if received >= since.ms() && received < until.ms() {
                found.push(id);
            }
        }
        if rows.is_empty() || is_older {
            break;
        }
    }
    for earlier in [
        "SELECT id FROM cases WHERE closed_at IS NOT NULL AND closed_at >= $1 AND received_at < $1 AND received_at < $2",
        "SELECT case_id FROM departure WHERE id > 0 AND state = 'executed' AND acts_at >= $1 AND acts_at < $2 AND case_id IS NOT NULL",
    ] {
        let earlier: Vec<i64> = sqlx::query_scalar(earlier)
            .bind(since.ms())
            .bind(until.ms())
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
        found.extend(earlier);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

const ROW: &str = "SELECT c.id, p.subject, c.reason, c.state, c.received_at, c.called_off_at IS NOT NULL, h.placed_at, h.decided_at, \
     (SELECT max(d.acts_at) FROM departure d WHERE d.case_id = c.id), j.id, j.target, j.state, j.verdict, j.finished_at, \
     CASE WHEN j.evidence IS NOT NULL AND json_valid(j.evidence) THEN j.evidence ->> '$.first_revoke_at' END, \
     coalesce(j.due, j.held_due), j.attempt = 0 AND j.error IS NULL AND j.evidence IS NULL \
     FROM json_each($1) n CROSS JOIN cases c ON c.id = n.value LEFT JOIN person p ON p.ref = c.subject_ref \
     LEFT JOIN hold h ON h.id = c.hold CROSS JOIN job j ON j.case_id = c.id \
     WHERE j.kind = 'contain' ORDER BY c.id, j.target, j.id";

/// Their work, one row for each case and target, in order.
pub(super) async fn work(conn: &mut SqliteConnection, cases: &[i64]) -> Result<Listed<WorkRow>> {
    let mut all: Listed<WorkRow> = Listed::default();
    for portion in cases.chunks(usize::try_from(AT_ONCE).unwrap_or(usize::MAX)) {
        let rows = sqlx::query(ROW)
            .bind(serde_json::Value::from(portion).to_string())
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::sql("reading the work of a time"))?;
        let read = Listed::read("cases", &rows, read_work)?;
        all.unreadable.extend(read.unreadable);
        for row in read.rows {
            match all.rows.last_mut() {
                // What was proved first counts; what was asked again since is another question.
                Some(before) if (before.case, &before.target) == (row.case, &row.target) => {
                    if !is_proof(before) {
                        let first = before.first_revoke_at.or(row.first_revoke_at);
                        *before = row;
                        before.first_revoke_at = first;
                    }
                }
                _ => all.rows.push(row),
            }
        }
    }
    Ok(all)
}

/// Whether the work has come to a verdict about somebody.
fn is_proof(row: &WorkRow) -> bool {
    matches!(row.verdict.as_deref(), Some("contained" | "unverified" | "residual"))
}

fn read_work(row: &SqliteRow) -> Result<WorkRow> {
    let mut gaps = Gaps::of(row);
    let placed = gaps.time_if_any(6);
    let work = WorkRow {
        case: gaps.read(0),
        subject: gaps.text_if_any(1),
        reason: gaps.text(2),
        state: gaps.text(3),
        received_at: gaps.time(4),
        called_off: gaps.read(5),
        hold: placed.map(|placed| (placed, gaps.time_if_any(7))),
        acts_at: gaps.time_if_any(8),
        job: gaps.read(9),
        target: gaps.text(10),
        job_state: gaps.text(11),
        verdict: gaps.text_if_any(12),
        finished_at: gaps.time_if_any(13),
        // As evidence has it: a text.
        first_revoke_at: gaps
            .text_if_any(14)
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
            .map(Timestamp::from),
        due: gaps.time_if_any(15),
        is_untried: gaps.read(16),
    };
    gaps.whole(work)
}
