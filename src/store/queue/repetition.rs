//! Idempotency of deliveries: a signal, a row or a file that comes again is recognised and answered as the first time.

use revoked_trail::{Entry, EntryKind};

use super::decide::{counts_as_departure, departure};
use super::rehearsed::rehearsal_key;
use crate::digest::{hex, sha256};
use crate::model::{Actor, CaseId, Delivery, DepartureStep, Signal, SignalReceipt, Timestamp};
use crate::policy::Mode;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError, Tx};

/// How many rows one statement looks up.
pub(super) const LOOKED_UP: usize = 500;

/// Whether a file with these bytes was taken, and not only in part.
const TAKEN: &str =
    "SELECT EXISTS (SELECT 1 FROM batch WHERE source = $1 AND digest = $2 AND unfinished = 0 AND rehearsed = 0 AND signals > 0)";

/// The places of the rows of a list, each with its key and, where it is about an employment, that and its digest, that are neither stored nor say
/// what stands.
const FRESH: &str = "SELECT n.key FROM json_each($2) n \
     WHERE NOT EXISTS (SELECT 1 FROM signal s WHERE s.source = $1 AND s.key = n.value ->> 0) \
     AND NOT EXISTS (SELECT 1 FROM employment e WHERE e.source = $1 AND e.employee = n.value ->> 1 AND e.employment = n.value ->> 2 \
                     AND lower(hex(e.statement)) = n.value ->> 3)";

/// The signals of a delivery: what became the first time of those that say nothing new, and the places of those that do.
pub(super) struct SeenSignals {
    pub(super) receipts: Vec<Option<SignalReceipt>>,
    pub(super) fresh: Vec<usize>,
}

impl Store {
    /// The name under which `source` has taken a file with these bytes last, and when. One that was rejected whole was not taken, nor is one
    /// that is stored in part.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn file_taken_before(&self, source: &str, digest: &[u8; 32]) -> Result<Option<(String, Timestamp)>> {
        let row = sqlx::query(
            "SELECT name, received_at FROM batch WHERE source = $1 AND digest = $2 AND unfinished = 0 AND (signals > 0 OR refused = 0) \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(source)
        .bind(digest.as_slice())
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for a file that was taken before"))?;
        row.map(|row| Ok((row.read(0)?, Timestamp::from_ms(row.read(1)?))))
            .transpose()
    }

    /// As [`Tx::is_repeated_file`], by reading alone.
    pub(super) async fn is_file_taken(&self, delivery: &Delivery) -> Result<bool> {
        sqlx::query_scalar(TAKEN)
            .bind(&delivery.source)
            .bind(delivery.digest.as_ref().map(<[u8; 32]>::as_slice))
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("looking for a file that was taken before"))
    }

    /// The batch of a file with these bytes that is stored in part, and how many departures were counted in it.
    pub(super) async fn unfinished_file(&self, delivery: &Delivery) -> Result<Option<(i64, usize)>> {
        let row = sqlx::query(
            "SELECT id, coalesce(departures, 0) FROM batch WHERE source = $1 AND digest = $2 AND unfinished = 1 ORDER BY id DESC LIMIT 1",
        )
        .bind(&delivery.source)
        .bind(delivery.digest.as_ref().map(<[u8; 32]>::as_slice))
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking for a file that is stored in part"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.read(0)?, usize::try_from(row.read::<i64>(1)?).unwrap_or(0))))
    }

    /// How many departures of a delivery count against its limit: neither repetitions nor moves. What [`Tx::find_repetitions`] and
    /// [`Tx::only_moves`] find one by one inside a transaction, in sets and outside of any.
    pub(super) async fn count_fresh_departures(&self, delivery: &Delivery, again: bool) -> Result<usize> {
        let counted: Vec<&Signal> = delivery
            .signals
            .iter()
            .filter(|signal| counts_as_departure(signal) && !(again && says_nothing_again(signal)))
            .collect();
        let mut fresh = 0;
        for portion in counted.chunks(LOOKED_UP) {
            let rows: serde_json::Value = portion.iter().map(|signal| looked_up(signal)).collect();
            let places: Vec<i64> = sqlx::query_scalar(FRESH)
                .bind(&delivery.source)
                .bind(rows.to_string())
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("counting the departures of a file"))?;
            let new: Vec<&Signal> = places
                .iter()
                .filter_map(|place| portion.get(usize::try_from(*place).ok()?).copied())
                .collect();
            fresh += new.len() - self.count_moves(&delivery.source, &new).await?;
        }
        Ok(fresh)
    }
}

impl Tx<'_> {
    /// Tells somebody of rows that say nothing new about departures which an operator has called off: their source still says that these people
    /// leave, and nothing follows from it. Once for each calling off, however often it is said. `again` is whether the file was taken before.
    pub(super) async fn note_called_off(&mut self, delivery: &Delivery, seen: &SeenSignals, again: bool) -> Result<()> {
        let said = seen.receipts.iter().zip(&delivery.signals);
        let said = said.filter(|(receipt, _)| matches!(receipt, Some(SignalReceipt::Repeated { .. })));
        let about: Vec<(&String, &String, String)> = said
            .filter_map(|(_, signal)| Some((departure(signal)?, signal)))
            .filter(|(departure, _)| matches!(departure.step, DepartureStep::Leave { .. }))
            .map(|(departure, signal)| (&departure.employee, &departure.employment, hex(&signal.digest)))
            .collect();
        if about.is_empty() {
            return Ok(());
        }
        let called_off = self
            .called_off_by_operators(&delivery.source, written("employments", &about)?, again)
            .await?;
        let Some(last) = called_off.last() else { return Ok(()) };
        let source = &delivery.source;
        for departure in &called_off {
            let detail = "an operator had called the departure off: nothing follows";
            self.add_step(*departure, &Actor::source(source), "said_again", Some(detail))
                .await?;
        }
        let who = match called_off.len() {
            1 => format!("departure {last} takes place, which an operator has called off"),
            count => format!("{count} departures take place that an operator has called off, the last of them {last}"),
        };
        let summary = format!(
            "source {source} says again that {who}: nothing follows, and access goes on; revoked departures show {last} says who called it off and why"
        );
        self.raise_alert("departure_called_off", &format!("source:{source}"), &summary, None)
            .await
    }

    /// Sorts the signals of a delivery into those that say nothing new and those that do. Repetitions don't count against a limit: a file that
    /// is delivered twice would trip it by itself.
    pub(super) async fn find_repetitions(&mut self, delivery: &Delivery, again: bool, mode: Mode) -> Result<SeenSignals> {
        let mut seen = SeenSignals {
            receipts: Vec::with_capacity(delivery.signals.len()),
            fresh: Vec::with_capacity(delivery.signals.len()),
        };
        for signal in &delivery.signals {
            let receipt = self.find_repetition(&delivery.source, signal, again, mode).await?;
            if receipt.is_none() {
                seen.fresh.push(seen.receipts.len());
            }
            seen.receipts.push(receipt);
        }
        Ok(seen)
    }

    /// What became of a signal with this key the first time, if there was one. What was only rehearsed comes again while its source rehearses.
    pub(super) async fn find_repetition(
        &mut self,
        source: &str,
        signal: &Signal,
        again: bool,
        mode: Mode,
    ) -> Result<Option<SignalReceipt>> {
        let rehearsed = (mode == Mode::Rehearse).then(|| rehearsal_key(&signal.key));
        let row = sqlx::query("SELECT digest, case_id FROM signal WHERE source = ? AND key IN (?, ?) ORDER BY id DESC LIMIT 1")
            .bind(source)
            .bind(&signal.key)
            .bind(rehearsed.as_ref().unwrap_or(&signal.key))
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
        sqlx::query_scalar(TAKEN)
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
        let repeated = stands || (again && says_nothing_again(signal));
        if !repeated {
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

/// A signal as it is looked up in a list: its key; where it is about an employment that, and its digest if that is what it is told from others by;
/// and its digest.
pub(super) fn looked_up(signal: &Signal) -> serde_json::Value {
    let about = departure(signal);
    let digest = hex(&signal.digest);
    // A statement with a stamp of its own is told from others by its key.
    let told_by = about.filter(|_| signal.occurred_at.is_none()).map(|_| &digest);
    let employee = about.map(|about| &about.employee);
    serde_json::json!([signal.key, employee, about.map(|about| &about.employment), told_by, digest])
}

/// Whether a row of a file that was taken before is a repetition by that alone. Who is missing from a file is not what it says: the same bytes a
/// day later are another proof.
pub(super) fn says_nothing_again(signal: &Signal) -> bool {
    departure(signal).is_some_and(|departure| !matches!(departure.step, DepartureStep::Vanished { .. }))
}
