//! How long it took to end access, against the goals of the installation: by target and reason, with each miss and what the trail says of it.
//!
//! `rows` reads the cases and their work, bounded by the time that is asked for; `course` what the trail says of one of them, which is asked only
//! where a goal was missed; `distribution` sums up.

mod course;
mod distribution;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::model::{Goal, Goals, Timestamp};
use crate::store::{Result, Store, StoreError, UnreadableRow};

use course::{Course, courses};
pub use distribution::Distribution;
use rows::WorkRow;

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

/// One row, measured.
struct Measured {
    row: WorkRow,
    goal: Goal,
    began: Timestamp,
    first: Option<Span>,
    end: Option<Span>,
    course: Option<Arc<Course>>,
}

/// A time, and how much of it was a wait for a human.
#[derive(Debug, Clone, Copy)]
struct Span {
    to: Timestamp,
    ours_ms: i64,
    waited_ms: i64,
}

impl Store {
    /// How long the cases took that began from `since` on and before `until`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn containment_times(&self, (since, until): (Timestamp, Timestamp), goals: &Goals) -> Result<ContainmentTimes> {
        let now = self.clock().now();
        let (work, unreadable) = {
            let mut conn = self
                .readers()
                .begin()
                .await
                .map_err(StoreError::sql("reading the work of a time"))?;
            let cases = rows::cases(&mut conn, since, until).await?;
            let work = rows::work(&mut conn, &cases).await?;
            (work.rows, work.unreadable)
        };
        let mut measured: Vec<Measured> = work
            .into_iter()
            .filter(|row| !is_ahead(row, now))
            .map(|row| Measured::by_row(row, goals, now))
            .collect();
        let unasked = self.ask_trail(&mut measured, since, now).await?;
        measured.retain(|work| work.began >= since && work.began < until);
        let mut groups: BTreeMap<(String, String), Vec<&Measured>> = BTreeMap::new();
        for work in &measured {
            groups
                .entry((work.row.target.clone(), work.row.reason.clone()))
                .or_default()
                .push(work);
        }
        let mut cases: Vec<i64> = measured.iter().map(|work| work.row.case).collect();
        cases.dedup();
        let mut misses: Vec<Miss> = measured.iter().flat_map(|work| work.misses(now)).collect();
        misses.sort_by_key(|miss| (std::cmp::Reverse(miss.case), miss.target.clone()));
        let mut not_whole: Vec<NotWhole> = measured.iter().filter_map(Measured::not_whole).collect();
        not_whole.reverse();
        let (misses_more, not_whole_more) = (misses.len().saturating_sub(NAMED), not_whole.len().saturating_sub(NAMED));
        misses.truncate(NAMED);
        not_whole.truncate(NAMED);
        Ok(ContainmentTimes {
            since,
            until,
            at: now,
            cases: cases.len(),
            groups: groups.into_iter().map(|(of, work)| group(of, &work, now)).collect(),
            misses,
            misses_more,
            not_whole,
            not_whole_more,
            unasked,
            unreadable,
        })
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

/// What waits for its day, and was not tried: nothing is to be measured of it yet. What failed waits for its next attempt, and is late.
fn is_ahead(row: &WorkRow, now: Timestamp) -> bool {
    row.is_untried && [row.acts_at, row.due].into_iter().flatten().any(|due| due > now)
}

impl Measured {
    /// As the rows say it.
    fn by_row(row: WorkRow, goals: &Goals, now: Timestamp) -> Self {
        let began = row.acts_at.map_or(row.received_at, |day| day.max(row.received_at));
        let held = row.hold;
        let mut work = Self {
            goal: goals.of(&row.reason),
            began,
            first: None,
            end: None,
            course: None,
            row,
        };
        work.measure(now, |from, to| {
            let overlap = |(placed, decided): (Timestamp, Option<Timestamp>)| {
                (decided.unwrap_or(now).min(to).ms() - placed.max(from).ms()).max(0)
            };
            held.map_or(0, overlap)
        });
        work
    }

    /// As the trail says it.
    fn by_trail(&mut self, course: Arc<Course>, now: Timestamp) {
        self.began = course.began(&self.row);
        let job = self.row.job;
        self.measure(now, |from, to| course.waited(job, from, to));
        self.course = Some(course);
    }

    fn measure(&mut self, now: Timestamp, waited: impl Fn(Timestamp, Timestamp) -> i64) {
        let span = |to: Timestamp| {
            let waited_ms = waited(self.began, to);
            Span {
                to,
                ours_ms: (to.ms() - self.began.ms() - waited_ms).max(0),
                waited_ms,
            }
        };
        self.first = self.row.first_revoke_at.map(span);
        self.end = Some(span(self.ended_at().unwrap_or(now)));
    }

    fn ended_at(&self) -> Option<Timestamp> {
        self.row.finished_at.filter(|_| self.row.verdict.is_some())
    }

    fn verdict(&self) -> &str {
        self.row.verdict.as_deref().unwrap_or_default()
    }

    fn is_held(&self) -> bool {
        self.row.job_state == "held"
    }

    fn is_called_off(&self) -> bool {
        self.row.job_state == "cancelled" || (self.row.called_off || self.row.state == "cancelled") && self.ended_at().is_none()
    }

    fn is_open(&self) -> bool {
        self.ended_at().is_none() && !self.is_held() && !self.is_called_off()
    }

    fn is_to_be_asked(&self, since: Timestamp, now: Timestamp) -> bool {
        let early = [self.first, self.end].into_iter().flatten().any(|span| span.to < self.began);
        self.began < since || early || !self.missed(now).is_empty() || matches!(self.verdict(), "residual" | "unverified")
    }

    /// Which goals were missed, how, and by which time.
    fn missed(&self, now: Timestamp) -> Vec<(&'static str, &'static str, Span, i64)> {
        let goal = |length: std::time::Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let (first_goal, goal) = (goal(self.goal.first_revoke), goal(self.goal.containment));
        let Some(end) = self.end else { return Vec::new() };
        let mut missed = Vec::new();
        match self.first {
            Some(first) if first.ours_ms > first_goal => missed.push(("first_revoke", "late", first, first_goal)),
            None if self.is_open() && end.ours_ms > first_goal => missed.push(("first_revoke", "open", end, first_goal)),
            _ => {}
        }
        match self.verdict() {
            "failed" => missed.push(("containment", "failed", end, goal)),
            "contained" | "residual" | "unverified" if end.ours_ms > goal => missed.push(("containment", "late", end, goal)),
            "" if self.is_open() && end.ours_ms > goal && end.to == now => missed.push(("containment", "open", end, goal)),
            _ => {}
        }
        missed
    }

    /// The misses that the trail carries.
    fn misses(&self, now: Timestamp) -> Vec<Miss> {
        let Some(course) = &self.course else { return Vec::new() };
        let named = self.missed(now).into_iter().filter_map(|(goal, what, span, goal_ms)| {
            let end = match (goal, what) {
                ("first_revoke", "late") => course.first_revoke(&self.row, span.to).or_else(|| course.end(&self.row)),
                _ => course.end(&self.row),
            };
            let mut entries: Vec<u64> = course.opening().into_iter().chain(end).collect();
            let mut causes = Vec::new();
            for cause in course.causes(&self.row, self.began, span.to) {
                causes.push(cause.says);
                entries.extend(cause.entries);
            }
            entries.sort_unstable();
            entries.dedup();
            end.map(|_| Miss {
                case: self.row.case,
                subject: self.row.subject.clone(),
                target: self.row.target.clone(),
                reason: self.row.reason.clone(),
                goal,
                what,
                began_at: self.began,
                took_ms: span.ours_ms,
                waited_ms: span.waited_ms,
                goal_ms,
                causes,
                entries,
            })
        });
        named.collect()
    }

    /// The verdict that is short of `contained`, as the trail carries it.
    fn not_whole(&self) -> Option<NotWhole> {
        let verdict = self
            .row
            .verdict
            .clone()
            .filter(|word| matches!(word.as_str(), "residual" | "unverified"))?;
        let course = self.course.as_ref()?;
        Some(NotWhole {
            case: self.row.case,
            subject: self.row.subject.clone(),
            target: self.row.target.clone(),
            reason: self.row.reason.clone(),
            verdict,
            took_ms: self.end?.ours_ms,
            entries: vec![course.end(&self.row)?],
        })
    }
}

/// Sums up the work of one reason at one target.
fn group((target, reason): (String, String), all: &[&Measured], now: Timestamp) -> ContainmentGroup {
    let count = |is: &dyn Fn(&Measured) -> bool| all.iter().filter(|work| is(work)).count();
    let by_verdict = |word: &str| count(&|work| work.verdict() == word && !work.is_called_off());
    let missed = |goal: &str| count(&|work| work.missed(now).iter().any(|missed| missed.0 == goal));
    let goal = all.first().map(|work| work.goal).unwrap_or_default();
    let ms = |length: std::time::Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    let first: Vec<i64> = all.iter().filter_map(|work| Some(work.first?.ours_ms)).collect();
    let contained = all.iter().filter(|work| work.verdict() == "contained");
    let contained: Vec<i64> = contained.filter_map(|work| Some(work.end?.ours_ms)).collect();
    let waits = || {
        all.iter()
            .filter_map(|work| Some(work.end?.waited_ms))
            .filter(|waited| *waited > 0)
    };
    ContainmentGroup {
        target,
        reason,
        cases: all.len(),
        first_revoke: Distribution::of(first, ms(goal.first_revoke), missed("first_revoke")),
        containment: Distribution::of(contained, ms(goal.containment), missed("containment")),
        contained: by_verdict("contained"),
        unverified: by_verdict("unverified"),
        residual: by_verdict("residual"),
        no_principal: by_verdict("no_principal"),
        failed: by_verdict("failed"),
        open: count(&Measured::is_open),
        held: count(&|work| work.is_held()),
        called_off: count(&Measured::is_called_off),
        waited_for_approval: waits().count(),
        longest_wait_ms: waits().max().unwrap_or(0),
    }
}
