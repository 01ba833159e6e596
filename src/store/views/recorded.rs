//! Signals as they were recorded, to be run through another policy.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;

use crate::model::{Reason, Signal, Subject, Timestamp};
use crate::policy::Recorded;
use crate::store::columns::{Columns as _, time_at};
use crate::store::queue::asked_for::AskedFor;
use crate::store::{Result, Store, StoreError};

/// A recorded signal, and what was decided about it then.
#[derive(Debug, Clone)]
pub struct RecordedSignal {
    /// Its number.
    pub id: i64,
    /// Itself; `None` where the person was erased, or where it cannot be read.
    pub signal: Option<Recorded>,
    /// What was decided then: `act`, `hold`, `ignore` or `withdraw`; of a source that rehearsed, what would have been.
    pub decided: String,
    /// Whether all that it asked for is known: an earlier version kept only the reason.
    pub whole: bool,
}

const RECORDED: &str = "SELECT s.id, s.source, s.key, s.digest, p.subject, s.reason, s.requested_by, s.occurred_at, s.received_at, s.moves, s.asked, \
     coalesce(s.rehearsed, s.decision), s.batch FROM signal s LEFT JOIN person p ON p.ref = s.subject_ref \
     WHERE s.id > $1 AND s.received_at >= $2 ORDER BY s.id LIMIT $3";

impl Store {
    /// The signals since an instant behind the number `after`, in their order. What came together in one delivery has the same number.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn recorded_signals(&self, after: i64, since: Timestamp, limit: u32) -> Result<Vec<RecordedSignal>> {
        let rows = sqlx::query(RECORDED)
            .bind(after)
            .bind(since.ms())
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading recorded signals"))?;
        let mut signals: Vec<RecordedSignal> = rows
            .iter()
            .map(|row| read(row).or_else(|_| unread(row)))
            .collect::<Result<_>>()?;
        for recorded in signals.iter_mut().filter_map(|recorded| recorded.signal.as_mut()) {
            recorded.signal.subject = self.whom(&recorded.signal.subject).await?.0;
        }
        Ok(signals)
    }

    /// How many departures each delivery since an instant had, by its number: one of its own for each batch, and for what came alone at one moment.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn departures_of_deliveries(&self, since: Timestamp) -> Result<BTreeMap<(String, i64), usize>> {
        let rows = sqlx::query(
            "SELECT source, coalesce(batch, -received_at), count(*) FROM signal WHERE received_at >= $1 AND reason IN ('departed', 'suspended') \
             AND moves = 0 AND (asked IS NULL OR (asked ->> '$.scope' IS NULL AND coalesce(asked ->> '$.step', '') NOT IN ('rescind', 'rehire'))) \
             GROUP BY source, coalesce(batch, -received_at)",
        )
        .bind(since.ms())
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("counting the departures of deliveries"))?;
        rows.iter()
            .map(|row| {
                Ok((
                    (row.read(0)?, row.read(1)?),
                    usize::try_from(row.read::<i64>(2)?).unwrap_or(0),
                ))
            })
            .collect()
    }
}

fn read(row: &SqliteRow) -> Result<RecordedSignal> {
    let asked: Option<&str> = row.read(10)?;
    let received_at = Timestamp::from_ms(row.read(8)?);
    let known: Option<AskedFor> = asked.and_then(|text| serde_json::from_str(text).ok());
    let subject: Option<String> = text_if_any(row, 4)?;
    let subject: Option<Subject> = subject.and_then(|text| text.parse().ok());
    let reason = Reason::from_word(row.read(5)?);
    let digest: Option<[u8; 32]> = row.read::<&[u8]>(3)?.try_into().ok();
    let batch: Option<i64> = row.read(12)?;
    let whole = known.is_some();
    let asked = known.unwrap_or_default();
    let signal = subject.zip(reason).zip(digest);
    let requested_by: Option<String> = row.read(6)?;
    let occurred_at = time_at(row, 7)?;
    let (source, key): (String, String) = (row.read(1)?, row.read(2)?);
    let moves = row.read(9)?;
    let signal = signal.map(|((subject, reason), digest)| Recorded {
        source,
        signal: asked.onto(Signal {
            occurred_at,
            requested_by,
            ..Signal::new(key, digest, subject, reason)
        }),
        received_at,
        delivery: batch.unwrap_or(-received_at.ms()),
        delivery_departures: 0,
        unclear: asked.unclear,
        moves,
    });
    Ok(RecordedSignal {
        id: row.read(0)?,
        signal,
        decided: row.read(11)?,
        whole,
    })
}

/// One of which something cannot be read: it is not run.
fn unread(row: &SqliteRow) -> Result<RecordedSignal> {
    Ok(RecordedSignal {
        id: row.read(0)?,
        signal: None,
        decided: String::new(),
        whole: false,
    })
}

fn text_if_any(row: &SqliteRow, column: usize) -> Result<Option<String>> {
    if row.is_null(column) {
        Ok(None)
    } else {
        row.lossy(column).map(Some)
    }
}
