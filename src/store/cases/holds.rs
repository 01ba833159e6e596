//! Holds: an operator approves or rejects what waits for a human, and the decision is about exactly the set that was shown.

use std::collections::BTreeMap;

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::digest::{hex, sha256};
use crate::model::{Actor, JobState, Step, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, Store, StoreError, Tx, UnreadableRow};

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// How many cases wait under it (or waited).
    pub cases: i64,
}

/// A case under a hold, as `hold show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldCase {
    /// The case.
    pub case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// Why the case was opened.
    pub reason: String,
    /// The playbook it would follow.
    pub playbook: String,
    /// When its first job would start, where that is not at once.
    pub due: Option<Timestamp>,
    /// Which sources have said since that the person is active again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactivated: Vec<Reactivation>,
}

/// That a source has said of somebody who waits for a decision that the person is active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reactivation {
    /// The source.
    pub source: String,
    /// When it said so.
    pub at: Timestamp,
}

/// The set that a hold covers now, and the hash that an approval must quote to be about the same set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldSet {
    /// The hold itself.
    pub hold: Hold,
    /// The cases, by number.
    pub cases: Vec<HeldCase>,
    /// SHA-256 over the sorted cases and what each would do, first 16 hex digits.
    pub set: String,
    /// What of it cannot be read, and is shown with gaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

const COLUMNS: &str = "SELECT h.id, h.why, h.detail, h.source, b.name, h.state, h.placed_at, h.decided_at, h.decided_by, h.note, \
     (SELECT count(*) FROM cases c WHERE c.hold = h.id) FROM hold h LEFT JOIN batch b ON b.id = h.batch";

impl Store {
    /// Open holds, oldest first; with `all`, the newest 200 of every state.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn holds(&self, all: bool) -> Result<Listed<Hold>> {
        let sql = if all {
            format!("{COLUMNS} ORDER BY h.id DESC LIMIT 200")
        } else {
            format!("{COLUMNS} WHERE h.state = 'open' ORDER BY h.id")
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing holds"))?;
        Listed::read("hold", &rows, read_hold)
    }

    /// One hold with its set.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn hold(&self, id: i64) -> Result<HeldSet> {
        let mut conn = self.readers().acquire().await.map_err(StoreError::sql("reading a hold"))?;
        held_set(&mut conn, id).await
    }

    /// Approves exactly the set whose hash is `set`: its jobs go on, now or when they are due.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the set has changed since it was shown, or was decided already.
    pub async fn approve_hold(&self, id: i64, set: String, by: Actor, note: Option<String>) -> Result<usize> {
        let (count, targets) = self
            .write(move |tx| Box::pin(async move { tx.approve_hold(id, &set, &by, note.as_deref()).await }))
            .await?;
        self.wake_lanes(&targets);
        self.0.scheduler.notify_one();
        Ok(count)
    }

    /// Rejects a hold: its cases are cancelled, nothing of them is done.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it was decided already.
    pub async fn reject_hold(&self, id: i64, by: Actor, note: Option<String>) -> Result<usize> {
        self.write(move |tx| Box::pin(async move { tx.reject_hold(id, &by, note.as_deref()).await }))
            .await
    }
}

impl Tx<'_> {
    async fn approve_hold(&mut self, id: i64, set: &str, by: &Actor, note: Option<&str>) -> Result<(usize, Vec<String>)> {
        let held = held_set(self.conn, id).await?;
        ensure_undecided(&held.hold)?;
        if held.set != set {
            return Err(StoreError::Refused(format!(
                "hold {id} now covers another set ({}) than the one approved ({set}); look at it again with revoked hold show {id}",
                held.set
            )));
        }
        self.decide_hold(id, "approved", by, note).await?;
        let now = self.now;
        let mut targets = Vec::new();
        self.approve_departures(id, by).await?;
        for case in &held.cases {
            if self.block_approved_departure(case.case).await? {
                continue;
            }
            let jobs = sqlx::query("SELECT id, target, held_due FROM job WHERE case_id = ? AND state = 'held'")
                .bind(case.case)
                .fetch_all(&mut *self.conn)
                .await
                .map_err(StoreError::sql("reading held jobs"))?;
            for job in &jobs {
                let (job_id, target): (i64, String) = (job.read(0)?, job.read(1)?);
                let due = time_at(job, 2)?.filter(|due| *due > now);
                let next = JobState::Held.next(Step::Approve { due })?;
                sqlx::query(
                    "UPDATE job SET state = $1, due = $2, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                            finished_at = NULL, approved = 1, error = NULL WHERE id = $3 AND state = 'held'",
                )
                .bind(next.word())
                .bind(due.map(Timestamp::ms))
                .bind(job_id)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("releasing a held job"))?;
                self.record(
                    &Entry::new(EntryKind::JobEnqueued, by.clone())
                        .case(case.case)
                        .job(job_id)
                        .detail(serde_json::json!({ "target": target, "hold": id, "due": due.map(Timestamp::ms) })),
                );
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
            sqlx::query("UPDATE cases SET state = 'open' WHERE id = ? AND state = 'held'")
                .bind(case.case)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("releasing a case"))?;
            let due: Option<i64> =
                sqlx::query_scalar("SELECT max(due) FROM job WHERE case_id = ? AND kind = 'contain' AND state = 'scheduled'")
                    .bind(case.case)
                    .fetch_one(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("looking when a case is due"))?;
            if due.is_none() {
                self.departure_is_due(case.case, true).await?;
            }
        }
        for case in &held.cases {
            self.reevaluate_case(case.case).await?;
        }
        self.record(
            &Entry::new(EntryKind::HoldApproved, by.clone())
                .detail(serde_json::json!({ "hold": id, "set": held.set, "cases": held.cases.len(), "note": note })),
        );
        Ok((held.cases.len(), targets))
    }

    async fn reject_hold(&mut self, id: i64, by: &Actor, note: Option<&str>) -> Result<usize> {
        let held = held_set(self.conn, id).await?;
        ensure_undecided(&held.hold)?;
        self.decide_hold(id, "rejected", by, note).await?;
        for case in &held.cases {
            self.cancel_departures(case.case, by, "its hold was rejected").await?;
            if !self.cancel_case(case.case, by, "its hold was rejected").await? {
                // A sweep was held: what was proved before it stands.
                self.close_what_was_proved(case.case).await?;
            }
        }
        for case in &held.cases {
            self.reevaluate_case(case.case).await?;
        }
        self.record(
            &Entry::new(EntryKind::HoldRejected, by.clone())
                .detail(serde_json::json!({ "hold": id, "set": held.set, "cases": held.cases.len(), "note": note })),
        );
        Ok(held.cases.len())
    }

    /// The hold that a case waits under, where it does.
    pub(in crate::store) async fn current_hold(&mut self, case: i64) -> Result<Option<i64>> {
        let hold = sqlx::query_scalar("SELECT hold FROM cases WHERE id = ? AND state = 'held'")
            .bind(case)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case"))?;
        Ok(hold.flatten())
    }

    /// A hold under which nothing waits any more needs no human.
    pub(in crate::store) async fn end_empty_hold(&mut self, id: i64, state: &str, by: &Actor, note: &str) -> Result<()> {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM cases WHERE hold = ?1 AND state = 'held') \
                 OR NOT EXISTS (SELECT 1 FROM hold WHERE id = ?1 AND state = 'open')",
        )
        .bind(id)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking what waits under a hold"))?;
        if waits {
            return Ok(());
        }
        self.decide_hold(id, state, by, Some(note)).await?;
        let kind = if state == "approved" {
            EntryKind::HoldApproved
        } else {
            EntryKind::HoldRejected
        };
        self.record(&Entry::new(kind, by.clone()).detail(serde_json::json!({ "hold": id, "cases": 0, "note": note })));
        Ok(())
    }

    async fn decide_hold(&mut self, id: i64, state: &str, by: &Actor, note: Option<&str>) -> Result<()> {
        sqlx::query("UPDATE hold SET state = ?, decided_at = ?, decided_by = ?, note = ? WHERE id = ?")
            .bind(state)
            .bind(self.now.ms())
            .bind(by.to_string())
            .bind(note)
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("deciding a hold"))?;
        self.end_alert("hold", &format!("hold:{id}")).await
    }

    /// Calls off what has not started. A job that runs is left to end: cutting it off would hide what it did.
    pub(in crate::store) async fn cancel_case(&mut self, case: i64, by: &Actor, why: &str) -> Result<bool> {
        let jobs = sqlx::query(
            "UPDATE job SET state = 'cancelled', due = NULL, held_due = NULL, lease_id = NULL, lease_until = NULL, verdict = NULL, \
                    finished_at = $1 \
             WHERE case_id = $2 AND state IN ('scheduled', 'queued', 'held') RETURNING id",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("cancelling jobs"))?;
        for job in &jobs {
            self.record(
                &Entry::new(EntryKind::JobCancelled, by.clone())
                    .case(case)
                    .job(job.read(0)?)
                    .detail(serde_json::json!({ "why": why })),
            );
        }
        let touched = sqlx::query(
            "UPDATE cases SET state = 'cancelled', closed_at = ?1 WHERE id = ?2 AND state IN ('open', 'held') \
             AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = ?2 AND state <> 'cancelled')",
        )
        .bind(self.now.ms())
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("cancelling a case"))?;
        let cancelled = touched.rows_affected() > 0;
        self.wipe_credential_of(case).await?;
        if cancelled {
            self.record(
                &Entry::new(EntryKind::CaseCancelled, by.clone())
                    .case(case)
                    .detail(serde_json::json!({ "why": why })),
            );
        }
        Ok(cancelled)
    }
}

fn ensure_undecided(hold: &Hold) -> Result<()> {
    match (&hold.decided_by, hold.decided_at) {
        (Some(by), Some(at)) => Err(StoreError::Refused(format!(
            "hold {} was {} by {by} at {at}",
            hold.id, hold.state
        ))),
        _ => Ok(()),
    }
}

async fn held_set(conn: &mut sqlx::SqliteConnection, id: i64) -> Result<HeldSet> {
    let sql = format!("{COLUMNS} WHERE h.id = ?");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(&mut *conn)
        .await
        .map_err(StoreError::sql("reading a hold"))?
        .ok_or(StoreError::NotFound { what: "hold", id })?;
    let mut gaps = Gaps::of(&row);
    let hold = hold_view(&mut gaps);
    let mut unreadable = Vec::from_iter(UnreadableRow::of_gaps("hold", &gaps));
    let rows = sqlx::query(
        "SELECT c.id, p.subject, c.reason, c.playbook, c.scope, \
                (SELECT min(held_due) FROM job j WHERE j.case_id = c.id), \
                (SELECT group_concat(j.target || ' ' || j.containment, char(10)) FROM job j WHERE j.case_id = c.id AND j.state = 'held') AS jobs \
         FROM cases c LEFT JOIN person p ON p.ref = c.subject_ref WHERE c.hold = $1 AND c.state = 'held' ORDER BY c.id",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::sql("listing what is held"))?;
    let mut reactivated = reactivations(conn, id).await?;
    let mut shown = Vec::new();
    let mut cases = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut gaps = Gaps::of(row);
        let (case, due): (i64, Option<i64>) = (gaps.read(0), gaps.read(5));
        // As bytes, so that no two sets are alike of which a text cannot be read.
        let (scope, jobs): (&[u8], Option<&[u8]>) = (gaps.read(4), gaps.read(6));
        shown.extend(format!("{case}\t").into_bytes());
        shown.extend(scope);
        shown.push(b'\t');
        shown.extend(jobs.unwrap_or_default());
        shown.extend(format!("\t{due:?}\n").into_bytes());
        let reactivated = reactivated.remove(&case).unwrap_or_default();
        // Whoever approved before that was said has decided about something else.
        for said in &reactivated {
            shown.extend(format!("active\t{}\t{}\n", said.source, said.at).into_bytes());
        }
        // Shown is neither, but without them nobody knows what is approved.
        for index in [4, 6] {
            gaps.text_if_any(index);
        }
        cases.push(HeldCase {
            case,
            subject: gaps.text_if_any(1),
            reason: gaps.text(2),
            playbook: gaps.text(3),
            due: due.map(Timestamp::from_ms),
            reactivated,
        });
        unreadable.extend(UnreadableRow::of_gaps("cases", &gaps));
    }
    let set = hex(&sha256(&shown)[..8]);
    Ok(HeldSet {
        hold,
        cases,
        set,
        unreadable,
    })
}

/// What sources have said since of those who wait under a hold.
async fn reactivations(conn: &mut sqlx::SqliteConnection, hold: i64) -> Result<BTreeMap<i64, Vec<Reactivation>>> {
    let rows = sqlx::query(
        "SELECT r.case_id, r.source, r.at FROM cases c JOIN reactivation r ON r.case_id = c.id \
         WHERE c.hold = ? AND c.state = 'held' ORDER BY r.case_id, r.source",
    )
    .bind(hold)
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading who is active again"))?;
    let mut said: BTreeMap<i64, Vec<Reactivation>> = BTreeMap::new();
    for row in &rows {
        let mut gaps = Gaps::of(row);
        said.entry(gaps.read(0)).or_default().push(Reactivation {
            source: gaps.text(1),
            at: gaps.time(2),
        });
    }
    Ok(said)
}

fn read_hold(row: &SqliteRow) -> Result<Hold> {
    let mut gaps = Gaps::of(row);
    let hold = hold_view(&mut gaps);
    gaps.whole(hold)
}

fn hold_view(row: &mut Gaps<'_>) -> Hold {
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
    }
}
