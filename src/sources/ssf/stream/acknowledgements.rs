//! Acknowledgements to a transmitter that is polled, and what is done where it does not take them.
//!
//! Acknowledgements ride with the next poll for more (RFC 8936 section 2.4.1). Where such a poll fails, the next one carries none, so that
//! a transmitter that refuses them keeps nothing new from us; they wait in the cursor and are told again and again, ever less often. What
//! is not acknowledged comes again with what is new, so as much more is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::sources::Rejection;

/// For how long acknowledgements may come to nothing before an alert is raised.
pub(in crate::sources::ssf) const PATIENCE: Duration = Duration::from_mins(5);
/// The most names that one poll tells.
const MOST_TOLD: usize = 1000;
/// What older names may weigh that are kept to be told, in bytes. A token whose name is not kept comes again.
const MOST_KEPT: usize = 1 << 20;
/// The most tokens that are asked for beyond the config's, so that an answer stays in its bounds.
const MOST_ROOM: u32 = 2000;

/// What the transmitter is to be told: kept as the source's cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::sources::ssf) struct Acknowledgements {
    /// The names of the tokens that are stored.
    pub(in crate::sources::ssf) ack: BTreeSet<String>,
    /// The names of those that are refused, and why.
    #[serde(rename = "setErrs")]
    pub(in crate::sources::ssf) errs: BTreeMap<String, SetErr>,
}

/// Why a token is refused (RFC 8936 section 2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sources::ssf) struct SetErr {
    /// The code.
    pub(in crate::sources::ssf) err: String,
    /// What was wrong.
    pub(in crate::sources::ssf) description: String,
}

impl SetErr {
    pub(in crate::sources::ssf) fn of(rejection: &Rejection) -> Self {
        Self {
            err: rejection.code.to_owned(),
            description: rejection.description.clone(),
        }
    }
}

impl Acknowledgements {
    /// The cursor as it was stored.
    pub(in crate::sources::ssf) fn read(cursor: Option<&str>) -> Self {
        let read = cursor.map(serde_json::from_str).transpose();
        // One that cannot be read costs a redelivery.
        read.ok().flatten().unwrap_or_default()
    }

    /// Whether there is nothing to tell.
    pub(in crate::sources::ssf) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tokens it is about.
    pub(in crate::sources::ssf) fn len(&self) -> usize {
        self.ack.len() + self.errs.len()
    }

    /// Whether it is about the token of that name.
    pub(in crate::sources::ssf) fn names(&self, name: &str) -> bool {
        self.ack.contains(name) || self.errs.contains_key(name)
    }

    /// The token is stored.
    pub(in crate::sources::ssf) fn take(&mut self, name: String) {
        self.errs.remove(&name);
        self.ack.insert(name);
    }

    /// The token is refused.
    pub(in crate::sources::ssf) fn refuse(&mut self, name: String, why: SetErr) {
        self.ack.remove(&name);
        self.errs.insert(name, why);
    }

    /// As much of it as one poll tells.
    fn portion(&self) -> Self {
        let errs = self.errs.iter().take(MOST_TOLD);
        let errs: BTreeMap<String, SetErr> = errs.map(|(name, err)| (name.clone(), err.clone())).collect();
        let ack = self.ack.iter().take(MOST_TOLD - errs.len()).cloned().collect();
        Self { ack, errs }
    }

    /// Adds what `pending` holds beyond what was `told`, as far as it may be kept.
    pub(in crate::sources::ssf) fn keep(&mut self, pending: &Self, told: &Self) {
        let mut room = MOST_KEPT;
        let mut fits = |weight: usize| {
            let left = room.checked_sub(weight);
            room = left.unwrap_or(room);
            left.is_some()
        };
        for (name, why) in &pending.errs {
            if !told.names(name) && !self.names(name) && fits(name.len() + why.description.len()) {
                self.errs.insert(name.clone(), why.clone());
            }
        }
        for name in &pending.ack {
            if !told.names(name) && !self.names(name) && fits(name.len()) {
                self.ack.insert(name.clone());
            }
        }
    }

    /// The cursor that keeps it.
    ///
    /// # Errors
    /// Where it cannot be written down: an empty cursor would forget what the transmitter is still to be told.
    pub(in crate::sources::ssf) fn cursor(&self) -> anyhow::Result<String> {
        serde_json::to_string(self).context("the acknowledgements of a poll cannot be written down")
    }
}

/// How many tokens of an answer were dealt with before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sources::ssf) struct Redelivered {
    /// Of those that were to be told.
    pub(in crate::sources::ssf) pending: usize,
    /// Of those among them that this very poll told.
    pub(in crate::sources::ssf) told: usize,
}

/// How the transmitter takes what it is told, as far as this life of the daemon knows.
#[derive(Debug, Default)]
pub(in crate::sources::ssf) struct AckDelivery {
    /// How many polls with acknowledgements have failed since one went through.
    refusals: u32,
    /// They are not told before; `None` for now.
    not_before: Option<Instant>,
    /// Whether the poll after the one that failed has not come back yet: it carries none.
    apart: bool,
    /// How many tokens of the last answer were no news, where they alone fill a usual one.
    room: u32,
    /// Since when they come to nothing, and why.
    vain: Option<(Instant, String)>,
    /// Whether the alert stands; `None` where an earlier life may have raised it.
    alert: Option<bool>,
}

impl AckDelivery {
    /// What of `pending` the next poll tells.
    pub(in crate::sources::ssf) fn next(&self, pending: &Acknowledgements) -> Acknowledgements {
        let due = !self.apart && self.not_before.is_none_or(|at| Instant::now() >= at);
        if due { pending.portion() } else { Acknowledgements::default() }
    }

    /// By how many tokens more than the config says the next poll asks. One that only tries whether it is heard asks for no more.
    pub(in crate::sources::ssf) fn room(&self, tries: bool) -> u32 {
        if tries { 0 } else { self.room.min(MOST_ROOM) }
    }

    /// Whether the last poll that told anything failed.
    pub(in crate::sources::ssf) fn is_refused(&self) -> bool {
        self.refusals > 0
    }

    /// Whether the fault of a poll may lie in its asking for more than usual; the next one does not.
    fn asked_too_much(&mut self) -> bool {
        std::mem::take(&mut self.room) > 0
    }

    /// A poll that told something failed. `wait` says how long not to tell anything, from how often that has happened.
    pub(in crate::sources::ssf) fn refused(&mut self, why: String, wait: impl FnOnce(u32) -> Duration) {
        if !self.is_refused() && self.asked_too_much() {
            return;
        }
        self.refusals = self.refusals.saturating_add(1);
        let now = Instant::now();
        self.not_before = Some(now + wait(self.refusals));
        self.apart = true;
        self.in_vain(now, why);
    }

    /// A poll that told nothing failed too: the fault is not in what was told.
    pub(in crate::sources::ssf) fn failed(&mut self) {
        if self.asked_too_much() {
            return;
        }
        *self = Self {
            alert: self.alert,
            ..Self::default()
        };
    }

    /// A poll came back that told something, or nothing. `usual` is the most tokens of one answer.
    pub(in crate::sources::ssf) fn came_back(&mut self, tells: bool, again: Redelivered, usual: u32) {
        self.apart = false;
        let pending = u32::try_from(again.pending).unwrap_or(u32::MAX);
        self.room = if pending >= usual { pending } else { 0 };
        if tells {
            self.refusals = 0;
            self.not_before = None;
            if again.told > 0 {
                self.in_vain(Instant::now(), "it sends again what was acknowledged".to_owned());
            } else {
                self.vain = None;
            }
        }
    }

    /// Why the alert is to be raised now, where it is.
    pub(in crate::sources::ssf) fn alarm(&self) -> Option<&str> {
        let (since, why) = self.vain.as_ref()?;
        (self.alert != Some(true) && since.elapsed() >= PATIENCE).then_some(why)
    }

    /// Whether the alert is to be ended, if it stands.
    pub(in crate::sources::ssf) fn is_well(&self) -> bool {
        self.vain.is_none() && self.alert != Some(false)
    }

    /// The alert was raised or ended.
    pub(in crate::sources::ssf) fn alerted(&mut self, stands: bool) {
        self.alert = Some(stands);
    }

    fn in_vain(&mut self, now: Instant, why: String) {
        let since = self.vain.as_ref().map_or(now, |(since, _)| *since);
        self.vain = Some((since, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acks(names: impl IntoIterator<Item = String>) -> Acknowledgements {
        Acknowledgements {
            ack: names.into_iter().collect(),
            errs: BTreeMap::new(),
        }
    }

    fn again(pending: usize, told: usize) -> Redelivered {
        Redelivered { pending, told }
    }

    fn numbered(count: usize) -> Acknowledgements {
        acks((0..count).map(|n| format!("jti-{n}")))
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_and_rubbish_costs_a_redelivery() {
        let mut written = numbered(2);
        let err = SetErr {
            err: "invalid_key".to_owned(),
            description: "no such key".to_owned(),
        };
        written.refuse("jti-1".to_owned(), err);
        assert_eq!((written.ack.len(), written.errs.len()), (1, 1));
        assert_eq!(Acknowledgements::read(Some(&written.cursor().unwrap())), written);
        assert_eq!(Acknowledgements::read(Some(r#"{"ack": ["b", "a"]}"#)).len(), 2);
        assert!(Acknowledgements::read(Some("rubbish")).is_empty() && Acknowledgements::read(None).is_empty());
        written.take("jti-1".to_owned());
        assert_eq!(written, numbered(2));
    }

    #[test]
    fn a_poll_tells_a_thousand_names_and_the_rest_is_kept() {
        let pending = numbered(2500);
        let told = AckDelivery::default().next(&pending);
        assert_eq!(told.len(), MOST_TOLD);
        let mut kept = acks(["new".to_owned()]);
        kept.keep(&pending, &told);
        assert_eq!(kept.len(), 1501);
        assert!(kept.ack.is_disjoint(&told.ack));
    }

    #[test]
    fn older_names_are_kept_up_to_a_weight_and_the_newest_always() {
        let heavy = |n: usize| acks([n.to_string().repeat(MOST_KEPT * 2 / 3)]);
        let mut kept = heavy(1);
        kept.keep(&heavy(2), &Acknowledgements::default());
        kept.keep(
            &acks(heavy(3).ack.into_iter().chain(heavy(4).ack)),
            &Acknowledgements::default(),
        );
        assert_eq!(kept.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_refusal_one_poll_tells_nothing_and_the_wait_is_kept() {
        let (pending, none) = (numbered(1), Acknowledgements::default());
        let mut ack_delivery = AckDelivery::default();
        assert_eq!(ack_delivery.next(&pending), pending);
        ack_delivery.refused("503".to_owned(), |_| Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(
            ack_delivery.next(&pending),
            none,
            "the next poll carries none, however late it is"
        );
        ack_delivery.came_back(false, again(1, 0), 100);
        assert_eq!(ack_delivery.next(&pending), pending);
        ack_delivery.refused("503".to_owned(), |times| {
            assert_eq!(times, 2);
            Duration::from_secs(10)
        });
        ack_delivery.came_back(false, again(1, 0), 100);
        assert_eq!(ack_delivery.next(&pending), none);
        // Where nothing goes through, it is not for what was told.
        ack_delivery.failed();
        assert_eq!(ack_delivery.next(&pending), pending);
        assert!(!ack_delivery.is_refused());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_again_is_asked_for_beyond_the_usual_once_it_fills_an_answer() {
        let mut ack_delivery = AckDelivery::default();
        for (known, room) in [(0, 0), (99, 0), (100, 100), (150, 150), (9000, MOST_ROOM)] {
            ack_delivery.came_back(false, again(known, 0), 100);
            assert_eq!((ack_delivery.room(false), ack_delivery.room(true)), (room, 0));
        }
        let refuse = |ack_delivery: &mut AckDelivery| ack_delivery.refused("400".to_owned(), |_| Duration::ZERO);
        refuse(&mut ack_delivery);
        assert!(
            ack_delivery.room(false) == 0 && !ack_delivery.is_refused(),
            "more may be more than it takes"
        );
        refuse(&mut ack_delivery);
        ack_delivery.came_back(false, again(100, 0), 100);
        ack_delivery.failed();
        assert!(ack_delivery.room(false) == 0 && ack_delivery.is_refused());
    }

    #[tokio::test(start_paused = true)]
    async fn the_alert_comes_after_five_minutes_of_refusal_or_of_deafness_and_ends_with_them() {
        let refuse: fn(&mut AckDelivery) = |ack_delivery| ack_delivery.refused("503".to_owned(), |_| Duration::ZERO);
        let ignore: fn(&mut AckDelivery) = |ack_delivery| ack_delivery.came_back(true, again(1, 1), 100);
        for vain in [refuse, ignore] {
            let mut ack_delivery = AckDelivery::default();
            assert!(ack_delivery.is_well(), "an earlier life may have raised it");
            vain(&mut ack_delivery);
            tokio::time::advance(PATIENCE / 2).await;
            ack_delivery.came_back(false, again(1, 0), 100);
            vain(&mut ack_delivery);
            assert_eq!((ack_delivery.alarm(), ack_delivery.is_well()), (None, false));
            tokio::time::advance(PATIENCE / 2).await;
            assert!(ack_delivery.alarm().is_some());
            ack_delivery.alerted(true);
            assert_eq!((ack_delivery.alarm(), ack_delivery.is_well()), (None, false));
            ack_delivery.came_back(true, again(0, 0), 100);
            assert!(ack_delivery.is_well());
            ack_delivery.alerted(false);
            assert!(!ack_delivery.is_well());
        }
    }
}
