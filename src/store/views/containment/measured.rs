//! One work with its times: as its rows say them, or as the trail does; and which goals it has missed.

use std::sync::Arc;

use super::course::Course;
use super::rows::WorkRow;
use super::{Miss, NotWhole};
use crate::model::{Goal, Goals, Timestamp};

/// One row, measured.
pub(super) struct Measured {
    pub(super) row: WorkRow,
    pub(super) goal: Goal,
    pub(super) began: Timestamp,
    pub(super) first: Option<Span>,
    pub(super) end: Option<Span>,
    pub(super) course: Option<Arc<Course>>,
}

/// A time, and how much of it was a wait for a human.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) to: Timestamp,
    pub(super) ours_ms: i64,
    pub(super) waited_ms: i64,
}

/// What waits for its day, and was not tried: nothing is to be measured of it yet. What failed waits for its next attempt, and is late.
pub(super) fn is_ahead(row: &WorkRow, now: Timestamp) -> bool {
    row.is_untried && [row.acts_at, row.due].into_iter().flatten().any(|due| due > now)
}

impl Measured {
    /// As the rows say it.
    pub(super) fn by_row(row: WorkRow, goals: &Goals, now: Timestamp) -> Self {
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
    pub(super) fn by_trail(&mut self, course: Arc<Course>, now: Timestamp) {
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

    pub(super) fn verdict(&self) -> &str {
        self.row.verdict.as_deref().unwrap_or_default()
    }

    pub(super) fn is_held(&self) -> bool {
        &*self.row.job_state == "held"
    }

    pub(super) fn is_called_off(&self) -> bool {
        &*self.row.job_state == "cancelled" || (self.row.called_off || &*self.row.state == "cancelled") && self.ended_at().is_none()
    }

    pub(super) fn is_open(&self) -> bool {
        self.ended_at().is_none() && !self.is_held() && !self.is_called_off()
    }

    pub(super) fn is_to_be_asked(&self, since: Timestamp, now: Timestamp) -> bool {
        let early = [self.first, self.end].into_iter().flatten().any(|span| span.to < self.began);
        self.began < since || early || !self.missed(now).is_empty() || matches!(self.verdict(), "residual" | "unverified")
    }

    /// Whether the trail may be asked about it: what is not so is wholly told by its row.
    pub(super) fn is_for_the_trail(&self, since: Timestamp, now: Timestamp) -> bool {
        self.row.hold.is_some() || self.is_to_be_asked(since, now)
    }

    /// Whether it began from the first instant on and before the other.
    pub(super) fn began_in(&self, (since, until): (Timestamp, Timestamp)) -> bool {
        self.began >= since && self.began < until
    }

    /// Which goals were missed, how, and by which time.
    pub(super) fn missed(&self, now: Timestamp) -> Vec<(&'static str, &'static str, Span, i64)> {
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
    pub(super) fn misses(&self, now: Timestamp) -> Vec<Miss> {
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
                target: self.row.target.to_string(),
                reason: self.row.reason.to_string(),
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
    pub(super) fn not_whole(&self) -> Option<NotWhole> {
        let verdict = self
            .row
            .verdict
            .as_deref()
            .filter(|word| matches!(*word, "residual" | "unverified"))?;
        let course = self.course.as_ref()?;
        Some(NotWhole {
            case: self.row.case,
            subject: self.row.subject.clone(),
            target: self.row.target.to_string(),
            reason: self.row.reason.to_string(),
            verdict: verdict.to_owned(),
            took_ms: self.end?.ours_ms,
            entries: vec![course.end(&self.row)?],
        })
    }
}
