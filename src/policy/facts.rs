//! What the rule knows besides the signal.

use std::collections::BTreeMap;

use super::limits::Class;
use crate::model::{Scope, Signal, Timestamp};

/// What the rule knows besides the signal.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The source's name in the config.
    pub source: &'a str,
    /// How many signals of [`Class::Departures`] the whole delivery holds, without repetitions.
    pub delivery_departures: usize,
    /// How many signals of [`Class::Departures`] of this source were acted on within its window.
    pub recent_departures: usize,
    /// How many of those were there before the delivery.
    pub departures_before: usize,
    /// How many signals of [`Class::Compromises`] of this source were acted on within its window.
    pub recent_compromises: usize,
    /// How many of those each operator has asked for, where there is a limit on that.
    pub by_operator: BTreeMap<String, usize>,
    /// How many people are known to be here; 0 where nobody is, or where nothing is compared with it.
    pub population: usize,
    /// Whether the subject's names belong to several people, or to one only by a name in dispute.
    pub unclear: bool,
    /// How many signals of the delivery are one decision, where they are: see [`Facts::as_one`].
    pub one_decision: Option<usize>,
    /// Now.
    pub now: Timestamp,
}

impl<'a> Facts<'a> {
    /// Of a source that has sent nothing yet.
    #[must_use]
    pub const fn new(source: &'a str, now: Timestamp) -> Self {
        Self {
            source,
            delivery_departures: 0,
            recent_departures: 0,
            departures_before: 0,
            recent_compromises: 0,
            by_operator: BTreeMap::new(),
            population: 0,
            unclear: false,
            one_decision: None,
            now,
        }
    }

    /// The same with so many departures within the window before the delivery.
    #[must_use]
    pub const fn after_departures(mut self, recent: usize) -> Self {
        self.recent_departures = recent;
        self.departures_before = recent;
        self
    }

    /// Makes the whole delivery one decision: what a class holds of it counts against the limit as a whole, so that all of it is acted on or
    /// all of it waits. `counted` are the signals that count, by class.
    pub fn as_one(&mut self, counted: impl Fn(Class) -> usize) {
        let (departures, compromises) = (counted(Class::Departures), counted(Class::Compromises));
        self.recent_departures += departures.saturating_sub(1);
        self.recent_compromises += compromises.saturating_sub(1);
        for count in self.by_operator.values_mut() {
            *count += compromises.saturating_sub(1);
        }
        self.one_decision = Some(departures.max(compromises));
    }

    /// Of those that count, how many were there before the signals of one decision.
    pub(super) fn before_them(&self, recent: usize) -> usize {
        recent.saturating_sub(self.one_decision.unwrap_or_default().saturating_sub(1))
    }

    /// Counts a signal that is acted on against the limits of those behind it.
    pub fn acted_on(&mut self, signal: &Signal) {
        if self.one_decision.is_some() {
            return;
        }
        match Class::of(signal.reason) {
            Some(Class::Departures) => self.recent_departures += 1,
            Some(Class::Compromises) => {
                self.recent_compromises += 1;
                if let Some(count) = signal.requested_by.as_ref().and_then(|by| self.by_operator.get_mut(by)) {
                    *count += 1;
                }
            }
            None => {}
        }
    }

    /// How many compromises whoever asks for this has asked for.
    pub(super) fn asked_by(&self, signal: &Signal) -> usize {
        let by = signal.requested_by.as_ref().and_then(|by| self.by_operator.get(by));
        by.copied().unwrap_or_default()
    }
}

/// Whether a signal counts against the limits of compromises.
#[must_use]
pub fn counts_as_compromise(signal: &Signal) -> bool {
    Class::of(signal.reason) == Some(Class::Compromises) && signal.scope == Scope::Everything
}
