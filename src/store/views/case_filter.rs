//! Which cases a list shows.

use sqlx::{QueryBuilder, Sqlite};

use crate::model::Timestamp;

/// Which cases a list shows: those that fit everything that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// In one of these states; in any where there is none.
    pub states: Vec<String>,
    /// Closed with one of these verdicts.
    pub verdicts: Vec<String>,
    /// Opened for one of these reasons.
    pub reasons: Vec<String>,
    /// By a signal of this source.
    pub source: Option<String>,
    /// With work at this target.
    pub target: Option<String>,
    /// Received then or later.
    pub since: Option<Timestamp>,
    /// Received before then.
    pub until: Option<Timestamp>,
    /// Looked after by this login.
    pub owner: Option<String>,
    /// About this person, by every reference that has stood for it.
    pub subject_refs: Option<Vec<String>>,
    /// Or one of these, whoever they are about.
    pub or_cases: Vec<i64>,
    /// Older than this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl CaseFilter {
    /// Appends the conditions on `cases c`.
    pub(super) fn push_to(&self, query: &mut QueryBuilder<Sqlite>) {
        query.push(" WHERE true");
        if !self.states.is_empty() {
            // As the index `case_listed` says it.
            query.push(" AND c.id > 0 AND c.state");
            push_any(query, &self.states);
        }
        for (column, words) in [(" AND c.verdict", &self.verdicts), (" AND c.reason", &self.reasons)] {
            if !words.is_empty() {
                query.push(column);
                push_any(query, words);
            }
        }
        for (column, word) in [(" AND c.source = ", &self.source), (" AND c.owner = ", &self.owner)] {
            if let Some(word) = word {
                query.push(column).push_bind(word.clone());
            }
        }
        if let Some(before) = self.before {
            query.push(" AND c.id < ").push_bind(before);
        }
        if let Some(target) = &self.target {
            query
                .push(" AND EXISTS (SELECT 1 FROM job j WHERE j.case_id = c.id AND j.target = ")
                .push_bind(target.clone())
                .push(")");
        }
        for (column, at) in [(" AND c.received_at >= ", self.since), (" AND c.received_at < ", self.until)] {
            if let Some(at) = at {
                query.push(column).push_bind(at.ms());
            }
        }
        let Some(references) = &self.subject_refs else { return };
        query.push(" AND (c.subject_ref");
        push_any(query, references);
        if !self.or_cases.is_empty() {
            query.push(" OR c.id IN (");
            let mut list = query.separated(", ");
            for case in &self.or_cases {
                list.push_bind(*case);
            }
            query.push(")");
        }
        query.push(")");
    }
}

/// `= word`, or `IN (…)` for several; for none what nothing is.
fn push_any(query: &mut QueryBuilder<Sqlite>, words: &[String]) {
    if let [word] = words {
        query.push(" = ").push_bind(word.clone());
        return;
    }
    query.push(" IN (");
    let mut list = query.separated(", ");
    for word in words {
        list.push_bind(word.clone());
    }
    query.push(")");
}
