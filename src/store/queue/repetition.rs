//! Idempotency of deliveries: a signal, a row or a file that comes again is recognised and answered as the first time.

use revoked_trail::{Entry, EntryKind};

use super::decide::departure;
use crate::digest::{hex, sha256};
use crate::model::{Actor, CaseId, Delivery, DepartureStep, Signal, SignalReceipt, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// The name under which `source` has taken a file with these bytes last, and when. One that was rejected whole was not taken.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn file_taken_before(&self, source: &str, digest: &[u8; 32]) -> Result<Option<(String, Timestamp)>> {
        let row = sqlx::query(
            "SELECT name, received_at FROM batch INDEXED BY batch_by_digest \
             WHERE source = ? AND digest = ? AND (signals > 0 OR refused = 0) ORDER BY id DESC LIMIT 1",
        )
        .bind(source)
        .bind(digest.as_slice())
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for a file that was taken before"))?;
        row.map(|row| Ok((row.read(0)?, Timestamp::from_ms(row.read(1)?))))
            .transpose()
    }
}

impl Tx<'_> {
    /// What became of a signal with this key the first time, if there was one.
    pub(super) async fn find_repetition(&mut self, source: &str, signal: &Signal, again: bool) -> Result<Option<SignalReceipt>> {
        let row = sqlx::query("SELECT digest, case_id FROM signal WHERE source = ? AND key = ?")
            .bind(source)
            .bind(&signal.key)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a repetition"))?;
        let Some(row) = row else {
            return self.says_nothing_new(source, signal, again).await;
        };
        if row.read::<&[u8]>(0)? == signal.digest {
            return Ok(Some(SignalReceipt::Repeated {
                case: row.read::<Option<i64>>(1)?.map(CaseId),
            }));
        }
        let key = hex(&sha256(signal.key.as_bytes()));
        let detail = serde_json::json!({ "code": "same_key_other_content", "key_sha256": key, "sha256": hex(&signal.digest) });
        self.record(&Entry::new(EntryKind::SignalRejected, Actor::source(source)).detail(detail));
        let summary = format!("source {source} sent a signal under a key that it has used for another: a fault or an attack");
        self.raise_alert("replay_with_other_content", &format!("source:{source}"), &summary, None)
            .await?;
        Ok(Some(SignalReceipt::Conflict))
    }

    /// Whether a file with these bytes was taken before: then its rows say nothing new, whatever HR has said in between.
    pub(super) async fn is_repeated_file(&mut self, delivery: &Delivery) -> Result<bool> {
        let Some(digest) = &delivery.digest else { return Ok(false) };
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM batch INDEXED BY batch_by_digest WHERE source = ? AND digest = ? AND signals > 0)",
        )
        .bind(&delivery.source)
        .bind(digest.as_slice())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for a repetition"))
    }

    /// A row without a stamp of its own has another key in each file. It is a repetition where the file is one, and where it says what
    /// stands already; the same words after others are news.
    async fn says_nothing_new(&mut self, source: &str, signal: &Signal, again: bool) -> Result<Option<SignalReceipt>> {
        let Some(departure) = departure(signal) else { return Ok(None) };
        let stands = match signal.occurred_at {
            Some(_) => false,
            None => self.last_statement(source, departure).await?.0.as_deref() == Some(&signal.digest),
        };
        // Who is missing from a file is not what it says: the same bytes a day later are another proof.
        let again = again && !matches!(departure.step, DepartureStep::Vanished { .. });
        if !again && !stands {
            return Ok(None);
        }
        let case: Option<Option<i64>> =
            sqlx::query_scalar("SELECT case_id FROM departure WHERE source = ? AND employee = ? AND employment = ?")
                .bind(source)
                .bind(&departure.employee)
                .bind(&departure.employment)
                .fetch_optional(&mut *self.conn)
                .await
                .map_err(StoreError::sql("looking for a repetition"))?;
        Ok(Some(SignalReceipt::Repeated {
            case: case.flatten().map(CaseId),
        }))
    }
}
