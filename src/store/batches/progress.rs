//! How far a batch is, how fast it goes, and what of it has not ended.

use std::time::Duration;

use serde::Serialize;

use super::pause::BatchPause;
use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// How many of those that failed, or were rejected, are named.
const NAMED: i64 = 200;
/// Of how long the ends tell how fast it goes.
const LAST_MINUTES: Duration = Duration::from_mins(5);

/// How far a list is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct BatchProgress {
    /// How many people it is about.
    pub people: i64,
    /// How many of them nobody has looked at yet.
    pub new: i64,
    /// How many were rejected: no case came of them.
    pub rejected: i64,
    /// How many have a case that waits or is at work.
    pub unfinished: i64,
    /// The others by how their case stands.
    pub cases: Vec<BatchStanding>,
    /// Of those that were rejected or failed the first 200.
    pub troubled: Vec<BatchTrouble>,
    /// Of the unfinished those that wait for a decision.
    pub held: i64,
    /// Of the unfinished those that wait since the batch is paused.
    pub kept_back: i64,
    /// Who has paused it, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<BatchPause>,
    /// How fast it goes by what has ended in the last five minutes; absent where that says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<BatchPace>,
}

/// How fast a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct BatchPace {
    /// How many people a minute.
    pub per_minute: f64,
    /// How many seconds it takes at that rate until the rest has ended, without those that wait for a decision.
    pub left_s: i64,
}

/// So many people whose cases stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchStanding {
    /// The state of the case.
    pub state: String,
    /// What was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// How many.
    pub people: i64,
}

/// Somebody of a list about whom it did not go well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchTrouble {
    /// Whom, as it was written.
    pub subject: String,
    /// The request.
    pub request: i64,
    /// The case, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// Why it was rejected, or what was proved.
    pub why: String,
}

impl BatchProgress {
    /// How many have ended, however.
    #[must_use]
    pub const fn ended(&self) -> i64 {
        self.people - self.new - self.unfinished
    }

    /// How many of those that have ended were proved to be out: nothing is left, or nobody is there.
    #[must_use]
    pub fn proved(&self) -> i64 {
        self.verdict("contained") + self.verdict("no_principal")
    }

    /// How many cases have ended with that verdict.
    #[must_use]
    pub fn verdict(&self, verdict: &str) -> i64 {
        let of_it = self
            .cases
            .iter()
            .filter(|standing| standing.verdict.as_deref() == Some(verdict));
        of_it.map(|standing| standing.people).sum()
    }

    /// How many cases stand so.
    #[must_use]
    pub fn state(&self, state: &str) -> i64 {
        let of_it = self.cases.iter().filter(|standing| standing.state == state);
        of_it.map(|standing| standing.people).sum()
    }

    /// How many are at work, or wait for their turn.
    #[must_use]
    pub const fn at_work(&self) -> i64 {
        self.unfinished - self.held - self.kept_back
    }
}

impl Store {
    /// How far the list of that key is.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where there is none.
    pub async fn batch_progress(&self, key: &str) -> Result<BatchProgress> {
        let mut progress = self.batch_counts(key).await?;
        let rows = sqlx::query(
            "SELECT i.subject, i.id, c.id, coalesce(i.why, c.verdict, 'rejected') FROM inbox i LEFT JOIN cases c ON c.id = i.case_id \
             WHERE i.set_key = $1 AND (i.state = 'rejected' OR (c.state = 'closed' AND c.verdict = 'failed')) ORDER BY i.id LIMIT $2",
        )
        .bind(key)
        .bind(NAMED)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading how far a list is"))?;
        for row in &rows {
            progress.troubled.push(BatchTrouble {
                subject: row.lossy(0)?,
                request: row.read(1)?,
                case: row.read(2)?,
                why: row.lossy(3)?,
            });
        }
        Ok(progress)
    }

    /// The same, without whom it failed about.
    ///
    /// # Errors
    /// As [`Store::batch_progress`].
    pub async fn batch_counts(&self, key: &str) -> Result<BatchProgress> {
        let now = self.clock().now();
        let rows = sqlx::query(
            "SELECT i.state, c.state, CASE WHEN c.state = 'closed' THEN c.verdict END, k.case_id IS NOT NULL, count(*), \
                    count(*) FILTER (WHERE c.closed_at > $2 AND c.state = 'closed'), \
                    min(c.closed_at) FILTER (WHERE c.closed_at > $2 AND c.state = 'closed') \
             FROM inbox i LEFT JOIN cases c ON c.id = i.case_id LEFT JOIN paused_case k ON k.case_id = c.id \
             WHERE i.set_key = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        )
        .bind(key)
        .bind(now.minus(LAST_MINUTES).ms())
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading how far a list is"))?;
        let mut progress = BatchProgress::default();
        let (mut ends, mut first_end) = (0, None::<Timestamp>);
        for row in &rows {
            // What cannot be read of one is shown as it stands.
            let lossy = |index: usize| (!row.is_null(index)).then(|| row.lossy(index)).transpose();
            let (state, case, verdict, kept_back) = (row.lossy(0)?, lossy(1)?, lossy(2)?, row.read::<bool>(3)?);
            let people: i64 = row.read(4)?;
            ends += row.read::<i64>(5)?;
            first_end = first_end.into_iter().chain(time_at(row, 6).ok().flatten()).min();
            progress.people += people;
            match (state.as_str(), case) {
                ("new", _) => progress.new += people,
                ("rejected", _) | (_, None) => progress.rejected += people,
                (_, Some(state)) => {
                    match state.as_str() {
                        "held" => progress.held += people,
                        "open" if kept_back => progress.kept_back += people,
                        _ => {}
                    }
                    if matches!(state.as_str(), "open" | "held") {
                        progress.unfinished += people;
                    }
                    match progress.cases.last_mut() {
                        Some(last) if last.state == state && last.verdict == verdict => last.people += people,
                        _ => progress.cases.push(BatchStanding { state, verdict, people }),
                    }
                }
            }
        }
        if progress.people == 0 {
            return Err(StoreError::Refused(
                "there is no such batch, or it was over long ago".to_owned(),
            ));
        }
        progress.paused = sqlx::query("SELECT at, by, note FROM batch_pause WHERE set_key = $1")
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading whether a batch is paused"))?
            .map(|row| BatchPause::read(&row, 0));
        if progress.paused.is_none() {
            progress.pace = pace(
                progress.at_work() + progress.new,
                ends,
                first_end.map(|first| now.since(first)),
            );
        }
        Ok(progress)
    }

    /// The cases of a list that wait or are at work.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unfinished_of_batch(&self, key: &str) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT DISTINCT c.id FROM inbox i JOIN cases c ON c.id = i.case_id WHERE i.set_key = $1 AND c.state IN ('open', 'held') ORDER BY c.id",
        )
        .bind(key)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading what of a list has not ended"))
    }
}

/// How fast `ends` people were, of whom the first ended that long ago, and how long `left` more take. One end says nothing of how long the next takes.
fn pace(left: i64, ends: i64, since_first: Option<Duration>) -> Option<BatchPace> {
    let seconds = since_first?.as_secs_f64();
    if left < 1 || ends < 2 || seconds < 1.0 {
        return None;
    }
    let per_second = (f64::from(u32::try_from(ends).ok()?) - 1.0) / seconds;
    let left = f64::from(u32::try_from(left).ok()?) / per_second;
    #[expect(clippy::cast_possible_truncation, reason = "a float becomes an integer in its range")]
    let left_s = left.ceil() as i64;
    Some(BatchPace {
        per_minute: (per_second * 600.0).round() / 10.0,
        left_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_where_two_have_ended_and_falls_while_nobody_does() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pace(10, 0, None), None);
        assert_eq!(pace(10, 1, after(5)), None, "one end tells no rate");
        assert_eq!(pace(0, 9, after(5)), None, "nothing is left");
        let quick = pace(30, 31, after(60)).unwrap();
        assert!(
            (quick.per_minute - 30.0).abs() < f64::EPSILON && quick.left_s == 60,
            "{quick:?}"
        );
        let slower = pace(30, 31, after(120)).unwrap();
        assert!(
            (slower.per_minute - 15.0).abs() < f64::EPSILON && slower.left_s == 120,
            "{slower:?}"
        );
    }
}
