//! The lanes of the targets: which are paused, what waits at each, and since when.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// How far ahead a repeated attempt is looked for: longer than any pause between two of them.
pub(super) const REPEATED_WITHIN: std::time::Duration = std::time::Duration::from_hours(4);

/// How the lane of one target is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LaneView {
    /// The target.
    pub target: String,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Why it is paused.
    pub paused_why: Option<String>,
    /// When its limiter next allows a call, as it was kept last.
    pub next_permit_at: Option<Timestamp>,
    /// Jobs that wait for a place.
    pub waiting: i64,
    /// Jobs at work.
    pub running: i64,
    /// How many of those are sweeps, which no case waits for.
    pub sweeping: i64,
    /// Jobs that were tried and wait for their next attempt.
    pub repeating: i64,
    /// When the first of those is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// Since when the oldest of all these could have been done.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// The lanes that are known here, by target: those that are or were at work, and those that something waits at.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn lanes(&self) -> Result<Vec<LaneView>> {
        let doing = || StoreError::sql("reading the lanes");
        let mut conn = self.readers().begin().await.map_err(doing())?;
        let mut lanes: BTreeMap<String, LaneView> = BTreeMap::new();
        let rows = sqlx::query("SELECT target, paused_at, paused_why, next_permit_at FROM lane ORDER BY target")
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
        for row in &rows {
            let lane = lane(&mut lanes, row.lossy(0)?);
            // What stands there is told on, and whatever it is, it says that the lane is paused.
            if !row.is_null(1) || !row.is_null(2) {
                lane.paused_at = time_at(row, 1).ok().flatten();
                lane.paused_why = Some(row.lossy(2)?);
            }
            lane.next_permit_at = time_at(row, 3).ok().flatten();
        }
        // By the index of the lists alone, however long the queue is.
        let rows = sqlx::query(
            "SELECT target, state, count(*), min(id) FROM job WHERE id > 0 AND state IN ('queued', 'running') GROUP BY state, target",
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(doing())?;
        let mut oldest = Vec::new();
        for row in &rows {
            let lane = lane(&mut lanes, row.lossy(0)?);
            let count = row.read(2).unwrap_or_default();
            match row.lossy(1)?.as_str() {
                "queued" => lane.waiting = count,
                _ => lane.running = count,
            }
            oldest.push((lane.target.clone(), row.read::<i64>(3).unwrap_or_default()));
        }
        // As many as there are slots at most.
        let rows =
            sqlx::query("SELECT target, count(*) FROM job WHERE id > 0 AND state = 'running' AND kind = 'watch' GROUP BY target")
                .fetch_all(&mut *conn)
                .await
                .map_err(doing())?;
        for row in &rows {
            lane(&mut lanes, row.lossy(0)?).sweeping = row.read(1).unwrap_or_default();
        }
        let until = self.clock().now().plus(REPEATED_WITHIN);
        let rows = sqlx::query(
            "SELECT target, count(*), min(id), min(due) FROM job WHERE state = 'scheduled' AND due < $1 AND kind <> 'watch' \
             AND evidence IS NOT NULL GROUP BY target",
        )
        .bind(until.ms())
        .fetch_all(&mut *conn)
        .await
        .map_err(doing())?;
        for row in &rows {
            let lane = lane(&mut lanes, row.lossy(0)?);
            lane.repeating = row.read(1).unwrap_or_default();
            lane.next_attempt_at = time_at(row, 3).ok().flatten();
            oldest.push((lane.target.clone(), row.read::<i64>(2).unwrap_or_default()));
        }
        for (target, job) in oldest {
            // A planned departure waits for its day, and for its target only from then on.
            let since = sqlx::query(
                "SELECT max(created_at, coalesce((SELECT max(acts_at) FROM departure WHERE case_id = job.case_id), 0)) FROM job WHERE id = $1",
            )
            .bind(job)
            .fetch_optional(&mut *conn)
            .await
            .map_err(doing())?;
            let since = since.and_then(|row| time_at(&row, 0).ok().flatten());
            let lane = lane(&mut lanes, target);
            lane.oldest = [lane.oldest, since].into_iter().flatten().min();
        }
        Ok(lanes.into_values().collect())
    }
}

fn lane(lanes: &mut BTreeMap<String, LaneView>, target: String) -> &mut LaneView {
    lanes.entry(target.clone()).or_insert_with(|| LaneView {
        target,
        ..LaneView::default()
    })
}
