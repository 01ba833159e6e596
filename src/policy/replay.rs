//! Past signals through a policy, one after the other, as if they came again: what it would have made of them.

use std::collections::{BTreeMap, VecDeque};

use super::facts::Facts;
use super::limits::Class;
use super::{Decision, INBOX, Policy};
use crate::model::{Departure, DepartureStep, Scope, Signal, Timestamp, When};

/// A signal as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The source's name.
    pub source: String,
    /// What it said, about the person by every name that is known.
    pub signal: Signal,
    /// When.
    pub received_at: Timestamp,
    /// What came together with it has the same number.
    pub delivery: i64,
    /// How many departures that delivery had.
    pub delivery_departures: usize,
    /// Whether it was not clear who is meant.
    pub unclear: bool,
    /// Whether it only moved a departure that was planned already.
    pub moves: bool,
}

/// When something was acted on, and who had asked for it.
type Acted = VecDeque<(Timestamp, Option<String>)>;

/// A run of recorded signals through a policy, in their order. It counts what the policy itself would have acted on.
#[derive(Debug)]
pub struct Replay<'p> {
    policy: &'p Policy,
    population: usize,
    /// When the signals of a source and class were acted on, and who asked for them, as far back as the class counts.
    acted: BTreeMap<(String, Class), Acted>,
    /// The delivery at hand, and how many departures its source had before it.
    delivery: Option<(i64, usize)>,
}

impl<'p> Replay<'p> {
    /// Begins a run, as if so many people had been known all the time.
    #[must_use]
    pub const fn new(policy: &'p Policy, population: usize) -> Self {
        Self {
            policy,
            population,
            acted: BTreeMap::new(),
            delivery: None,
        }
    }

    /// What the policy makes of the next signal.
    pub fn decide(&mut self, recorded: &Recorded) -> Decision {
        let Recorded {
            source,
            signal,
            received_at,
            ..
        } = recorded;
        let departures = self.recent(source, Class::Departures, *received_at);
        let before = match self.delivery {
            Some((delivery, before)) if delivery == recorded.delivery => before,
            _ => departures,
        };
        self.delivery = Some((recorded.delivery, before));
        let compromises = self.recent(source, Class::Compromises, *received_at);
        let mut facts = Facts {
            delivery_departures: recorded.delivery_departures,
            recent_departures: if recorded.moves { 0 } else { departures },
            departures_before: if recorded.moves { 0 } else { before },
            recent_compromises: compromises,
            population: self.population,
            unclear: recorded.unclear,
            ..Facts::new(source, *received_at)
        };
        if source == INBOX
            && let Some(by) = &signal.requested_by
        {
            let key = (source.clone(), Class::Compromises);
            let theirs = self
                .acted
                .get(&key)
                .map(|acted| acted.iter().filter(|(_, asked)| asked.as_ref() == Some(by)).count());
            facts.by_operator.insert(by.clone(), theirs.unwrap_or_default());
        }
        let decision = self.policy.decide(signal, &facts);
        if let (Decision::Act(_), Some(class), false) = (decision.in_earnest(), Class::of(signal.reason), recorded.moves) {
            let acted = self.acted.entry((source.clone(), class)).or_default();
            acted.push_back((*received_at, signal.requested_by.clone()));
        }
        decision
    }

    /// How many signals of a source and class were acted on within the window before `now`.
    fn recent(&mut self, source: &str, class: Class, now: Timestamp) -> usize {
        let Some(acted) = self.acted.get_mut(&(source.to_owned(), class)) else {
            return 0;
        };
        let since = now.minus(class.window());
        while acted.front().is_some_and(|(at, _)| *at <= since) {
            acted.pop_front();
        }
        acted.len()
    }
}

impl Recorded {
    /// Whether it is one of those that the departures of a delivery are counted by.
    #[must_use]
    pub fn is_departure(&self) -> bool {
        let step = match &self.signal.when {
            When::Departure(Departure { step, .. }) => matches!(step, DepartureStep::Leave { .. } | DepartureStep::Vanished { .. }),
            _ => true,
        };
        let counts = Class::of(self.signal.reason) == Some(Class::Departures) && self.signal.scope == Scope::Everything;
        counts && step && !self.moves
    }
}
