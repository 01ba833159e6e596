//! The pure rule from signal to decision: ignore, hold, act.

use crate::model::{Containment, Priority, Signal, Timestamp};

/// What the rule knows besides the signal.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The source.
    pub source: &'a str,
    /// How many departures the whole delivery holds.
    pub delivery_departures: usize,
    /// How many departures of this source were acted on in the last hour.
    pub recent_departures: usize,
    /// How many compromises of this source were acted on in the last minute.
    pub recent_compromises: usize,
    /// Now.
    pub now: Timestamp,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Kept only.
    Ignore {
        /// Why.
        why: String,
    },
    /// For a human.
    Hold {
        /// Class.
        class: &'static str,
        /// Why.
        why: String,
        /// What it would be.
        work: Work,
    },
    /// To be done.
    Act(Work),
    /// A planned departure is called off.
    Withdraw,
}

/// What a case would do.
#[derive(Debug, Clone)]
pub struct Work {
    /// The playbook.
    pub playbook: String,
    /// Target and containment.
    pub jobs: Vec<(String, Containment)>,
    /// Urgency.
    pub priority: Priority,
    /// When.
    pub due: Option<Timestamp>,
}

/// The rule.
#[derive(Debug, Clone, Default)]
pub struct Policy;

impl Policy {
    /// Decides.
    #[must_use]
    pub fn decide(&self, _: &Signal, _: &Facts<'_>) -> Decision {
        Decision::Withdraw
    }
}
