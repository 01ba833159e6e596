//! Deliveries beside their signals: the file that one was, the parts that could not be read (quarantine), the source's cursor and alerts.

use revoked_trail::{Entry, EntryKind};

use crate::digest::{hex, sha256};
use crate::model::{Actor, Delivery, Refused, error_chain};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Records a delivery that was refused before it was read: its source, the protocol's word and the body's hash, never the body.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_rejection(&self, source: &str, code: &'static str, why: String, sent: Option<[u8; 32]>) -> Result<()> {
        let source = source.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let sent = sent.map(|digest| hex(&digest));
                tx.note_refusals(&source, code, 1).await?;
                tx.record(
                    &Entry::new(EntryKind::DeliveryRejected, Actor::source(source))
                        .detail(serde_json::json!({ "code": code, "why": why, "body_sha256": sent })),
                );
                Ok(())
            })
        })
        .await
    }

    /// Where a source reads on. One that cannot be read is none: what comes again is recognised.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn cursor(&self, source: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT cursor FROM cursor WHERE source = $1")
            .bind(source)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a cursor"))?;
        match row.map(|row| row.read(0)).transpose() {
            Err(error) if error.of_a_row().is_some() => {
                tracing::warn!(source, error = %error_chain(&error), "where a source reads on cannot be read; it reads from the beginning");
                Ok(None)
            }
            cursor => cursor,
        }
    }
}

impl Tx<'_> {
    pub(in crate::store) async fn insert_batch(&mut self, delivery: &Delivery, name: &str, rehearsed: bool) -> Result<i64> {
        let done = sqlx::query(
            "INSERT INTO batch (source, name, digest, signals, refused, received_at, rehearsed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&delivery.source)
        .bind(name)
        .bind(delivery.digest.as_ref().map(<[u8; 32]>::as_slice))
        .bind(i64::try_from(delivery.signals.len()).unwrap_or(i64::MAX))
        .bind(i64::try_from(delivery.refused.len()).unwrap_or(i64::MAX))
        .bind(delivery.received_at.ms())
        .bind(rehearsed)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a batch"))?;
        let id = done.last_insert_rowid();
        self.record_file(delivery, id);
        Ok(id)
    }

    /// Begins the batch of a file that is stored in portions, `departures` of which count against the limits. Until it is finished the file does
    /// not count as taken.
    pub(in crate::store) async fn begin_batch(&mut self, delivery: &Delivery, departures: usize, rehearsed: bool) -> Result<i64> {
        sqlx::query_scalar(
            "INSERT INTO batch (source, name, digest, signals, refused, received_at, unfinished, departures, rehearsed) \
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) RETURNING id",
        )
        .bind(&delivery.source)
        .bind(&delivery.name)
        .bind(delivery.digest.as_ref().map(<[u8; 32]>::as_slice))
        .bind(i64::try_from(delivery.signals.len()).unwrap_or(i64::MAX))
        .bind(i64::try_from(delivery.refused.len()).unwrap_or(i64::MAX))
        .bind(delivery.received_at.ms())
        .bind(i64::try_from(departures).unwrap_or(i64::MAX))
        .bind(rehearsed)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("beginning a batch"))
    }

    /// The last portion of a file is stored: it counts as taken.
    pub(in crate::store) async fn finish_batch(&mut self, delivery: &Delivery, batch: i64) -> Result<()> {
        sqlx::query("UPDATE batch SET unfinished = 0 WHERE id = $1")
            .bind(batch)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("finishing a batch"))?;
        self.record_file(delivery, batch);
        Ok(())
    }

    /// Records that a file was taken. One that was rejected whole was not: that it was put aside says its own entry.
    fn record_file(&mut self, delivery: &Delivery, batch: i64) {
        if rejected_whole(delivery).is_some() {
            return;
        }
        self.record(
            &Entry::new(EntryKind::FileAccepted, Actor::source(&delivery.source)).detail(serde_json::json!({
                "batch": batch, "sha256": delivery.digest.map(|digest| hex(&digest)), "signals": delivery.signals.len(),
                "refused": delivery.refused.len(),
            })),
        );
    }

    /// Records the parts that could not be read, and alerts once for all of them.
    pub(in crate::store) async fn record_unreadable_parts(&mut self, delivery: &Delivery, batch: Option<i64>) -> Result<()> {
        if delivery.refused.is_empty() {
            return Ok(());
        }
        let whole = rejected_whole(delivery);
        let named: Vec<_> = delivery
            .refused
            .iter()
            .take(100)
            .map(|part| serde_json::json!({ "place": part.place, "why": part.why }))
            .collect();
        self.record(
            &Entry::new(EntryKind::FileQuarantined, Actor::source(&delivery.source)).detail(serde_json::json!({
                "batch": batch, "sha256": delivery.digest.map(|digest| hex(&digest)), "refused": delivery.refused.len(), "parts": named,
                "whole": whole.is_some(),
            })),
        );
        // One alert a file, so that the name of none is lost. A file's name may be a person's, so the log goes without.
        let (summary, logged, key) = match (&delivery.name, &delivery.digest) {
            (None, _) => (
                told(delivery, "a delivery"),
                told(delivery, "a delivery"),
                format!("source:{}", delivery.source),
            ),
            (Some(name), digest) => {
                let (digest, logged) = match digest {
                    Some(digest) => (*digest, told(delivery, &format!("the file with the SHA-256 {}", hex(digest)))),
                    None => (sha256(name.as_bytes()), told(delivery, "a file")),
                };
                let key = format!("source:{}:file:{}", delivery.source, hex(&digest[..8]));
                (
                    told(delivery, &format!("the file {name:?}")) + &what_to_do(delivery),
                    logged,
                    key,
                )
            }
        };
        self.raise_alert_discreetly("quarantine", &key, &summary, &logged, None).await
    }

    /// Raises and clears the alerts that the source has decided on.
    pub(in crate::store) async fn raise_source_alerts(&mut self, delivery: &Delivery) -> Result<()> {
        for alarm in &delivery.alarms {
            let key = match &alarm.about {
                None => format!("source:{}", delivery.source),
                Some(about) => format!("source:{}:{about}", delivery.source),
            };
            match &alarm.summary {
                Some(summary) => self.raise_alert(alarm.kind.word(), &key, summary, None).await?,
                None => self.end_alert(alarm.kind.word(), &key).await?,
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn keep_cursor(&mut self, source: &str, cursor: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO cursor (source, cursor, at) VALUES (?1, ?2, ?3) ON CONFLICT (source) DO UPDATE SET cursor = ?2, at = ?3",
        )
        .bind(source)
        .bind(cursor)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a cursor"))?;
        Ok(())
    }
}

/// The most places that an alert names.
const MOST_PLACES: usize = 8;

/// What could not be read of a delivery, for the alert: where it stands, never what stands there, since an alert is kept for good.
fn told(delivery: &Delivery, what: &str) -> String {
    let source = &delivery.source;
    if let Some(part) = rejected_whole(delivery) {
        return format!(
            "source {source}: {what} was rejected whole, nothing in it was acted on: {}",
            part.why
        );
    }
    let count = delivery.refused.len();
    let part = match (delivery.put_aside.is_some(), count) {
        (true, 1) => "row",
        (true, _) => "rows",
        (false, 1) => "part",
        (false, _) => "parts",
    };
    let mut places: Vec<&str> = delivery
        .refused
        .iter()
        .take(MOST_PLACES)
        .map(|part| part.place.as_str())
        .collect();
    if count > MOST_PLACES {
        places.push("…");
    }
    let places = match &delivery.put_aside {
        Some(_) => format!(" ({})", places.join(", ")),
        None => String::new(),
    };
    format!("source {source}: {count} {part}{places} of {what} could not be read; what could not was put aside")
}

/// What somebody is to do about it, where the sender is told why.
fn what_to_do(delivery: &Delivery) -> String {
    let Some(put_aside) = &delivery.put_aside else {
        return String::new();
    };
    let then = if put_aside.over_by_itself {
        "this is over once rows that say the same were taken"
    } else {
        "then clear this"
    };
    format!("; read {}, mend, drop again; {then}", put_aside.reason)
}

/// Why nothing of a delivery was taken, where that is so.
fn rejected_whole(delivery: &Delivery) -> Option<&Refused> {
    delivery.refused.iter().find(|part| part.place == Refused::WHOLE)
}
