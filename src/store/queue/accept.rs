//! Accepts a delivery: signals, cases, jobs, holds and trail entries in one transaction, before its sender is told yes. A large file has several.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use revoked_trail::EntryKind;

use super::accept_context::{AcceptContext, DecidedSignal, PlacedHolds};
use super::accepted::{Accepted, Outcome};
use super::asked_for::AskedFor;
use super::decide::{counts_as_departure, departure};
use super::place_hold::OTHER_EMPLOYMENT;
use super::portions;
use super::rehearsed;
use super::repetition::SeenSignals;
use super::sets::hot_mutation::{AcceptRequest, HotMutation};
use super::signal_row::SignalRow;
use super::slot_offer::{Births, SlotOffers};
use crate::digest::{hex, sha256};
use crate::model::{Delivery, Disposition, Reason, Receipt, Scope, Signal, SignalReceipt, Subject};
use crate::policy::{Class, Decision, Facts, Mode, Policy, STAYS};
use crate::store::{Result, Store, Tx};

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
        // All rows of a delivery are of one list, or of none.
        let kept_back = match request.delivery.inbox.first() {
            Some(row) => self.pause_of_row(*row).await?,
            None => None,
        };
        let mut context = AcceptContext {
            sealed: &request.sealed,
            policy: &request.policy,
            receivers: &request.receivers,
            queued: false,
            slots: if kept_back.is_some() {
                Vec::new()
            } else {
                request.slots.clone()
            },
            kept_back,
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
        let policy = context.policy;
        let mode = policy.mode_of(&delivery.source);
        // Before the delivery names anybody: it must not make its own share larger.
        let population = self.population_for(policy, &delivery.source).await?;
        let batch = match &delivery.name {
            Some(name) => Some(self.insert_batch(delivery, name, mode == Mode::Rehearse).await?),
            None => None,
        };
        // First of all: a signal of the same delivery may use a name that only this delivery links.
        self.keep_identities(delivery).await?;
        self.keep_employments(delivery).await?;
        let seen = self.find_repetitions(delivery, again, mode).await?;
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
        let recent = self
            .recent_signals(policy, delivery, fresh, Class::Departures, population)
            .await?;
        let mut facts = Facts {
            delivery_departures: self.count_departures(delivery, fresh).await?,
            recent_compromises: self
                .recent_signals(policy, delivery, fresh, Class::Compromises, population)
                .await?,
            by_operator: self.recent_by_operator(policy, delivery, fresh).await?,
            population,
            ..Facts::new(&delivery.source, self.now).after_departures(recent)
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
                self.find_repetition(&delivery.source, signal, again, context.policy.mode_of(&delivery.source))
                    .await?
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
            departures_before: if moves { 0 } else { facts.departures_before },
            ..facts.clone()
        };
        let (decision, blocked) = self.decide(context, delivery, signal, &person, &asked, &reference).await?;
        let (decided, why) = match &decision {
            Decision::Act(_) => ("act", None),
            Decision::Hold { why, .. } => ("hold", Some(why.clone())),
            Decision::Ignore { why } => ("ignore", Some(why.clone())),
            Decision::Withdraw => ("withdraw", None),
            Decision::Rehearse(would) => ("ignore", Some(rehearsed::why(&delivery.source, would))),
        };
        let row = SignalRow {
            delivery,
            signal,
            reference: &said,
            batch,
            decided,
            why: why.as_deref(),
            moves,
            asked: &AskedFor::of(signal, identity.unclear).text()?,
            would: (context.policy.mode_of(&delivery.source) == Mode::Rehearse).then(|| decision.in_earnest()),
        };
        let id = self.insert_signal(&row).await?;
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
            Decision::Ignore { why } => return self.keep_ignored(&new, why).await,
            Decision::Rehearse(would) => {
                if matches!(*would, Decision::Act(_)) && !moves {
                    facts.acted_on(signal);
                }
                self.record(&rehearsed::entry(&new, &would));
                let why = rehearsed::why(&delivery.source, &would);
                return Ok(SignalReceipt::Ignored { why });
            }
            Decision::Withdraw => self.rescind_departures(&new).await?,
            Decision::Act(work) => {
                if !moves {
                    facts.acted_on(signal);
                }
                let case = self.open_case(context, &new, &work, None).await?;
                self.call_off_superseded(&new, case).await?;
                SignalReceipt::Accepted { case, held: false }
            }
            Decision::Hold {
                class,
                why,
                held_for,
                work,
            } => {
                let held = (class, why.as_str(), held_for.as_ref());
                let case = self.hold_signal(context, &new, held, &work).await?;
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

    /// What comes of a signal from which nothing follows: its entry, and the alert where its source is in trouble.
    async fn keep_ignored(&mut self, new: &DecidedSignal<'_>, why: String) -> Result<SignalReceipt> {
        let (signal, source) = (new.signal, &new.delivery.source);
        let why = match signal.reason {
            Reason::Reactivated => self.apply_reactivation(new, why).await?,
            _ => why,
        };
        self.record(&new.entry(EntryKind::SignalIgnored).detail(serde_json::json!({
            "signal": new.signal_id, "reason": signal.reason.word(), "why": why, "key_sha256": hex(&sha256(signal.key.as_bytes())),
        })));
        if let Some(kind) = SOURCE_TROUBLE.iter().find(|kind| why.starts_with(**kind)) {
            let summary = format!("source {source} says {why}");
            self.raise_alert(kind, &format!("source:{source}"), &summary, None).await?;
        }
        Ok(SignalReceipt::Ignored { why })
    }
}

/// Whether an operator has asked for all of a delivery as one: a list in the inbox.
fn is_one_request(delivery: &Delivery) -> bool {
    delivery.name.is_some() && !delivery.inbox.is_empty()
}
