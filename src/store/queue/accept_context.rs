//! What the transaction of one delivery carries: the delivery's own part, and each signal once policy has decided about it.

use std::collections::BTreeMap;

use revoked_trail::{Entry, EntryKind};

use super::reservation::Claim;
use super::slot_offer::SlotOffer;
use crate::model::{Actor, Delivery, Signal};
use crate::policy::Policy;
use crate::statement::Receiver;
use crate::store::identity::resolution::ResolvedIdentity;
use crate::store::sources::leaked_credentials::Sealed;

/// What one delivery carries through its transaction.
pub(in crate::store) struct AcceptContext<'a> {
    /// Credentials that have leaked, encrypted, by what stands for them.
    pub(super) sealed: &'a BTreeMap<String, Sealed>,
    pub(in crate::store) policy: &'a Policy,
    /// The receivers of statements about a case that has just been contained, where a signal joins it.
    pub(in crate::store) receivers: &'a [Receiver],
    /// Whether a statement was queued.
    pub(in crate::store) queued: bool,
    /// The paused batch that it is: the cases that it opens wait.
    pub(in crate::store) kept_back: Option<String>,
    /// Lanes that offer a slot to an urgent job.
    pub(in crate::store) slots: Vec<SlotOffer>,
    /// The holds that its signals came under.
    pub(in crate::store) holds: PlacedHolds,
    /// Lanes to wake after the commit.
    pub(in crate::store) targets: Vec<String>,
    /// Jobs that were born claimed.
    pub(in crate::store) claims: Vec<Claim>,
    /// The number of the last signal that was stored.
    pub(in crate::store) newest_signal: i64,
}

/// The holds that the signals of one delivery came under: one for each class, and where they are not the delivery's own for each cause.
#[derive(Debug, Default)]
pub(in crate::store) struct PlacedHolds(Vec<(String, Option<String>, i64)>);

impl PlacedHolds {
    pub(super) fn of(&self, class: &str, words: Option<&str>) -> Option<i64> {
        let mut holds = self.0.iter();
        let found = holds.find(|(placed, said, _)| *placed == class && said.as_deref() == words);
        found.map(|(.., hold)| *hold)
    }

    /// The first of them.
    pub(in crate::store) fn first(&self) -> Option<i64> {
        self.0.first().map(|(.., hold)| *hold)
    }

    pub(super) fn push(&mut self, class: String, words: Option<String>, hold: i64) {
        self.0.push((class, words, hold));
    }
}

/// A signal on its way to a case.
pub(in crate::store) struct DecidedSignal<'a> {
    pub(in crate::store) delivery: &'a Delivery,
    pub(in crate::store) signal: &'a Signal,
    pub(in crate::store) reference: &'a str,
    pub(in crate::store) identity: &'a ResolvedIdentity,
    pub(in crate::store) batch: Option<i64>,
    pub(in crate::store) signal_id: i64,
    /// The class of the hold that it comes under, and why, for people.
    pub(in crate::store) held: Option<(&'static str, &'a str)>,
}

impl DecidedSignal<'_> {
    pub(in crate::store) fn entry(&self, kind: EntryKind) -> Entry {
        Entry::new(kind, Actor::source(&self.delivery.source)).subject_ref(self.reference)
    }
}
