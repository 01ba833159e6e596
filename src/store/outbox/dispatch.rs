//! Dispatch of outbox events: which are due for a receiver, what became of an attempt, when it is retried, and when it is a dead letter.

use std::sync::Arc;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;
use tokio::sync::Notify;

use crate::model::{Actor, Timestamp};
use crate::statement::Receiver;
use crate::store::columns::{Columns as _, written};
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// An event in the outbox: a token on its way to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its name, for ever.
    pub jti: String,
    /// The event's word.
    pub event_type: String,
    /// The claims, to be signed as they stand.
    pub claims: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What became of an attempt to tell a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver acknowledged it.
    Delivered,
    /// The receiver refused it for good, with the protocol's code.
    Refused(String),
    /// It is to be tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// What went wrong.
        why: String,
    },
    /// It is not tried any more.
    GivenUp {
        /// What went wrong the last time.
        why: String,
    },
}

impl Store {
    /// From now on the closing of a case tells `receivers` what it proved. What waits for a receiver that is not among them is given up. To be
    /// called once, before the first attempt.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn set_receivers(&self, receivers: Vec<Receiver>) -> Result<()> {
        let names: Vec<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        let known = written("the receivers' names", &names)?;
        self.write(move |tx| Box::pin(async move { tx.dead_letter_unknown_receivers(&known).await }))
            .await?;
        // A second call has no effect: what is to be told is settled before anything closes.
        drop(self.0.receivers.set(receivers.into()));
        Ok(())
    }

    /// Whom the closing of a case tells.
    pub(in crate::store) fn receivers(&self) -> Arc<[Receiver]> {
        self.0.receivers.get().cloned().unwrap_or_default()
    }

    /// Wakes whoever tells receivers: a case has closed with something to say.
    #[must_use]
    pub fn wake_outbox(&self) -> Arc<Notify> {
        Arc::clone(&self.0.outbox)
    }

    /// Up to `limit` tokens for a receiver that may be sent now, the one that is due for longest first. One that cannot be read is given up,
    /// with an alert: it must not stand before the others for ever.
    ///
    /// # Errors
    /// Where the store cannot be read, or written where something is given up.
    pub async fn due_events(&self, receiver: &str, limit: u32) -> Result<Vec<OutboxEvent>> {
        let rows = sqlx::query(
            "SELECT id, jti, event, claims, attempts, created_at FROM outbox INDEXED BY outbox_pending \
             WHERE receiver = ? AND state = 'pending' AND due <= ? ORDER BY due, id LIMIT ?",
        )
        .bind(receiver)
        .bind(self.clock().now().ms())
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        let due = Listed::read("outbox", &rows, outbox_event)?;
        if !due.unreadable.is_empty() {
            let unreadable: Vec<(i64, String)> = due
                .unreadable
                .iter()
                .filter_map(|row| Some((row.row.parse().ok()?, row.why.clone())))
                .collect();
            self.write(move |tx| {
                Box::pin(async move {
                    for (id, why) in &unreadable {
                        tx.give_up_unreadable_token(*id, why).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(due.rows)
    }

    /// When the next token for a receiver is due.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_due_event(&self, receiver: &str) -> Result<Option<Timestamp>> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due) FROM outbox INDEXED BY outbox_pending WHERE receiver = ? AND state = 'pending'")
                .bind(receiver)
                .fetch_one(self.readers())
                .await
                .map_err(StoreError::sql("reading the outbox"))?;
        Ok(due.map(Timestamp::from_ms))
    }

    /// Records what became of tokens, by `jti`. What is not waiting for that receiver is passed over: an acknowledgement may come twice.
    /// Answers how many were.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_outcomes(&self, receiver: &str, outcomes: Vec<(String, DeliveryOutcome)>) -> Result<usize> {
        let receiver = receiver.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let mut touched = 0;
                for (jti, outcome) in &outcomes {
                    touched += usize::from(tx.record_outcome(&receiver, jti, outcome).await?);
                }
                Ok(touched)
            })
        })
        .await
    }

    /// Sends again, on an operator's word, what a receiver refused or what was given up. Answers how many.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn retry_events(&self, receiver: &str, by: Actor) -> Result<u64> {
        let receiver = receiver.to_owned();
        let count = self
            .write(move |tx| Box::pin(async move { tx.retry_events(&receiver, &by).await }))
            .await?;
        self.0.outbox.notify_waiters();
        Ok(count)
    }
}

impl Tx<'_> {
    async fn record_outcome(&mut self, receiver: &str, jti: &str, outcome: &DeliveryOutcome) -> Result<bool> {
        let (state, due, error) = match outcome {
            DeliveryOutcome::Delivered => ("delivered", None, None),
            DeliveryOutcome::Refused(code) => ("refused", None, Some(code)),
            DeliveryOutcome::Retry { due, why } => ("pending", Some(due.ms()), Some(why)),
            DeliveryOutcome::GivenUp { why } => ("dead", None, Some(why)),
        };
        let row = sqlx::query(
            "UPDATE outbox SET state = $1, due = $2, error = coalesce($3, error), attempts = min(attempts, 4294967295) + 1, \
                    claims = CASE WHEN $1 = 'delivered' THEN NULL ELSE claims END, finished_at = CASE WHEN $1 = 'pending' THEN NULL ELSE $4 END \
             WHERE receiver = $5 AND jti = $6 AND state = 'pending' RETURNING event, case_id, subject_ref, attempts",
        )
        .bind(state)
        .bind(due)
        .bind(error)
        .bind(self.now.ms())
        .bind(receiver)
        .bind(jti)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording what became of a token"))?;
        let Some(row) = row else { return Ok(false) };
        // What was done is recorded, whatever else stands in the row: an outcome that is lost is a token that is sent for ever.
        let (event, case, reference): (String, Option<i64>, Option<String>) =
            (row.lossy(0)?, row.read(1)?, row.read(2).ok().flatten());
        let attempts: i64 = row.read(3)?;
        let kind = match outcome {
            DeliveryOutcome::Delivered => EntryKind::StatementDelivered,
            DeliveryOutcome::Refused(_) => EntryKind::StatementRefused,
            DeliveryOutcome::Retry { .. } => EntryKind::StatementRetried,
            DeliveryOutcome::GivenUp { .. } => EntryKind::StatementGivenUp,
        };
        let mut entry = Entry::new(kind, Actor::Daemon).detail(serde_json::json!({
            "receiver": receiver, "jti": jti, "event": event, "attempts": attempts, "due": due, "error": error,
        }));
        entry.case = case;
        entry.subject_ref = reference;
        self.record(&entry);
        let key = format!("receiver:{receiver}");
        match outcome {
            DeliveryOutcome::Delivered => {
                self.end_alert("receiver_down", &key).await?;
                if !self.has_dead_letters(receiver).await? {
                    self.end_alert("receiver_refuses", &key).await?;
                }
            }
            DeliveryOutcome::Refused(code) => {
                let summary = format!(
                    "receiver {receiver} refuses what it is told ({code}); mend that, then run revoked transmitter retry {receiver}"
                );
                self.raise_alert("receiver_refuses", &key, &summary, case).await?;
            }
            DeliveryOutcome::GivenUp { why } => {
                let summary = format!(
                    "receiver {receiver} was not told in time ({why}); mend that, then run revoked transmitter retry {receiver}"
                );
                self.raise_alert("receiver_down", &key, &summary, case).await?;
            }
            DeliveryOutcome::Retry { .. } => {}
        }
        Ok(true)
    }

    /// Gives up a token whose row cannot be read, and says so. It changes as little of the row as it can.
    async fn give_up_unreadable_token(&mut self, id: i64, why: &str) -> Result<()> {
        let error = format!("the store's row of the token cannot be read: {why}");
        let row = sqlx::query(
            "UPDATE outbox SET state = 'dead', due = NULL, error = $2, finished_at = $3 WHERE id = $1 AND state = 'pending' \
             RETURNING receiver, jti, (SELECT c.id FROM cases c WHERE c.id = case_id)",
        )
        .bind(id)
        .bind(&error)
        .bind(self.now.ms())
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("giving up a token that cannot be read"))?;
        let Some(row) = row else { return Ok(()) };
        let (receiver, jti, case): (String, String, Option<i64>) = (row.lossy(0)?, row.lossy(1)?, row.read(2)?);
        let mut entry = Entry::new(EntryKind::StatementGivenUp, Actor::Daemon)
            .detail(serde_json::json!({ "receiver": receiver, "jti": jti, "error": error }));
        entry.case = case;
        self.record(&entry);
        let summary =
            format!("receiver {receiver} was not told in time ({error}); tell it by hand (revoked case show has what was proved)");
        self.raise_alert("receiver_down", &format!("receiver:{receiver}"), &summary, case)
            .await
    }

    /// Whether something that a receiver refused, or that was given up, is still to be decided.
    async fn has_dead_letters(&mut self, receiver: &str) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_stuck WHERE receiver = ? AND state IN ('refused', 'dead'))",
        )
        .bind(receiver)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for what a receiver refused"))
    }

    async fn retry_events(&mut self, receiver: &str, by: &Actor) -> Result<u64> {
        let rows = sqlx::query(
            "UPDATE outbox INDEXED BY outbox_stuck SET state = 'pending', due = ?1, finished_at = NULL, attempts = 0 \
             WHERE receiver = ?2 AND state IN ('refused', 'dead') RETURNING jti, event, case_id, subject_ref",
        )
        .bind(self.now.ms())
        .bind(receiver)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("sending again what a receiver refused"))?;
        for row in &rows {
            let (jti, event): (String, String) = (row.read(0)?, row.read(1)?);
            let mut entry = Entry::new(EntryKind::StatementQueued, by.clone()).detail(serde_json::json!({
                "receiver": receiver, "jti": jti, "event": event, "again": true,
            }));
            entry.case = row.read(2)?;
            entry.subject_ref = row.read(3)?;
            self.record(&entry);
        }
        Ok(rows.len() as u64)
    }

    /// Gives up what waits for a receiver that is not among `known`, a JSON list of names.
    async fn dead_letter_unknown_receivers(&mut self, known: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, receiver, jti FROM outbox WHERE state = 'pending' AND receiver NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(known)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for receivers that are gone"))?;
        for row in &rows {
            let why = "the receiver is not in the config any more".to_owned();
            match (row.read::<String>(1), row.read::<String>(2)) {
                (Ok(receiver), Ok(jti)) => {
                    self.record_outcome(&receiver, &jti, &DeliveryOutcome::GivenUp { why })
                        .await?;
                }
                _ => self.give_up_unreadable_token(row.read(0)?, &why).await?,
            }
        }
        Ok(())
    }

    /// Takes away handshakes that were over before `before`.
    pub(in crate::store) async fn prune_verifications(&mut self, age: Duration) -> Result<()> {
        sqlx::query("DELETE FROM outbox WHERE case_id IS NULL AND finished_at < ?")
            .bind(self.now.minus(age).ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking away old handshakes"))?;
        Ok(())
    }
}

fn outbox_event(row: &SqliteRow) -> Result<OutboxEvent> {
    Ok(OutboxEvent {
        jti: row.read(1)?,
        event_type: row.read(2)?,
        claims: row.read(3)?,
        attempts: u32::try_from(row.read::<i64>(4)?).unwrap_or(u32::MAX),
        created_at: Timestamp::from_ms(row.read(5)?),
    })
}
