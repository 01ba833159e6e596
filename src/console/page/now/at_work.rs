//! Cases at work, the most urgent first, and what could not be revoked.

use crate::console::page::words::{Moment, person, span, visible};
use crate::model::{Goals, Priority, Timestamp};
use crate::store::{CaseAtWork, JobView, WorkAt};

/// A case at work.
pub(super) struct AtWork {
    pub(super) id: i64,
    pub(super) subject: String,
    pub(super) reason: String,
    pub(super) urgent: bool,
    pub(super) received: Moment,
    /// Where its jobs stand, a sentence each.
    pub(super) stands: Vec<String>,
    /// The goal that it is over, in words.
    pub(super) over: Option<String>,
}

impl AtWork {
    pub(super) fn new(case: &CaseAtWork, goals: &Goals, now: Timestamp) -> Self {
        let goal = goals.of(&case.reason).containment;
        let urgent = case.priority == Priority::URGENT.0;
        Self {
            id: case.case,
            subject: person(case.subject.as_deref()),
            reason: visible(&case.reason),
            urgent,
            received: Moment::new(case.received_at, now),
            stands: case.at.iter().map(|at| stands(at, now)).collect(),
            // Others may wait for their day.
            over: (urgent && now.since(case.received_at) > goal).then(|| span(goal)),
        }
    }
}

/// Where a job stands.
fn stands(at: &WorkAt, now: Timestamp) -> String {
    let target = visible(&at.target);
    let begins = match (at.state.as_str(), at.due) {
        ("running", _) => format!("{target}: at work"),
        (_, Some(due)) if at.state == "scheduled" => format!("{target}: again {}", Moment::new(due, now).away),
        _ => format!("{target}: waits"),
    };
    match &at.error {
        Some(error) => format!("{begins}; attempt {} failed: {}", at.attempt, visible(error)),
        None => begins,
    }
}

/// What could not be revoked, and is tried once an hour.
pub(super) struct LedgerLine {
    pub(super) case: i64,
    pub(super) target: String,
    pub(super) why: String,
    pub(super) attempts: u32,
    pub(super) since: Option<Moment>,
}

impl LedgerLine {
    pub(super) fn new(job: &JobView, now: Timestamp) -> Self {
        Self {
            case: job.case,
            target: visible(&job.target),
            why: visible(job.error.as_deref().unwrap_or("nothing is recorded")),
            attempts: job.attempt,
            since: job.finished_at.map(|at| Moment::new(at, now)),
        }
    }
}
