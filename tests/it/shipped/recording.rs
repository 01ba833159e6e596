//! What a stand-in replays: the answers of `tests/fixtures/described/NAME.json`, each with the request that it belongs to.
//!
//! An answer may depend on what was done before: it counts `after` a mark that another answer `marks`. So one file holds a server before and
//! after each end.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::request_pattern::{Asked, RequestPattern};

/// One file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    /// Whether it was recorded, or after which pages it was written.
    pub(super) source: String,
    /// The keys of a config that belong to it.
    pub(super) config: Map<String, Value>,
    /// A subject that is there.
    pub(super) found: String,
    /// Another name of the same account.
    pub(super) also: Option<String>,
    /// A subject that is another account.
    pub(super) other: String,
    /// A subject that is not there.
    pub(super) nobody: String,
    /// The request that fetches a token.
    pub(super) exchange: Option<String>,
    /// What a server says to a credential that it does not know.
    pub(super) wrong_token: Answer,
    /// What it says where a path leads nowhere.
    pub(super) wrong_url: Answer,
    /// What it says to a credential of few rights: these before all others.
    #[serde(default)]
    few_rights: Vec<Exchange>,
    /// How it says that we ask too often, each with how long we are to wait.
    pub(super) limited: Vec<Limited>,
    answers: Vec<Exchange>,
}

/// A refusal of a rate limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limited {
    /// Seconds.
    pub(super) wait: u64,
    pub(super) answer: Answer,
}

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    on: String,
    body: Option<Value>,
    /// Marks that must be set: all of `a+b`, any of `a|b`.
    after: Option<String>,
    /// The mark that it sets; a star is what the path's last star stood for.
    pub(super) marks: Option<String>,
    pub(super) answer: Answer,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    /// The recording and the step that it was taken from; none where it was written.
    recorded: Option<String>,
}

impl Recording {
    pub(super) fn of(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/described/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The answer to a request, and the mark that it sets.
    pub(super) fn answer(&self, asked: &Asked, marks: &BTreeSet<String>, few_rights: bool) -> Option<(Answer, Option<String>)> {
        let overlay = if few_rights { self.few_rights.as_slice() } else { &[] };
        overlay.iter().chain(&self.answers).find_map(|exchange| {
            let star = RequestPattern::parse(&exchange.on, exchange.body.clone()).star(asked)?;
            let filled = |mark: &String| mark.replace('*', &star);
            let counts = exchange.after.as_ref().is_none_or(|after| {
                let after = filled(after);
                match after.split_once('|') {
                    Some((one, other)) => marks.contains(one) || marks.contains(other),
                    None => after.split('+').all(|mark| marks.contains(mark)),
                }
            });
            counts.then(|| (exchange.answer.clone(), exchange.marks.as_ref().map(filled)))
        })
    }

    /// The accounts of the first search at this place that found any.
    pub(super) fn somebody(&self, items: &str) -> Option<Value> {
        let mut lists = self
            .answers
            .iter()
            .filter_map(|exchange| exchange.answer.json.as_ref()?.pointer(items));
        lists
            .find(|list| list.as_array().is_some_and(|found| !found.is_empty()))
            .cloned()
    }

    /// Whether it tells what a credential of few rights gets.
    pub(super) fn knows_few_rights(&self) -> bool {
        !self.few_rights.is_empty()
    }

    /// How many of its answers were recorded on a real server.
    pub(super) fn recorded(&self) -> usize {
        self.answers
            .iter()
            .filter(|exchange| exchange.answer.recorded.is_some())
            .count()
    }

    /// The answer to a credential that it does not know.
    pub(super) fn is_exchange(&self, asked: &Asked) -> bool {
        self.exchange
            .as_ref()
            .is_some_and(|on| RequestPattern::parse(on, None).star(asked).is_some())
    }
}
