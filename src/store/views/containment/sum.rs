//! What is summed up of the work of one reason at one target: without the rows, so that many cost little room.

use super::measured::Measured;
use super::{ContainmentGroup, Distribution};
use crate::model::{Goal, Timestamp};

/// The sum of work, one after the other.
#[derive(Debug)]
pub(super) struct Sum {
    goal: Goal,
    first: Vec<i64>,
    contained: Vec<i64>,
    /// The counts; its times are put in at the end.
    counts: ContainmentGroup,
}

impl Sum {
    /// Of nothing yet.
    pub(super) fn new(goal: Goal) -> Self {
        Self {
            goal,
            first: Vec::new(),
            contained: Vec::new(),
            counts: ContainmentGroup::default(),
        }
    }

    /// Adds one more.
    pub(super) fn add(&mut self, work: &Measured, now: Timestamp) {
        let counts = &mut self.counts;
        counts.cases += 1;
        self.first.extend(work.first.map(|first| first.ours_ms));
        if work.verdict() == "contained" {
            self.contained.extend(work.end.map(|end| end.ours_ms));
        }
        let missed = work.missed(now);
        let has_missed = |goal: &str| usize::from(missed.iter().any(|missed| missed.0 == goal));
        counts.first_revoke.missed += has_missed("first_revoke");
        counts.containment.missed += has_missed("containment");
        if !work.is_called_off() {
            match work.verdict() {
                "contained" => counts.contained += 1,
                "unverified" => counts.unverified += 1,
                "residual" => counts.residual += 1,
                "no_principal" => counts.no_principal += 1,
                "failed" => counts.failed += 1,
                _ => {}
            }
        }
        counts.open += usize::from(work.is_open());
        counts.held += usize::from(work.is_held());
        counts.called_off += usize::from(work.is_called_off());
        let waited = work.end.map_or(0, |end| end.waited_ms);
        counts.waited_for_approval += usize::from(waited > 0);
        counts.longest_wait_ms = counts.longest_wait_ms.max(waited);
    }

    /// All of it.
    pub(super) fn group(self, target: &str, reason: &str) -> ContainmentGroup {
        let ms = |length: std::time::Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let (first, containment) = (self.counts.first_revoke.missed, self.counts.containment.missed);
        ContainmentGroup {
            target: target.to_owned(),
            reason: reason.to_owned(),
            first_revoke: Distribution::of(self.first, ms(self.goal.first_revoke), first),
            containment: Distribution::of(self.contained, ms(self.goal.containment), containment),
            ..self.counts
        }
    }
}
