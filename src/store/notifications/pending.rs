//! What is to be sent on a channel now, with the alerts as they stand.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;

use super::{Message, Sending, What};
use crate::model::Timestamp;
use crate::store::alerts::{alert, query};
use crate::store::columns::Columns as _;
use crate::store::{Alert, Listed, Result, Store, StoreError};

/// How many messages of a delivery are read; of the others it is told how many there are.
pub(super) const READ: i64 = 100;

impl Store {
    /// Up to `limit` deliveries of a channel that may be sent now: urgent ones first, then in order. What is told later in a thread waits for
    /// what is told before. A delivery that cannot be read is given up.
    ///
    /// # Errors
    /// Where the store cannot be read, or written where something is given up.
    pub async fn due_sendings(&self, channel: &str, limit: u32) -> Result<Vec<Sending>> {
        let rows = sqlx::query(
            "SELECT d.id, d.uid, d.recipient, d.bundle, d.attempts, d.created_at \
             FROM notify_delivery d INDEXED BY notify_delivery_pending WHERE d.channel = $1 AND d.state = 'pending' AND d.due <= $2 \
             AND NOT EXISTS (SELECT 1 FROM notify_delivery o WHERE o.channel = $1 AND o.state = 'pending' AND o.thread = d.thread \
                             AND o.recipient = d.recipient AND o.id < d.id) ORDER BY d.urgent DESC, d.id LIMIT $3",
        )
        .bind(channel)
        .bind(self.clock().now().ms())
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for deliveries that are due"))?;
        let due = Listed::read("notify_delivery", &rows, sending)?;
        for row in &due.unreadable {
            tracing::warn!(
                delivery = row.row,
                why = row.why,
                "a delivery to a channel cannot be read and is given up"
            );
            if let Ok(id) = row.row.parse() {
                self.give_up_unreadable(id).await?;
            }
        }
        let mut sendings = due.rows;
        for sending in &mut sendings {
            self.read_messages(sending).await?;
        }
        Ok(sendings)
    }

    /// What is open on a channel: told there, and not over. In deliveries that are in no row, of at most `READ` messages each.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_on(&self, channel: &str) -> Result<Vec<Sending>> {
        let sql = query(
            "WHERE a.cleared_at IS NULL AND EXISTS (SELECT 1 FROM notify_message m JOIN notify_delivery d ON d.bundle = m.bundle \
                    WHERE m.alert_id = a.id AND m.channel = $1 AND d.state = 'delivered') ORDER BY a.id",
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(channel)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what is open on a channel"))?;
        let alerts = Listed::read("alert", &rows, alert)?.rows;
        let now = self.clock().now();
        let portions = alerts.chunks(usize::try_from(READ).unwrap_or(usize::MAX));
        let sendings = portions.map(|portion| Sending {
            id: 0,
            uid: String::new(),
            recipient: String::new(),
            bundle: 0,
            attempts: 0,
            created_at: now,
            messages: portion
                .iter()
                .map(|alert| Message {
                    what: What::Again,
                    thread: format!("{}/{}", alert.kind, alert.key),
                    at: alert.last_at,
                    alert: Some(alert.clone()),
                    note: None,
                })
                .collect(),
            kinds: BTreeMap::new(),
        });
        Ok(sendings.collect())
    }

    async fn give_up_unreadable(&self, id: i64) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE notify_delivery SET state = 'given_up', finished_at = $1, error = 'its row cannot be read' WHERE id = $2",
                )
                .bind(tx.now.ms())
                .bind(id)
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("giving a delivery up"))?;
                Ok(())
            })
        })
        .await
    }

    async fn read_messages(&self, sending: &mut Sending) -> Result<()> {
        let chosen = "SELECT alert_id FROM notify_message WHERE bundle = $1 ORDER BY id LIMIT $2";
        let sql = query(&format!("WHERE a.id IN ({chosen})"));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sending.bundle)
            .bind(READ)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading the alerts of a delivery"))?;
        let alerts: BTreeMap<i64, Alert> = Listed::read("alert", &rows, alert)?
            .into_iter()
            .map(|alert| (alert.id, alert))
            .collect();
        let rows = sqlx::query(
            "SELECT id, what, thread, created_at, alert_id, why FROM notify_message WHERE bundle = $1 ORDER BY id LIMIT $2",
        )
        .bind(sending.bundle)
        .bind(READ)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the messages of a delivery"))?;
        sending.messages = Listed::read("notify_message", &rows, |row| message(row, &alerts))?.rows;
        let kinds = sqlx::query(
            "SELECT a.kind, count(*) FROM notify_message m JOIN alert a ON a.id = m.alert_id WHERE m.bundle = $1 GROUP BY a.kind",
        )
        .bind(sending.bundle)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("counting the messages of a delivery"))?;
        for row in &kinds {
            let count: i64 = row.read(1)?;
            if let Ok(kind) = row.lossy(0) {
                sending.kinds.insert(kind, count.unsigned_abs());
            }
        }
        Ok(())
    }
}

fn sending(row: &SqliteRow) -> Result<Sending> {
    Ok(Sending {
        id: row.read(0)?,
        uid: row.read(1)?,
        recipient: row.read(2)?,
        bundle: row.read(3)?,
        attempts: u32::try_from(row.read::<i64>(4)?).unwrap_or(u32::MAX),
        created_at: Timestamp::from_ms(row.read(5)?),
        messages: Vec::new(),
        kinds: BTreeMap::new(),
    })
}

fn message(row: &SqliteRow, alerts: &BTreeMap<i64, Alert>) -> Result<Message> {
    let (word, number): (String, Option<i64>) = (row.read(1)?, row.read(4)?);
    let alert = number.and_then(|id| alerts.get(&id)).cloned();
    let note = match (number, &alert) {
        (None, _) => (!row.is_null(5)).then(|| row.lossy(5)).transpose()?,
        (Some(id), None) => Some(format!("alert {id} cannot be read: revoked alert list")),
        (Some(_), Some(_)) => None,
    };
    Ok(Message {
        what: What::of_word(&word).unwrap_or(What::Raised),
        thread: row.read(2)?,
        at: Timestamp::from_ms(row.read(3)?),
        alert,
        note,
    })
}
