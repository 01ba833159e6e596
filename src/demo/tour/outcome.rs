//! What came of the tour, as a value for scripts and for the report.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::outcome::TrailLine;
use super::super::{Expectation, Place};
use crate::model::GrantKind;

/// The whole of what came of the tour.
#[derive(Debug, Clone, Serialize)]
pub struct TourOutcome {
    /// Every stop, in order.
    pub stops: Vec<StopLine>,
    /// The trail.
    pub trail: TrailLine,
    /// What was expected, and whether it held.
    pub expectations: Vec<Expectation>,
    /// Where it happened.
    pub place: Place,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Whether every expectation held.
    pub ok: bool,
}

/// One stop.
#[derive(Debug, Clone, Serialize)]
pub struct StopLine {
    /// The kind of source.
    pub kind: String,
    /// The source's name.
    pub source: String,
    /// Whom the signal was about, by username.
    pub who: String,
    /// What was sent.
    pub sent: String,
    /// What the sender was answered.
    pub answer: String,
    /// The answer that was expected.
    pub answer_expected: String,
    /// What followed; absent where nothing did within the time.
    pub came: Option<Came>,
}

/// The case that followed.
#[derive(Debug, Clone, Serialize)]
pub struct Came {
    /// Its number.
    pub case: i64,
    /// Its reason.
    pub reason: String,
    /// The reason that was expected.
    pub reason_expected: String,
    /// What was proved; absent where the case is not over.
    pub verdict: Option<String>,
    /// From the moment before sending to the verdict.
    pub sent_to_verdict_ms: Option<u64>,
    /// Grants of each kind that were listed before the first action and no more by the last look.
    pub ended: BTreeMap<GrantKind, usize>,
    /// Whether the account was suspended by the last look.
    pub suspended: bool,
}

impl StopLine {
    /// Whether the sender got the expected answer, and the verdict is what was asked for, about something that was there.
    pub(super) fn is_as_expected(&self) -> bool {
        self.answer == self.answer_expected
            && self.came.as_ref().is_some_and(|came| {
                came.reason == came.reason_expected
                    && came.verdict.as_deref() == Some("contained")
                    && came.ended.values().sum::<usize>() > 0
            })
    }
}

impl Came {
    /// `session 3, access_token 1, the account is suspended`
    #[must_use]
    pub fn ended_in_words(&self) -> String {
        let mut words: Vec<String> = self.ended.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        if words.is_empty() {
            words.push("nothing".to_owned());
        }
        if self.suspended {
            words.push("account suspended".to_owned());
        }
        words.join(", ")
    }
}
