//! What the trail says of how a case came to its verdict at a target: since when it was to be ended, how long it waited for a human, and what
//! held it up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::rows::WorkRow;
use crate::model::Timestamp;
use crate::store::{Result, Store};

/// An entry, as far as it is asked here.
#[derive(Debug, Clone, Deserialize)]
struct Told {
    seq: u64,
    at: i64,
    kind: String,
    case: Option<i64>,
    job: Option<i64>,
    #[serde(default)]
    detail: Value,
}

impl Told {
    fn number(&self, member: &str) -> Option<i64> {
        self.detail[member].as_i64()
    }

    fn text(&self, member: &str) -> &str {
        self.detail[member].as_str().unwrap_or_default()
    }
}

/// What the entries of one case say.
#[derive(Debug, Clone, Default)]
pub(super) struct Course(Vec<Told>);

/// Something that cost time, with the entries that say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) says: String,
    pub(super) entries: Vec<u64>,
}

/// How many entries of a case are kept, the oldest.
const KEPT: usize = 5000;
/// Of how many cases the entries are read at once.
const AT_ONCE: usize = 50;

/// What the entries of these cases say, of each: cases that came together stand in the same blocks, which are read once for all of them.
pub(super) async fn courses(store: &Store, cases: &BTreeSet<i64>) -> Result<BTreeMap<i64, Arc<Course>>> {
    let cases: Vec<i64> = cases.iter().copied().collect();
    let mut found = BTreeMap::new();
    for portion in cases.chunks(AT_ONCE) {
        let mut courses: BTreeMap<i64, Course> = portion.iter().map(|case| (*case, Course::default())).collect();
        for body in store.trail_of_cases(portion).await? {
            let Ok(told) = serde_json::from_str::<Told>(&body) else {
                continue;
            };
            let course = told.case.and_then(|case| courses.get_mut(&case));
            if let Some(course) = course.filter(|course| course.0.len() < KEPT) {
                course.0.push(told);
            }
        }
        found.extend(courses.into_iter().map(|(case, course)| (case, Arc::new(course))));
    }
    Ok(found)
}

impl Course {
    /// From when on it was to be ended: its receipt, or its day, unless something more urgent has come before that.
    pub(super) fn began(&self, row: &WorkRow) -> Timestamp {
        let opened = self.0.iter().find(|entry| entry.kind == "case.opened");
        let due = row.acts_at.map(Timestamp::ms).or_else(|| opened?.number("due"));
        let Some(due) = due.filter(|due| *due > row.received_at.ms()) else {
            return row.received_at;
        };
        let sooner = self.0.iter().find(|entry| entry.kind == "job.due").map(|entry| entry.at);
        Timestamp::from_ms(sooner.map_or(due, |sooner| sooner.min(due)))
    }

    /// How long of the time between two instants a job waited for a human's decision, in milliseconds. A hold that an attempt has asked for is about its
    /// job alone.
    pub(super) fn waited(&self, job: i64, from: Timestamp, to: Timestamp) -> i64 {
        let mut waited = 0;
        let mut since = None;
        let mut add = |since: i64, until: i64| waited += (until.min(to.ms()) - since.max(from.ms())).max(0);
        for entry in &self.0 {
            match entry.kind.as_str() {
                "hold.placed" if entry.job.is_none_or(|held| held == job) => since = since.or(Some(entry.at)),
                // Let go on, or called off.
                "job.enqueued" if entry.number("hold").is_some() => {
                    if let Some(since) = since.take() {
                        add(since, entry.at);
                    }
                }
                "case.cancelled" | "case.called_off" => {
                    if let Some(since) = since.take() {
                        add(since, entry.at);
                    }
                }
                _ => {}
            }
        }
        if let Some(since) = since {
            add(since, to.ms());
        }
        waited
    }

    /// The entry that says that the case began.
    pub(super) fn opening(&self) -> Option<u64> {
        self.0.iter().find(|entry| entry.kind == "case.opened").map(|entry| entry.seq)
    }

    /// The last entry that says how the work of a row ended; of work that is not over, the last about it.
    pub(super) fn end(&self, row: &WorkRow) -> Option<u64> {
        let of_job = || self.0.iter().filter(|entry| entry.job == Some(row.job));
        let over = of_job().rfind(|entry| matches!(entry.kind.as_str(), "job.settled" | "job.failed"));
        let open = !matches!(&*row.job_state, "done" | "failed");
        let last = if open { of_job().next_back() } else { over };
        last.map(|entry| entry.seq)
    }

    /// The entry that says that a target has confirmed the first change.
    pub(super) fn first_revoke(&self, row: &WorkRow, at: Timestamp) -> Option<u64> {
        let told = |entry: &&Told| {
            entry.job == Some(row.job)
                && (entry.number("answered_at") == Some(at.ms()) || entry.number("first_revoke_at") == Some(at.ms()))
        };
        self.0.iter().find(told).map(|entry| entry.seq)
    }

    /// What held the work up until an instant, as far as it is recorded.
    pub(super) fn causes(&self, row: &WorkRow, from: Timestamp, to: Timestamp) -> Vec<Cause> {
        let during = |entry: &&Told| entry.job == Some(row.job) && entry.at <= to.ms();
        let of = |kind: &'static str| self.0.iter().filter(during).filter(move |entry| entry.kind == kind);
        let cited = |entries: &[&Told]| -> Vec<u64> {
            // The first and the last bear it out.
            let ends = entries.first().into_iter().chain(entries.last());
            let mut cited: Vec<u64> = ends.map(|entry| entry.seq).collect();
            cited.dedup();
            cited
        };
        let mut causes = Vec::new();
        let retried: Vec<&Told> = of("job.retried").collect();
        if let Some(last) = retried.last() {
            causes.push(Cause {
                says: format!("{} failed, the last: {}", times(retried.len(), "attempt"), last.text("error")),
                entries: cited(&retried),
            });
        }
        if let Some(failed) = of("job.failed").next_back() {
            causes.push(Cause {
                says: format!("could not be done: {}", failed.text("error")),
                entries: vec![failed.seq],
            });
        }
        let snoozed: Vec<&Told> = of("job.snoozed").collect();
        if !snoozed.is_empty() {
            let says = format!(
                "waited {} for the target: its rate limit, or a pause",
                times(snoozed.len(), "time")
            );
            causes.push(Cause {
                says,
                entries: cited(&snoozed),
            });
        }
        let cut: Vec<&Told> = self.0.iter().filter(during).filter(|entry| is_cut(entry)).collect();
        if !cut.is_empty() {
            causes.push(Cause {
                says: format!("{} cut off by a stop of the daemon", times(cut.len(), "attempt")),
                entries: cited(&cut),
            });
        }
        causes.extend(self.queued(row, from, to));
        causes
    }

    /// How long the work stood in the queue before its first attempt, where that was most of the time.
    fn queued(&self, row: &WorkRow, from: Timestamp, to: Timestamp) -> Option<Cause> {
        let claimed = self
            .0
            .iter()
            .find(|entry| entry.job == Some(row.job) && entry.kind == "job.claimed");
        let until = claimed.map_or(to.ms(), |entry| entry.at.min(to.ms()));
        let (queued, all) = (
            until - from.ms() - self.waited(row.job, from, Timestamp::from_ms(until)),
            to.ms() - from.ms(),
        );
        let entries: Vec<u64> = claimed.map(|entry| entry.seq).into_iter().chain(self.opening()).collect();
        (queued * 2 > all).then(|| Cause {
            says: format!("stood {} s in the queue of its target", queued / 1000),
            entries,
        })
    }
}

fn is_cut(entry: &Told) -> bool {
    matches!(entry.kind.as_str(), "job.interrupted" | "job.lease_expired")
}

/// `1 attempt`, `3 attempts`
fn times(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
