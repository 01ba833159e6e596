//! Accepts a delivery: signals, cases, jobs, holds and trail entries in one transaction, before its sender is told yes. A large file has several.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use revoked_trail::EntryKind;

use super::accept_context::{AcceptContext, DecidedSignal, PlacedHolds};
use super::accepted::{Accepted, Outcome};
use super::decide::{counts_as_departure, departure};
use super::place_hold::OTHER_EMPLOYMENT;
use super::portions;
use super::repetition::SeenSignals;
use super::sets::hot_mutation::{AcceptRequest, HotMutation};
use super::slot_offer::{Births, SlotOffers};
use crate::digest::{hex, sha256};
use crate::model::{Delivery, Disposition, Reason, Receipt, Scope, Signal, SignalReceipt, Subject};
use crate::policy::{Class, Decision, Facts, Policy, STAYS};
use crate::store::{Result, Store, StoreError, Tx};

/// What is only kept, and yet somebody must know: the source will be silent, or an identifier has changed hands. The source's word of why
/// begins with one of these, which is also the kind of the alert.
pub const SOURCE_TROUBLE: [&str; 4] = [
    "stream_stopped",
    "opt_out_effective",
    "identifier_recycled",
    "discarded_critical_subject",
];

impl Store {
    /// Stores a delivery and everything that follows from it. `offers` are the lanes that keep a slot free for one urgent job.
    ///
    /// # Errors
    /// Where the store cannot be written: nothing of the delivery is stored then, or of a large file a part, which is recognised when it comes
    /// again.
    pub async fn accept(&self, policy: Arc<Policy>, mut delivery: Delivery, offers: SlotOffers) -> Result<Accepted> {
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
        if sealed.is_empty() && portions::is_large(&delivery) {
            let receipt = self.accept_in_portions(policy, delivery).await?;
            self.files_are_in_place()?;
            return Ok(Accepted {
                receipt,
                claims: Vec::new(),
            });
        }
        let request = AcceptRequest {
            policy,
            receivers,
            delivery,
            sealed,
            slots: offers.slots,
            births: offers.born.map(Births::new),
        };
        let Outcome {
            accepted,
            targets,
            queued,
            newest_signal,
        } = self.write_hot(request, HotMutation::Accept).await?;
        // Committed into a file that lost its name is not stored.
        self.files_are_in_place()?;
        self.0.newest_signal.fetch_max(newest_signal, Ordering::AcqRel);
        if queued {
            self.wake_outbox().notify_waiters();
        }
        self.wake_lanes(&targets);
        self.0.scheduler.notify_one();
        Ok(accepted)
    }
}

impl Tx<'_> {
    /// Stores a delivery with statements of its own.
    pub(super) async fn accept_alone(&mut self, request: &AcceptRequest) -> Result<Outcome> {
        let mut context = AcceptContext {
            sealed: &request.sealed,
            policy: &request.policy,
            receivers: &request.receivers,
            queued: false,
            slots: request.slots.clone(),
            holds: PlacedHolds::default(),
            targets: Vec::new(),
            claims: Vec::new(),
            newest_signal: 0,
        };
        let receipt = self.accept(&mut context, &request.delivery).await?;
        Ok(Outcome {
            accepted: Accepted {
                receipt,
                claims: context.claims,
            },
            targets: context.targets,
            queued: context.queued,
            newest_signal: context.newest_signal,
        })
    }

    async fn accept(&mut self, context: &mut AcceptContext<'_>, delivery: &Delivery) -> Result<Receipt> {
        let again = self.is_repeated_file(delivery).await?;
        let batch = match &delivery.name {
            Some(name) => Some(self.insert_batch(delivery, name).await?),
            None => None,
        };
        // First of all: a signal of the same delivery may use a name that only this delivery links.
        self.keep_identities(delivery).await?;
        self.keep_employments(delivery).await?;
        let seen = self.find_repetitions(delivery, again).await?;
        self.note_called_off(delivery, &seen, again).await?;
        let fresh = &seen.fresh;
        // Said again, it would take the name from whom an operator has linked it to since.
        if !fresh.is_empty() || delivery.signals.is_empty() {
            self.apply_identity_changes(delivery).await?;
        }
        for subject in &delivery.active {
            let identity = self.resolve_identity(subject).await?;
            self.call_off_reactivated(&delivery.source, identity.own_names().names(), None)
                .await?;
        }
        let mut facts = Facts {
            source: &delivery.source,
            delivery_departures: self.count_departures(delivery, fresh).await?,
            recent_departures: self
                .recent_signals(context.policy, delivery, fresh, Class::Departures)
                .await?,
            recent_compromises: self
                .recent_signals(context.policy, delivery, fresh, Class::Compromises)
                .await?,
            unclear: false,
            one_decision: None,
            now: self.now,
        };
        if is_one_request(delivery) {
            facts.as_one(|class| {
                let counts = |n: &&usize| {
                    let signal = &delivery.signals[**n];
                    Class::of(signal.reason) == Some(class) && signal.scope == Scope::Everything
                };
                fresh.iter().filter(counts).count()
            });
        }
        let signals = self.store_fresh(context, delivery, seen, (batch, again), &mut facts).await?;
        for (row, receipt) in delivery.inbox.iter().zip(&signals) {
            self.answer_request(*row, receipt).await?;
        }
        if let Some(cursor) = &delivery.cursor {
            self.keep_cursor(&delivery.source, cursor).await?;
        }
        self.record_unreadable_parts(delivery, batch).await?;
        self.keep_state_changes(delivery).await?;
        self.raise_source_alerts(delivery).await?;
        let receipt = Receipt {
            signals,
            hold: context.holds.first(),
        };
        self.note_delivery(delivery, &receipt).await?;
        Ok(receipt)
    }

    /// How many of these signals count against the limit of a delivery.
    async fn count_departures(&mut self, delivery: &Delivery, fresh: &[usize]) -> Result<usize> {
        let mut count = 0;
        for signal in fresh.iter().map(|n| &delivery.signals[*n]) {
            if counts_as_departure(signal) && !self.only_moves(&delivery.source, signal).await? {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Stores those signals that are new, and answers what became of each, in order.
    pub(super) async fn store_fresh(
        &mut self,
        context: &mut AcceptContext<'_>,
        delivery: &Delivery,
        seen: SeenSignals,
        (batch, again): (Option<i64>, bool),
        facts: &mut Facts<'_>,
    ) -> Result<Vec<SignalReceipt>> {
        let SeenSignals { mut receipts, fresh } = seen;
        let mut keys = BTreeSet::new();
        for n in fresh {
            // A key that stands twice in one delivery is stored by its first row and seen by the second.
            let signal = &delivery.signals[n];
            let twice = !keys.insert(&signal.key);
            let seen = if twice {
                self.find_repetition(&delivery.source, signal, again).await?
            } else {
                None
            };
            let receipt = match seen {
                Some(seen) => seen,
                None => self.store_signal(context, delivery, signal, batch, facts).await?,
            };
            receipts[n] = Some(receipt);
        }
        Ok(receipts.into_iter().flatten().collect())
    }

    /// Stores a new signal and what policy makes of it.
    async fn store_signal(
        &mut self,
        context: &mut AcceptContext<'_>,
        delivery: &Delivery,
        signal: &Signal,
        batch: Option<i64>,
        facts: &mut Facts<'_>,
    ) -> Result<SignalReceipt> {
        let identity = self.resolve_identity(&signal.subject).await?;
        let said = self.reference(&identity.said).await?;
        // The end of one record of somebody who stays is shown by that record's names.
        let reference = if identity.anchor == identity.said || matches!(signal.disposition, Disposition::Stays(_)) {
            said.clone()
        } else {
            self.reference(&identity.anchor).await?
        };
        // Policy is asked about the person, not about the name that this source happens to use.
        facts.unclear = identity.unclear;
        let person = Signal {
            subject: identity.names.clone(),
            ..signal.clone()
        };
        let moves = self.only_moves(&delivery.source, signal).await?;
        let asked = Facts {
            recent_departures: if moves { 0 } else { facts.recent_departures },
            ..facts.clone()
        };
        let (decision, blocked) = self.decide(context, delivery, signal, &person, &asked, &reference).await?;
        let (decided, why) = match &decision {
            Decision::Act(_) => ("act", None),
            Decision::Hold { why, .. } => ("hold", Some(why.clone())),
            Decision::Ignore { why } => ("ignore", Some(why.clone())),
            Decision::Withdraw => ("withdraw", None),
        };
        let id = self
            .insert_signal(delivery, signal, &said, batch, (decided, moves), why.as_deref())
            .await?;
        context.newest_signal = id;
        if let Subject::Credential(digest) = &signal.subject
            && matches!(decided, "act" | "hold")
            && let Some(value) = context.sealed.get(digest)
        {
            self.keep_sealed(value).await?;
        }
        let new = DecidedSignal {
            delivery,
            signal,
            reference: &reference,
            identity: &identity,
            batch,
            signal_id: id,
            held: match (&blocked, &decision) {
                (Some(why), _) => Some((OTHER_EMPLOYMENT.0, why)),
                (None, Decision::Hold { class, why, .. }) => Some((class, why)),
                _ => None,
            },
        };
        let receipt = match decision.clone() {
            Decision::Ignore { why } => {
                let why = match signal.reason {
                    Reason::Reactivated => self.apply_reactivation(&new, why).await?,
                    _ => why,
                };
                self.record(&new.entry(EntryKind::SignalIgnored).detail(serde_json::json!({
                    "signal": id, "reason": signal.reason.word(), "why": why, "key_sha256": hex(&sha256(signal.key.as_bytes())),
                })));
                if let Some(kind) = SOURCE_TROUBLE.iter().find(|kind| why.starts_with(**kind)) {
                    let summary = format!("source {} says {why}", delivery.source);
                    self.raise_alert(kind, &format!("source:{}", delivery.source), &summary, None)
                        .await?;
                }
                return Ok(SignalReceipt::Ignored { why });
            }
            Decision::Withdraw => self.rescind_departures(&new).await?,
            Decision::Act(work) => {
                if !moves {
                    facts.acted_on(signal.reason);
                }
                let case = self.open_case(context, &new, &work, None).await?;
                self.call_off_superseded(&new, case).await?;
                SignalReceipt::Accepted { case, held: false }
            }
            Decision::Hold { class, why, work } => {
                let case = self.hold_signal(context, &new, (class, &why), &work).await?;
                if class != STAYS {
                    self.call_off_superseded(&new, case).await?;
                }
                SignalReceipt::Accepted { case, held: true }
            }
        };
        if let Some(departure) = departure(signal) {
            self.keep_statement(&new, departure).await?;
            self.reevaluate(&delivery.source, &departure.employee, new.reference).await?;
        }
        Ok(receipt)
    }

    async fn insert_signal(
        &mut self,
        delivery: &Delivery,
        signal: &Signal,
        reference: &str,
        batch: Option<i64>,
        (decision, moves): (&str, bool),
        why: Option<&str>,
    ) -> Result<i64> {
        let done = sqlx::query(
            "INSERT INTO signal (source, key, digest, subject_ref, reason, decision, why, batch, requested_by, note, occurred_at, received_at, moves) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        .bind(moves)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a signal"))?;
        Ok(done.last_insert_rowid())
    }
}

/// Whether an operator has asked for all of a delivery as one: a list in the inbox.
fn is_one_request(delivery: &Delivery) -> bool {
    delivery.name.is_some() && !delivery.inbox.is_empty()
}
