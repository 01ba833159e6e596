//! How long it took to end access, against the goals of the installation: by target and reason, with each miss and what the trail says of it.
//!
//! `rows` reads the cases and their work, bounded by the time that is asked for, which `measured` measures; `course` what the trail says of one of
//! them, which is asked only where a goal was missed; `sum` and `distribution` sum up.

mod course;
mod distribution;
mod measured;
mod rows;
mod sum;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::model::{Goals, Timestamp};
use crate::store::{Result, Store, StoreError, UnreadableRow};

use course::courses;
pub use distribution::Distribution;
use measured::{Measured, is_ahead};
use rows::{Words, WorkRow};
use sum::Sum;

/// How many cases the trail is asked about.
const ASKED: usize = 1000;
/// How many of a list are named.
const NAMED: usize = 200;

/// How long it took to end access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ContainmentTimes {
    /// From then on.
    pub since: Timestamp,
    /// Before then.
    pub until: Timestamp,
    /// When it was measured.
    pub at: Timestamp,
    /// How many cases began in that time.
    pub cases: usize,
    /// Each target with each reason.
    pub groups: Vec<ContainmentGroup>,
    /// What missed its goal, the newest case first.
    pub misses: Vec<Miss>,
    /// How many more did.
    pub misses_more: usize,
    /// What is not contained to the end: residual and unverified.
    pub not_whole: Vec<NotWhole>,
    /// How many more of these there are.
    pub not_whole_more: usize,
    /// Cases over a goal about which the trail was not asked, since there are too many: their times are those of the rows alone, in which a wait
    /// for a day or an earlier hold may count as ours.
    pub unasked: usize,
    /// Rows that cannot be read, and do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

/// What came of the cases of one reason at one target. A wait for a human's decision is in none of the times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ContainmentGroup {
    /// The target.
    pub target: String,
    /// The reason of the cases.
    pub reason: String,
    /// How many there are.
    pub cases: usize,
    /// From the signal, or from its day, to the first change that the target confirmed.
    pub first_revoke: Distribution,
    /// From there to the verdict `contained`. Misses also count what came to another verdict too late, failed, or is not over.
    pub containment: Distribution,
    /// Proved.
    pub contained: usize,
    /// Accepted, and cannot be listed.
    pub unverified: usize,
    /// Something lives on until a known time.
    pub residual: usize,
    /// Nobody of that name there.
    pub no_principal: usize,
    /// Could not be done.
    pub failed: usize,
    /// Not over.
    pub open: usize,
    /// Waits for a decision, and counts as no miss.
    pub held: usize,
    /// Called off.
    pub called_off: usize,
    /// How many waited for a human's decision at some time.
    pub waited_for_approval: usize,
    /// The longest such wait, in milliseconds.
    pub longest_wait_ms: i64,
}

/// A goal that was missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Miss {
    /// The case.
    pub case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// The target.
    pub target: String,
    /// The reason of the case.
    pub reason: String,
    /// `first_revoke` or `containment`.
    pub goal: &'static str,
    /// `late`, `failed` or `open`.
    pub what: &'static str,
    /// Since when it was to be ended.
    pub began_at: Timestamp,
    /// How long it took, or takes by now, without the wait for a decision.
    pub took_ms: i64,
    /// How long it waited for a decision.
    pub waited_ms: i64,
    /// How long it may take.
    pub goal_ms: i64,
    /// What held it up, as far as it is recorded.
    pub causes: Vec<String>,
    /// The entries of the trail that say so.
    pub entries: Vec<u64>,
}

/// A verdict short of `contained`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NotWhole {
    /// The case.
    pub case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// The target.
    pub target: String,
    /// The reason of the case.
    pub reason: String,
    /// `residual` or `unverified`.
    pub verdict: String,
    /// How long it took to that verdict, without the wait for a decision.
    pub took_ms: i64,
    /// The entries of the trail that say so.
    pub entries: Vec<u64>,
}

/// The work of a time.
struct Work<'g> {
    goals: &'g Goals,
    /// From when on, and before when it is to have begun.
    within: (Timestamp, Timestamp),
    now: Timestamp,
    /// How many cases are summed up, and their sums by target and reason.
    cases: usize,
    sums: BTreeMap<(Arc<str>, Arc<str>), Sum>,
    /// The work of the others: of each the trail may be asked about some.
    kept: Vec<Measured>,
}

impl Store {
    /// How long the cases took that began from `since` on and before `until`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn containment_times(&self, within: (Timestamp, Timestamp), goals: &Goals) -> Result<ContainmentTimes> {
        let (since, until) = within;
        let now = self.clock().now();
        let mut work = Work {
            goals,
            within,
            now,
            cases: 0,
            sums: BTreeMap::new(),
            kept: Vec::new(),
        };
        let unreadable = self.work_of_cases(&mut work).await?;
        let unasked = self.ask_trail(&mut work.kept, since, now).await?;
        let (kept, cases, groups) = work.summed();
        let mut misses: Vec<Miss> = kept.iter().flat_map(|work| work.misses(now)).collect();
        misses.sort_by_key(|miss| (std::cmp::Reverse(miss.case), miss.target.clone()));
        let mut not_whole: Vec<NotWhole> = kept.iter().filter_map(Measured::not_whole).collect();
        not_whole.reverse();
        let (misses_more, not_whole_more) = (misses.len().saturating_sub(NAMED), not_whole.len().saturating_sub(NAMED));
        misses.truncate(NAMED);
        not_whole.truncate(NAMED);
        Ok(ContainmentTimes {
            since,
            until,
            at: now,
            cases,
            groups,
            misses,
            misses_more,
            not_whole,
            not_whole_more,
            unasked,
            unreadable,
        })
    }

    /// Reads the cases by portions, as they stand at one moment. Answers with the rows that cannot be read.
    async fn work_of_cases(&self, work: &mut Work<'_>) -> Result<Vec<UnreadableRow>> {
        let doing = StoreError::sql("reading the work of a time");
        let mut conn = self.readers().begin().await.map_err(doing)?;
        let cases = rows::cases(&mut conn, work.within.0, work.within.1).await?;
        let (mut words, mut unreadable) = (Words::default(), Vec::new());
        for portion in cases.chunks(rows::AT_ONCE) {
            let listed = rows::work(&mut conn, portion, &mut words).await?;
            unreadable.extend(listed.unreadable);
            work.take(listed.rows);
        }
        Ok(unreadable)
    }

    /// Asks the trail about what is over a goal, is not contained to the end, was received before the time or was done before its day; then about what
    /// was held, since a hold may be about one target alone. The newest first. Answers about how many of the former it was not asked.
    async fn ask_trail(&self, measured: &mut [Measured], since: Timestamp, now: Timestamp) -> Result<usize> {
        let (mut asked, mut unasked) = (BTreeSet::new(), BTreeSet::new());
        for only_held in [false, true] {
            let mut wanted = BTreeSet::new();
            for work in measured.iter().rev().filter(|work| work.course.is_none()) {
                let is_wanted = if only_held {
                    work.row.hold.is_some()
                } else {
                    work.is_to_be_asked(since, now)
                };
                let case = work.row.case;
                if !is_wanted || wanted.contains(&case) {
                    continue;
                }
                if asked.len() < ASKED {
                    asked.insert(case);
                    wanted.insert(case);
                } else if !only_held {
                    unasked.insert(case);
                }
            }
            let courses = courses(self, &wanted).await?;
            for work in measured.iter_mut().filter(|work| work.course.is_none()) {
                let is_wanted = only_held && work.row.hold.is_some() || !only_held && work.is_to_be_asked(since, now);
                if let Some(course) = courses.get(&work.row.case).filter(|_| is_wanted) {
                    work.by_trail(Arc::clone(course), now);
                }
            }
        }
        Ok(unasked.len())
    }
}

impl Work<'_> {
    /// Takes the work of whole cases, in their order: sums up those of which the rows say all, and keeps the others.
    fn take(&mut self, rows: Vec<WorkRow>) {
        let now = self.now;
        let mut rows = rows.into_iter().filter(|row| !is_ahead(row, now)).peekable();
        let mut case = Vec::new();
        while let Some(row) = rows.next() {
            let is_last = rows.peek().is_none_or(|next| next.case != row.case);
            case.push(Measured::by_row(row, self.goals, now));
            if !is_last {
                continue;
            }
            if case.iter().any(|work| work.is_for_the_trail(self.within.0, now)) {
                self.kept.append(&mut case);
            } else {
                self.add(&case);
                case.clear();
            }
        }
    }

    /// Sums up what began in the time of a case.
    fn add(&mut self, case: &[Measured]) {
        let mut began = case.iter().filter(|work| work.began_in(self.within)).peekable();
        self.cases += usize::from(began.peek().is_some());
        for work in began {
            let of = (Arc::clone(&work.row.target), Arc::clone(&work.row.reason));
            self.sums.entry(of).or_insert_with(|| Sum::new(work.goal)).add(work, self.now);
        }
    }

    /// What was kept and began in the time, how many cases there are, and all of it summed up.
    fn summed(mut self) -> (Vec<Measured>, usize, Vec<ContainmentGroup>) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain(|work| work.began_in(self.within));
        for case in kept.chunk_by(|one, other| one.row.case == other.row.case) {
            self.add(case);
        }
        let sums = self.sums.into_iter();
        let groups = sums.map(|((target, reason), sum)| sum.group(&target, &reason)).collect();
        (kept, self.cases, groups)
    }
}
