//! What came of the tour, as a value for scripts and for the report.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::outcome::TrailLine;
use super::super::{Expectation, Place};
use super::everywhere::Everywhere;
use crate::model::GrantKind;

/// The whole of what came of the tour.
#[derive(Debug, Clone, Serialize)]
pub struct TourOutcome {
    /// Every scenario, in order.
    pub stops: Vec<ScenarioLine>,
    /// One person who was contained at several targets by one request.
    pub everywhere: Everywhere,
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

/// One scenario.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioLine {
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
    pub came: Option<ResultingCase>,
    /// Whether the sender is told what was proved.
    pub told_expected: bool,
    /// What the sender was told.
    pub told: Option<ToldBack>,
}

/// What a sender was told back, as security event tokens say it.
#[derive(Debug, Clone, Serialize)]
pub struct ToldBack {
    /// The event, by its last word.
    pub event: String,
    /// The address of the person whom it is about.
    pub subject: String,
    /// Whether it says that sessions are revoked, and is signed by a key that we publish.
    pub stands: bool,
    /// From the moment before sending to its arrival.
    pub sent_to_told_ms: u64,
}

/// The case that followed.
#[derive(Debug, Clone, Serialize)]
pub struct ResultingCase {
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

impl ScenarioLine {
    /// Whether the sender got the expected answer, the verdict is what was asked for, about something that was there, and the sender was
    /// told so where it is to be.
    pub(super) fn is_as_expected(&self) -> bool {
        let told = self.told.as_ref();
        let told =
            !self.told_expected || told.is_some_and(|told| told.stands && told.subject.starts_with(&format!("{}@", self.who)));
        told && self.answer == self.answer_expected
            && self.came.as_ref().is_some_and(|came| {
                came.reason == came.reason_expected
                    && came.verdict.as_deref() == Some("contained")
                    && came.ended.values().sum::<usize>() > 0
            })
    }
}

impl ResultingCase {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> ScenarioLine {
        ScenarioLine {
            kind: "ssf-push".to_owned(),
            source: "idp".to_owned(),
            who: "user01".to_owned(),
            sent: "an event".to_owned(),
            answer: "202 Accepted".to_owned(),
            answer_expected: "202 Accepted".to_owned(),
            came: Some(ResultingCase {
                case: 1,
                reason: "compromised".to_owned(),
                reason_expected: "compromised".to_owned(),
                verdict: Some("contained".to_owned()),
                sent_to_verdict_ms: Some(7),
                ended: BTreeMap::from([(GrantKind::Session, 2)]),
                suspended: true,
            }),
            told_expected: true,
            told: Some(ToldBack {
                event: "session-revoked".to_owned(),
                subject: "user01@example.test".to_owned(),
                stands: true,
                sent_to_told_ms: 9,
            }),
        }
    }

    #[test]
    fn a_stop_is_as_expected_only_where_everything_is() {
        assert!(line().is_as_expected());
        let spoilt: [fn(&mut ScenarioLine); 9] = [
            |line| line.answer = "400 Bad Request: no".to_owned(),
            |line| line.came = None,
            |line| line.came.as_mut().unwrap().reason = "logout".to_owned(),
            |line| line.came.as_mut().unwrap().verdict = None,
            |line| line.came.as_mut().unwrap().verdict = Some("unverified".to_owned()),
            |line| line.came.as_mut().unwrap().ended.clear(),
            |line| line.told = None,
            |line| line.told.as_mut().unwrap().stands = false,
            |line| line.told.as_mut().unwrap().subject = "user011@example.test".to_owned(),
        ];
        for (n, spoil) in spoilt.into_iter().enumerate() {
            let mut line = line();
            spoil(&mut line);
            assert!(!line.is_as_expected(), "{n}");
        }
    }

    #[test]
    fn what_ended_reads_well() {
        let mut came = line().came.unwrap();
        assert_eq!(came.ended_in_words(), "session 2, account suspended");
        came.ended.clear();
        came.suspended = false;
        assert_eq!(came.ended_in_words(), "nothing");
    }
}
