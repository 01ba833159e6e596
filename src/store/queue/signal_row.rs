//! The row of a new signal.

use super::rehearsed::rehearsal_key;
use crate::model::{Delivery, Signal, Timestamp};
use crate::policy::Decision;
use crate::store::{Result, StoreError, Tx};

/// A new signal with what policy has made of it.
pub(super) struct SignalRow<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) signal: &'a Signal,
    /// What stands for the name that it came with.
    pub(super) reference: &'a str,
    pub(super) batch: Option<i64>,
    pub(super) decided: &'a str,
    pub(super) why: Option<&'a str>,
    pub(super) moves: bool,
    /// What it asks for beyond its reason.
    pub(super) asked: &'a str,
    /// What would have been done, where its source rehearses.
    pub(super) would: Option<&'a Decision>,
}

impl Tx<'_> {
    /// Keeps a signal and answers its number.
    pub(super) async fn insert_signal(&mut self, row: &SignalRow<'_>) -> Result<i64> {
        let (signal, would) = (row.signal, row.would);
        let class = match would {
            Some(Decision::Hold { class, .. }) => Some(*class),
            _ => None,
        };
        let key = would.map(|_| rehearsal_key(&signal.key));
        let done = sqlx::query(
            "INSERT INTO signal (source, key, digest, subject_ref, reason, decision, why, batch, requested_by, note, occurred_at, received_at, \
                                 moves, asked, rehearsed, rehearsed_class, rehearsed_playbook) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&row.delivery.source)
        .bind(key.as_ref().unwrap_or(&signal.key))
        .bind(signal.digest.as_slice())
        .bind(row.reference)
        .bind(signal.reason.word())
        .bind(row.decided)
        .bind(row.why)
        .bind(row.batch)
        .bind(&signal.requested_by)
        .bind(&signal.note)
        .bind(signal.occurred_at.map(Timestamp::ms))
        .bind(row.delivery.received_at.ms())
        .bind(row.moves)
        .bind(row.asked)
        .bind(would.map(Decision::word))
        .bind(class)
        .bind(would.and_then(Decision::work).map(|work| &work.playbook))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a signal"))?;
        Ok(done.last_insert_rowid())
    }
}
