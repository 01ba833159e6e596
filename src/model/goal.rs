//! How soon access is to end: what an installation has set itself, by which its times are judged.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Reason;

/// How soon after the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    /// Until the target has confirmed the first change that takes something away.
    pub first_revoke: Duration,
    /// Until the verdict.
    pub containment: Duration,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            first_revoke: Duration::from_mins(1),
            containment: Duration::from_mins(5),
        }
    }
}

/// The goal of every reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goals {
    /// For each reason that has none of its own.
    pub general: Goal,
    /// For the others.
    pub by_reason: BTreeMap<Reason, Goal>,
}

impl Goals {
    /// The goal for what a case was opened for.
    #[must_use]
    pub fn of(&self, reason: &str) -> Goal {
        let own = Reason::from_word(reason).and_then(|reason| self.by_reason.get(&reason));
        *own.unwrap_or(&self.general)
    }
}
