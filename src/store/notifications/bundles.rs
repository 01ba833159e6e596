//! What is due on a channel is put together, and a delivery is made of it for each recipient: committed before the first byte is sent.

use std::time::Duration;

use sqlx::sqlite::SqliteRow;

use super::{Gathering, What};
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError, Tx};

/// So many bundles a channel gets in a minute; what is over that becomes one more.
const A_MINUTE: usize = 5;
const MINUTE: Duration = Duration::from_mins(1);
/// How many messages one look binds at most: the next look takes the rest.
const MOST: i64 = 10_000;

/// A message that may be bound.
#[derive(Debug, Clone)]
struct Waiting {
    id: i64,
    what: What,
    thread: String,
    urgent: bool,
    is_due: bool,
    /// It says that nobody looks after an alert, and somebody does, or it is over.
    is_obsolete: bool,
}

impl Store {
    /// Binds what is due on a channel: a delivery for each of `recipients`. While it `is_quiet` what is not urgent goes on waiting. Answers how
    /// many bundles were made.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn bind_messages(
        &self,
        channel: &str,
        gathering: Gathering,
        (wait, is_quiet): (Duration, bool),
        recipients: &[String],
    ) -> Result<usize> {
        let any: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM notify_message INDEXED BY notify_message_waiting WHERE channel = $1 AND state = 'waiting' AND due <= $2 \
             AND (urgent OR NOT $3 OR what = 'trial') LIMIT 1",
        )
        .bind(channel)
        .bind(self.clock().now().ms())
        .bind(is_quiet)
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for messages that are due"))?;
        if any.is_none() {
            return Ok(0);
        }
        let (channel, recipients) = (channel.to_owned(), recipients.to_vec());
        self.write(move |tx| {
            Box::pin(async move {
                let waiting = tx.waiting_messages(&channel, wait).await?;
                let (gone, there): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|message| message.is_obsolete);
                tx.drop_obsolete(&gone).await?;
                let there = there
                    .into_iter()
                    .filter(|message| message.urgent || !is_quiet || message.what == What::Trial)
                    .collect();
                let room = A_MINUTE.saturating_add(1).saturating_sub(tx.bundled_lately(&channel).await?);
                let bundles = bundles(there, gathering, room);
                for bundle in &bundles {
                    tx.bind(&channel, bundle, &recipients).await?;
                }
                Ok(bundles.len())
            })
        })
        .await
    }
}

/// Puts together what is due. `room` is for how many bundles there is room in this minute; the last of them takes all that is left.
fn bundles(waiting: Vec<Waiting>, gathering: Gathering, room: usize) -> Vec<Vec<Waiting>> {
    let (trials, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|message| message.what == What::Trial);
    let mut bundles: Vec<Vec<Waiting>> = trials.into_iter().map(|trial| vec![trial]).collect();
    let waiting = if gathering == Gathering::Singly {
        // What ends something there ends it by its own name, so it is never summed up.
        let (needing, ending): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|message| message.what.needs_somebody());
        bundles.extend(
            ending
                .into_iter()
                .filter(|message| message.is_due)
                .map(|message| vec![message]),
        );
        needing
    } else {
        waiting
    };
    let (urgent, routine): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|message| message.urgent);
    let routine_is_due = routine.iter().any(|message| message.is_due);
    let due = |messages: Vec<Waiting>| messages.into_iter().filter(|message| message.is_due).collect::<Vec<_>>();
    let single = |messages: Vec<Waiting>| due(messages).into_iter().map(|message| vec![message]).collect::<Vec<_>>();
    let mut parts: Vec<Vec<Waiting>> = match gathering {
        Gathering::Each => {
            bundles.extend(single(urgent));
            bundles.extend(single(routine));
            return bundles;
        }
        Gathering::Sets(most) => {
            let mut all = due(urgent);
            all.extend(routine.into_iter().filter(|_| routine_is_due));
            bundles.extend(all.chunks(most.max(1)).map(<[Waiting]>::to_vec));
            return bundles;
        }
        Gathering::Singly => [single(urgent), single(routine)].concat(),
        Gathering::Together => {
            let mut parts = single(urgent);
            parts.extend(routine_is_due.then_some(routine));
            parts
        }
    };
    if parts.len() >= room.max(1) && parts.len() > 1 {
        let rest = parts.split_off(room.saturating_sub(1));
        parts.push(rest.into_iter().flatten().collect());
    }
    if room > 0 {
        bundles.append(&mut parts);
    }
    bundles
}

impl Tx<'_> {
    async fn waiting_messages(&mut self, channel: &str, wait: Duration) -> Result<Vec<Waiting>> {
        let now = self.now.ms();
        let rows = sqlx::query(
            "SELECT m.id, m.what, m.thread, m.urgent, m.due, \
                    m.what = 'reminder' AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.id = m.alert_id AND a.cleared_at IS NULL \
                                                        AND a.acknowledged_at IS NULL) \
             FROM notify_message m INDEXED BY notify_message_waiting \
             WHERE m.channel = $1 AND m.state = 'waiting' AND m.due <= $2 ORDER BY m.due, m.id LIMIT $3",
        )
        .bind(channel)
        .bind(self.now.plus(wait).ms())
        .bind(MOST)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for messages that are due"))?;
        let mut waiting = Vec::with_capacity(rows.len());
        for row in &rows {
            match message(row, now) {
                Ok(message) => waiting.push(message),
                Err(error) => self.drop_unreadable(row.read(0)?, &error).await?,
            }
        }
        Ok(waiting)
    }

    async fn drop_unreadable(&mut self, id: i64, error: &StoreError) -> Result<()> {
        tracing::warn!(message = id, %error, "a message about an alert cannot be read, and nobody is told of it");
        self.drop_one(id, "its row cannot be read").await
    }

    async fn drop_obsolete(&mut self, gone: &[Waiting]) -> Result<()> {
        for message in gone {
            self.drop_one(message.id, "somebody looks after it, or it is over").await?;
        }
        Ok(())
    }

    async fn drop_one(&mut self, id: i64, why: &str) -> Result<()> {
        sqlx::query("UPDATE notify_message SET state = 'dropped', why = ? WHERE id = ?")
            .bind(why)
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("dropping a message"))?;
        Ok(())
    }

    async fn bundled_lately(&mut self, channel: &str) -> Result<usize> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT d.bundle) FROM notify_delivery d WHERE d.channel = $1 AND d.created_at > $2 \
             AND NOT EXISTS (SELECT 1 FROM notify_message m WHERE m.bundle = d.bundle AND m.what = 'trial')",
        )
        .bind(channel)
        .bind(self.now.minus(MINUTE).ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("counting what was told lately"))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Makes the deliveries of one bundle, which has the number of its first message.
    async fn bind(&mut self, channel: &str, messages: &[Waiting], recipients: &[String]) -> Result<()> {
        let Some(first) = messages.first() else { return Ok(()) };
        let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
        let ids = written("the numbers of messages", &ids)?;
        sqlx::query("UPDATE notify_message SET state = 'bound', bundle = ? WHERE id IN (SELECT value FROM json_each(?))")
            .bind(first.id)
            .bind(&ids)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("binding messages"))?;
        for recipient in recipients {
            sqlx::query(
                "INSERT INTO notify_delivery (uid, channel, recipient, bundle, thread, urgent, due, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            )
            .bind(format!("msg_{}", uuid::Uuid::now_v7().simple()))
            .bind(channel)
            .bind(recipient)
            .bind(first.id)
            .bind((messages.len() == 1).then_some(&first.thread))
            .bind(messages.iter().any(|message| message.urgent))
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("making a delivery"))?;
        }
        Ok(())
    }
}

fn message(row: &SqliteRow, now: i64) -> Result<Waiting> {
    let word: String = row.read(1)?;
    Ok(Waiting {
        id: row.read(0)?,
        what: What::of_word(&word).ok_or_else(|| StoreError::Unreadable {
            column: "what".to_owned(),
            why: "it is no word that is known".to_owned(),
        })?,
        thread: row.read(2)?,
        urgent: row.read(3)?,
        is_due: row.read::<i64>(4)? <= now,
        is_obsolete: row.read(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(id: i64, urgent: bool, is_due: bool) -> Waiting {
        Waiting {
            id,
            what: What::Raised,
            thread: format!("hold/hold:{id}"),
            urgent,
            is_due,
            is_obsolete: false,
        }
    }

    fn sizes(bundles: &[Vec<Waiting>]) -> Vec<usize> {
        bundles.iter().map(Vec::len).collect()
    }

    #[test]
    fn urgent_ones_go_alone_up_to_five_and_the_rest_is_one() {
        let storm: Vec<_> = (0..5000).map(|id| waiting(id, true, true)).collect();
        assert_eq!(sizes(&bundles(storm.clone(), Gathering::Together, 6)), [1, 1, 1, 1, 1, 4995]);
        assert_eq!(sizes(&bundles(storm.clone(), Gathering::Singly, 2)), [1, 4999]);
        assert_eq!(sizes(&bundles(storm.clone(), Gathering::Singly, 1)), [5000]);
        assert!(bundles(storm.clone(), Gathering::Singly, 0).is_empty());
        assert_eq!(sizes(&bundles(storm[..5].to_vec(), Gathering::Together, 6)), [1; 5]);
        assert_eq!(bundles(storm, Gathering::Each, 0).len(), 5000);
    }

    #[test]
    fn what_ends_something_by_its_own_name_is_never_summed_up() {
        let over = (0..20).map(|id| Waiting {
            what: What::Over,
            ..waiting(id, true, true)
        });
        assert_eq!(bundles(over.collect(), Gathering::Singly, 0).len(), 20);
    }

    #[test]
    fn what_is_not_urgent_is_gathered_once_the_first_of_it_is_due() {
        let early = vec![waiting(1, false, false), waiting(2, true, true)];
        assert_eq!(sizes(&bundles(early, Gathering::Together, 6)), [1]);
        let due = vec![waiting(1, false, true), waiting(2, false, false), waiting(3, true, true)];
        assert_eq!(sizes(&bundles(due.clone(), Gathering::Together, 6)), [1, 2]);
        assert_eq!(sizes(&bundles(due, Gathering::Sets(2), 0)), [2, 1]);
    }
}
