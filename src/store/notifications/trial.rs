//! A trial of a channel, on an operator's word: a message without an alert, tried once.

use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// What came of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialOutcome {
    /// Deliveries that were taken.
    pub taken: Vec<String>,
    /// Deliveries that came to nothing: to whom, and why.
    pub refused: Vec<(String, String)>,
    /// Deliveries that wait.
    pub waiting: usize,
}

impl Store {
    /// Has a trial sent on a channel, with this sentence. Answers its number.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn try_channel(&self, channel: &str, sentence: String) -> Result<i64> {
        let channel = channel.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query_scalar(
                    "INSERT INTO notify_message (channel, thread, what, urgent, due, created_at, why) \
                     VALUES ($1, 'alert_test/' || $1, 'trial', 1, $2, $2, $3) RETURNING id",
                )
                .bind(&channel)
                .bind(tx.now.ms())
                .bind(sentence)
                .fetch_one(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("trying a channel"))
            })
        })
        .await
    }

    /// What has come of a trial so far.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn outcome_of_trial(&self, trial: i64) -> Result<TrialOutcome> {
        // A bundle has the number of its first message, and a trial is alone.
        let rows = sqlx::query("SELECT recipient, state, error FROM notify_delivery WHERE bundle = ? ORDER BY id")
            .bind(trial)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking what came of a trial"))?;
        let mut outcome = TrialOutcome::default();
        for row in &rows {
            let (recipient, state): (String, String) = (row.lossy(0)?, row.lossy(1)?);
            match state.as_str() {
                "pending" => outcome.waiting += 1,
                "delivered" => outcome.taken.push(recipient),
                _ => outcome.refused.push((recipient, row.lossy(2).unwrap_or_default())),
            }
        }
        outcome.waiting += usize::from(rows.is_empty());
        Ok(outcome)
    }

    /// Takes back trials that nobody has begun.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn take_back_trials(&self, trials: Vec<i64>) -> Result<()> {
        let trials = written("the numbers of trials", &trials)?;
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE notify_message SET state = 'dropped', why = 'nobody waits for it any more' \
                     WHERE state = 'waiting' AND what = 'trial' AND id IN (SELECT value FROM json_each(?))",
                )
                .bind(trials)
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("taking trials back"))?;
                Ok(())
            })
        })
        .await
    }
}
