//! A delivery becomes signals, cases, jobs, holds and trail entries in one transaction, before its sender is told yes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use revoked_trail::{Entry, EntryKind};

use super::hold_signal::Placed;
use super::open_case::NewCase;
use crate::digest::{hex, sha256};
use crate::model::{
    Actor, CaseId, Delivery, Departure, DepartureStep, Disposition, Reason, Receipt, Scope, Signal, SignalReceipt, Subject,
    Timestamp, When,
};
use crate::policy::{Class, Decision, Facts, Policy, STAYS};
use crate::statement::Receiver;
use crate::store::columns::Columns as _;
use crate::store::departures::concurrent_employments::BLOCKED;
use crate::store::departures::employments::departure;
use crate::store::sources::leaked_credentials::Sealed;
use crate::store::{Claim, Result, Store, StoreError, Tx};

/// What is only kept, and yet somebody must know: the source will be silent, or an identifier has changed hands. The source's word of why
/// begins with one of these, which is also the kind of the alert.
pub const SOURCE_TROUBLE: [&str; 4] = [
    "stream_stopped",
    "opt_out_effective",
    "identifier_recycled",
    "discarded_critical_subject",
];

/// What came of accepting a delivery.
#[derive(Debug, Default)]
pub struct Accepted {
    /// For the sender.
    pub receipt: Receipt,
    /// Urgent jobs that were born claimed, since the lane had offered a slot: no further commit stands before their first read.
    pub claims: Vec<Claim>,
}

impl Store {
    /// Stores a delivery and everything that follows from it. `slots` names the lanes that keep a slot free for one urgent job.
    ///
    /// # Errors
    /// Where the store cannot be written: nothing of the delivery is stored then.
    pub async fn accept(&self, policy: Arc<Policy>, mut delivery: Delivery, slots: Vec<String>) -> Result<Accepted> {
        let receivers = self.receivers();
        let mut sealed = BTreeMap::new();
        for signal in &mut delivery.signals {
            // What names one session or token may be its secret, pasted by mistake.
            signal.scope = std::mem::take(&mut signal.scope).without_values();
            if let Some(value) = signal.leaked.take() {
                let value = self.seal(&value.0)?;
                sealed.insert(value.digest.clone(), value);
            }
        }
        let (accepted, targets, told) = self
            .write(move |tx| {
                Box::pin(async move {
                    let mut intake = Intake {
                        sealed,
                        policy: &policy,
                        receivers: &receivers,
                        told: false,
                        slots,
                        holds: Placed::default(),
                        targets: Vec::new(),
                        claims: Vec::new(),
                    };
                    let receipt = tx.accept(&mut intake, &delivery).await?;
                    Ok((
                        Accepted {
                            receipt,
                            claims: intake.claims,
                        },
                        intake.targets,
                        intake.told,
                    ))
                })
            })
            .await?;
        if told {
            self.wake_outbox().notify_waiters();
        }
        self.wake_lanes(&targets);
        self.0.promoter.notify_one();
        Ok(accepted)
    }

    /// Records a delivery that was refused before it was read: its source, the protocol's word and the body's hash, never the body.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn refuse(&self, source: &str, code: &'static str, why: String, sent: Option<[u8; 32]>) -> Result<()> {
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

    /// The name under which `source` has taken a file with these bytes last, and when. One that was rejected whole was not taken.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn taken(&self, source: &str, digest: &[u8; 32]) -> Result<Option<(String, Timestamp)>> {
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

    /// Where a source reads on.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn cursor(&self, source: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT cursor FROM cursor WHERE source = ?")
            .bind(source)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading a cursor"))
    }
}

/// What one delivery carries through its transaction.
pub(in crate::store) struct Intake<'a> {
    /// Credentials that have leaked, encrypted, by what stands for them.
    sealed: BTreeMap<String, Sealed>,
    pub(in crate::store) policy: &'a Policy,
    /// Whom a case that has just been contained is told to, where a signal joins it.
    pub(in crate::store) receivers: &'a [Receiver],
    /// Whether there is something to tell.
    pub(in crate::store) told: bool,
    /// Lanes that offer a slot to an urgent job.
    pub(in crate::store) slots: Vec<String>,
    /// The holds that its signals came under.
    pub(in crate::store) holds: Placed,
    /// Lanes to wake after the commit.
    pub(in crate::store) targets: Vec<String>,
    /// Jobs that were born claimed.
    pub(in crate::store) claims: Vec<Claim>,
}

impl Tx<'_> {
    async fn accept(&mut self, intake: &mut Intake<'_>, delivery: &Delivery) -> Result<Receipt> {
        let again = self.is_repeated(delivery).await?;
        let batch = match &delivery.name {
            Some(name) => Some(self.batch(delivery, name).await?),
            None => None,
        };
        // First of all: a signal of the same delivery may use a name that only this delivery links.
        self.keep_identities(delivery).await?;
        self.keep_employments(delivery).await?;
        // Repetitions don't count against a limit: a file that is delivered twice would trip it by itself.
        let mut fresh = Vec::with_capacity(delivery.signals.len());
        let mut receipts = Vec::with_capacity(delivery.signals.len());
        for signal in &delivery.signals {
            let seen = self.seen(&delivery.source, signal, again).await?;
            if seen.is_none() {
                fresh.push(receipts.len());
            }
            receipts.push(seen);
        }
        // Said again, it would take the name from whom an operator has linked it to since.
        if !fresh.is_empty() || delivery.signals.is_empty() {
            self.keep_renamed(delivery).await?;
        }
        for subject in &delivery.active {
            let whose = self.whose(subject).await?;
            self.reactivated(&delivery.source, whose.own().names(), None).await?;
        }
        let mut facts = Facts {
            source: &delivery.source,
            delivery_departures: fresh.iter().filter(|n| leaves(&delivery.signals[**n])).count(),
            recent_departures: self.recent(delivery, &fresh, Class::Departures).await?,
            recent_compromises: self.recent(delivery, &fresh, Class::Compromises).await?,
            unclear: false,
            now: self.now,
        };
        let mut keys = BTreeSet::new();
        for n in fresh {
            // A key that stands twice in one delivery is stored by its first row and seen by the second.
            let signal = &delivery.signals[n];
            let twice = !keys.insert(&signal.key);
            let seen = if twice {
                self.seen(&delivery.source, signal, again).await?
            } else {
                None
            };
            let receipt = match seen {
                Some(seen) => seen,
                None => self.take(intake, delivery, signal, batch, &mut facts).await?,
            };
            receipts[n] = Some(receipt);
        }
        let signals: Vec<SignalReceipt> = receipts.into_iter().flatten().collect();
        for (row, receipt) in delivery.inbox.iter().zip(&signals) {
            self.answer_request(*row, receipt).await?;
        }
        if let Some(cursor) = &delivery.cursor {
            self.keep_cursor(&delivery.source, cursor).await?;
        }
        self.refused(delivery, batch).await?;
        self.keep_state_changes(delivery).await?;
        self.alarms(delivery).await?;
        let receipt = Receipt {
            signals,
            hold: intake.holds.first(),
        };
        self.note_delivery(delivery, &receipt).await?;
        Ok(receipt)
    }

    /// What became of a signal with this key the first time, if there was one.
    async fn seen(&mut self, source: &str, signal: &Signal, again: bool) -> Result<Option<SignalReceipt>> {
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
        self.raise("replay_with_other_content", &format!("source:{source}"), &summary, None)
            .await?;
        Ok(Some(SignalReceipt::Conflict))
    }

    /// Whether a file with these bytes was taken before: then its rows say nothing new, whatever HR has said in between.
    async fn is_repeated(&mut self, delivery: &Delivery) -> Result<bool> {
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
            None => self.last_word(source, departure).await?.0.as_deref() == Some(&signal.digest),
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

    /// How many signals of a class were acted on within its window; not counted where the delivery has none of that class.
    async fn recent(&mut self, delivery: &Delivery, fresh: &[usize], class: Class) -> Result<usize> {
        if !fresh.iter().any(|n| Class::of(delivery.signals[*n].reason) == Some(class)) {
            return Ok(0);
        }
        let reasons: Vec<&str> = class.reasons().map(Reason::word).collect();
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM signal INDEXED BY signal_window \
             WHERE source = ? AND reason IN (SELECT value FROM json_each(?)) AND received_at > ? AND decision = 'act'",
        )
        .bind(&delivery.source)
        .bind(serde_json::to_string(&reasons).unwrap_or_default())
        .bind(self.now.minus(class.window()).ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("counting recent signals"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Stores a new signal and what policy makes of it.
    async fn take(
        &mut self,
        intake: &mut Intake<'_>,
        delivery: &Delivery,
        signal: &Signal,
        batch: Option<i64>,
        facts: &mut Facts<'_>,
    ) -> Result<SignalReceipt> {
        let whose = self.whose(&signal.subject).await?;
        let said = self.reference(&whose.said).await?;
        // The end of one record of somebody who stays is shown by that record's names.
        let reference = if whose.anchor == whose.said || matches!(signal.disposition, Disposition::Stays(_)) {
            said.clone()
        } else {
            self.reference(&whose.anchor).await?
        };
        // Policy is asked about the person, not about the name that this source happens to use.
        facts.unclear = whose.unclear;
        let person = Signal {
            subject: whose.names.clone(),
            ..signal.clone()
        };
        let (decision, blocked) = self.decide(intake, delivery, signal, &person, facts, &reference).await?;
        let (decided, why) = match &decision {
            Decision::Act(_) => ("act", None),
            Decision::Hold { why, .. } => ("hold", Some(why.clone())),
            Decision::Ignore { why } => ("ignore", Some(why.clone())),
            Decision::Withdraw => ("withdraw", None),
        };
        let id = self
            .keep_signal(delivery, signal, &said, batch, decided, why.as_deref())
            .await?;
        if let Subject::Credential(digest) = &signal.subject
            && matches!(decided, "act" | "hold")
            && let Some(value) = intake.sealed.get(digest)
        {
            self.keep_sealed(value).await?;
        }
        let new = NewCase {
            delivery,
            signal,
            reference: &reference,
            whose: &whose,
            batch,
            signal_id: id,
            held: match (&blocked, &decision) {
                (Some(why), _) => Some((BLOCKED.0, why)),
                (None, Decision::Hold { class, why, .. }) => Some((class, why)),
                _ => None,
            },
        };
        let receipt = match decision.clone() {
            Decision::Ignore { why } => {
                let why = match signal.reason {
                    Reason::Reactivated => self.take_back(&new, why).await?,
                    _ => why,
                };
                self.record(&new.entry(EntryKind::SignalIgnored).detail(serde_json::json!({
                    "signal": id, "reason": signal.reason.word(), "why": why, "key_sha256": hex(&sha256(signal.key.as_bytes())),
                })));
                if let Some(kind) = SOURCE_TROUBLE.iter().find(|kind| why.starts_with(**kind)) {
                    let summary = format!("source {} says {why}", delivery.source);
                    self.raise(kind, &format!("source:{}", delivery.source), &summary, None)
                        .await?;
                }
                return Ok(SignalReceipt::Ignored { why });
            }
            Decision::Withdraw => self.withdraw(&new).await?,
            Decision::Act(work) => {
                match Class::of(signal.reason) {
                    Some(Class::Departures) => facts.recent_departures += 1,
                    Some(Class::Compromises) => facts.recent_compromises += 1,
                    None => {}
                }
                let case = self.open_case(intake, &new, &work, None).await?;
                self.overtake(&new, case).await?;
                SignalReceipt::Accepted { case, held: false }
            }
            Decision::Hold { class, why, work } => {
                let case = self.hold_signal(intake, &new, (class, &why), &work).await?;
                if class != STAYS {
                    self.overtake(&new, case).await?;
                }
                SignalReceipt::Accepted { case, held: true }
            }
        };
        if let Some(departure) = departure(signal) {
            self.keep_statement(delivery, signal, departure).await?;
            self.weigh(&delivery.source, &departure.employee, new.reference).await?;
        }
        Ok(receipt)
    }

    /// Policy's decision, and what HR's other words about the same person make of it: with why a departure is blocked, where it is.
    async fn decide(
        &mut self,
        intake: &Intake<'_>,
        delivery: &Delivery,
        signal: &Signal,
        person: &Signal,
        facts: &Facts<'_>,
        reference: &str,
    ) -> Result<(Decision, Option<String>)> {
        let decision = intake.policy.decide(person, facts);
        let Some(departure) = departure(signal) else {
            return Ok((decision, None));
        };
        let last = self.last_word(&delivery.source, departure).await?.1;
        if signal.occurred_at.zip(last).is_some_and(|(at, last)| at < last) {
            let why = "HR has said something newer about this employment".to_owned();
            return Ok((Decision::Ignore { why }, None));
        }
        if matches!(departure.step, DepartureStep::Vanished { .. }) && self.is_known_to_end(&delivery.source, departure).await? {
            let why = "the end of this employment is known already".to_owned();
            return Ok((Decision::Ignore { why }, None));
        }
        let Decision::Act(mut work) = decision else {
            return Ok((decision, None));
        };
        if let Some(why) = self.what_blocks(&delivery.source, departure, &signal.subject).await? {
            let held = Decision::Hold {
                class: BLOCKED.0,
                why: BLOCKED.1.to_owned(),
                work,
            };
            return Ok((held, Some(why)));
        }
        // Who has another employment that ends later leaves then.
        let latest = self.latest_end(&delivery.source, departure, reference).await?;
        work.due = work.due.max(latest.filter(|latest| *latest > self.now));
        Ok((Decision::Act(work), None))
    }

    async fn keep_signal(
        &mut self,
        delivery: &Delivery,
        signal: &Signal,
        reference: &str,
        batch: Option<i64>,
        decision: &str,
        why: Option<&str>,
    ) -> Result<i64> {
        let done = sqlx::query(
            "INSERT INTO signal (source, key, digest, subject_ref, reason, decision, why, batch, requested_by, note, occurred_at, received_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&delivery.source)
        .bind(&signal.key)
        .bind(signal.digest.as_slice())
        .bind(reference)
        .bind(signal.reason.word())
        .bind(decision)
        .bind(why)
        .bind(batch)
        .bind(&signal.requested_by)
        .bind(&signal.note)
        .bind(signal.occurred_at.map(crate::model::Timestamp::ms))
        .bind(delivery.received_at.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a signal"))?;
        Ok(done.last_insert_rowid())
    }

    async fn batch(&mut self, delivery: &Delivery, name: &str) -> Result<i64> {
        let done = sqlx::query("INSERT INTO batch (source, name, digest, signals, refused, received_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(&delivery.source)
            .bind(name)
            .bind(delivery.digest.as_ref().map(<[u8; 32]>::as_slice))
            .bind(i64::try_from(delivery.signals.len()).unwrap_or(i64::MAX))
            .bind(i64::try_from(delivery.refused.len()).unwrap_or(i64::MAX))
            .bind(delivery.received_at.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping a batch"))?;
        let id = done.last_insert_rowid();
        self.record(
            &Entry::new(EntryKind::FileAccepted, Actor::source(&delivery.source)).detail(serde_json::json!({
                "batch": id, "sha256": delivery.digest.map(|digest| hex(&digest)), "signals": delivery.signals.len(),
                "refused": delivery.refused.len(),
            })),
        );
        Ok(id)
    }

    /// Records the parts that could not be read, and alerts once for all of them.
    async fn refused(&mut self, delivery: &Delivery, batch: Option<i64>) -> Result<()> {
        if delivery.refused.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = delivery
            .refused
            .iter()
            .take(100)
            .map(|part| serde_json::json!({ "place": part.place, "why": part.why }))
            .collect();
        self.record(
            &Entry::new(EntryKind::FileQuarantined, Actor::source(&delivery.source)).detail(serde_json::json!({
                "batch": batch, "refused": delivery.refused.len(), "parts": named,
            })),
        );
        let said = |whole: &str| {
            let parts = delivery.refused.len();
            format!(
                "source {}: {parts} parts of {whole} could not be read and were put aside",
                delivery.source
            )
        };
        let name = delivery.name.as_deref().unwrap_or("a delivery");
        // A file's name may be a person's.
        let logged = match &delivery.digest {
            Some(digest) if delivery.name.is_some() => said(&format!("the file with the SHA-256 {}", hex(digest))),
            _ => said("a delivery"),
        };
        let key = format!("source:{}", delivery.source);
        self.discreetly_raise("quarantine", &key, &said(&format!("{name:?}")), &logged, None)
            .await
    }

    /// Raises and clears the alerts that the source has decided on.
    async fn alarms(&mut self, delivery: &Delivery) -> Result<()> {
        for alarm in &delivery.alarms {
            let key = match &alarm.about {
                None => format!("source:{}", delivery.source),
                Some(about) => format!("source:{}:{about}", delivery.source),
            };
            match &alarm.summary {
                Some(summary) => self.raise(alarm.kind.word(), &key, summary, None).await?,
                None => self.over(alarm.kind.word(), &key).await?,
            }
        }
        Ok(())
    }

    async fn keep_cursor(&mut self, source: &str, cursor: &str) -> Result<()> {
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

    async fn answer_request(&mut self, row: i64, receipt: &SignalReceipt) -> Result<()> {
        // The row is told in full; the trail in words that are ours alone.
        let (kind, state, case, why, ours) = match receipt {
            SignalReceipt::Accepted { case, held } => {
                let why = held.then_some("held: see revoked hold list");
                (EntryKind::InboxAccepted, "accepted", Some(*case), why, why)
            }
            SignalReceipt::Repeated { case } => {
                let why = Some("the request key was used before");
                (EntryKind::InboxAccepted, "accepted", *case, why, why)
            }
            SignalReceipt::Ignored { why } => {
                let ours = Some("nothing follows from it");
                (EntryKind::InboxRejected, "rejected", None, Some(why.as_str()), ours)
            }
            SignalReceipt::Conflict => {
                let why = Some("the request key was used before for another request");
                (EntryKind::InboxRejected, "rejected", None, why, why)
            }
        };
        let mut entry = Entry::new(kind, Actor::source("inbox")).detail(serde_json::json!({ "row": row, "why": ours }));
        entry.case = case.map(|case| case.0);
        self.record(&entry);
        self.answer_inbox(row, state, case.map(|case| case.0), why).await
    }
}

/// Whether a signal counts against the limits of departures.
fn leaves(signal: &Signal) -> bool {
    let step = match &signal.when {
        When::Departure(Departure { step, .. }) => matches!(step, DepartureStep::Leave { .. } | DepartureStep::Vanished { .. }),
        _ => true,
    };
    Class::of(signal.reason) == Some(Class::Departures) && signal.scope == Scope::Everything && step
}
