//! What was seen before and after, which doors are open, and which sweeps are still to come.

use std::collections::BTreeMap;

use crate::console::page::words::{Moment, visible};
use crate::model::{JobKind, Timestamp};
use crate::store::JobView;

/// How wide the bar of the largest count is.
const WIDTH: usize = 160;

/// How many grants of one kind there were at a target, and are.
pub(super) struct Counted {
    pub(super) target: String,
    pub(super) kind: String,
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) before_width: usize,
    pub(super) after_width: usize,
}

/// The jobs that contain, of each target the newest that has seen anything.
fn newest(jobs: &[JobView], is_meant: impl Fn(&JobView) -> bool) -> BTreeMap<&str, &JobView> {
    let mut newest: BTreeMap<&str, &JobView> = BTreeMap::new();
    let seen = |job: &&JobView| job.evidence.as_ref().is_some_and(|evidence| evidence.before_at.is_some());
    for job in jobs.iter().filter(seen).filter(|job| is_meant(job)) {
        let of_target = newest.entry(&job.target).or_insert(job);
        if job.id > of_target.id {
            *of_target = job;
        }
    }
    newest
}

pub(super) fn counted(jobs: &[JobView]) -> Vec<Counted> {
    let mut all = Vec::new();
    for (target, job) in newest(jobs, |job| job.kind == JobKind::Contain.word()) {
        let Some(evidence) = &job.evidence else { continue };
        for kind in evidence
            .before
            .keys()
            .chain(evidence.after.keys().filter(|kind| !evidence.before.contains_key(kind)))
        {
            let of = |counts: &BTreeMap<_, usize>| counts.get(kind).copied().unwrap_or_default();
            let (before, after) = (of(&evidence.before), of(&evidence.after));
            if before > 0 || after > 0 {
                all.push((target, kind, before, after));
            }
        }
    }
    let most = all
        .iter()
        .map(|(.., before, after)| *before.max(after))
        .max()
        .unwrap_or(1)
        .max(1);
    // What is there at all is seen.
    let width = |count: usize| if count == 0 { 0 } else { (count * WIDTH / most).max(3) };
    all.into_iter()
        .map(|(target, kind, before, after)| Counted {
            target: visible(target),
            kind: kind.word().replace('_', " "),
            before,
            after,
            before_width: width(before),
            after_width: width(after),
        })
        .collect()
}

/// What lets somebody in afresh.
pub(super) struct OpenDoor {
    pub(super) target: String,
    pub(super) says: String,
    pub(super) until: Option<Moment>,
}

pub(super) fn doors(jobs: &[JobView], now: Timestamp) -> Vec<OpenDoor> {
    let mut open = Vec::new();
    for (target, job) in newest(jobs, |_| true) {
        let doors = job.evidence.iter().flat_map(|evidence| &evidence.doors);
        // One that has closed by itself is open no more.
        let doors = doors.filter(|door| door.until.is_none_or(|until| until > now));
        open.extend(doors.map(|door| OpenDoor {
            target: visible(target),
            says: visible(&door.says.to_string()),
            until: door.until.map(|until| Moment::new(until, now)),
        }));
    }
    open
}

/// A look that is still to come.
pub(super) struct ToCome {
    pub(super) target: String,
    pub(super) at: Moment,
}

pub(super) fn to_come(jobs: &[JobView], now: Timestamp) -> Vec<ToCome> {
    let is_to_come = |job: &&JobView| job.kind == JobKind::Sweep.word() && job.state == "scheduled";
    let mut looks: Vec<(Timestamp, &JobView)> = jobs
        .iter()
        .filter(is_to_come)
        .filter_map(|job| Some((job.due?, job)))
        .collect();
    looks.sort_by_key(|(due, job)| (*due, job.id));
    let look = |(due, job): (Timestamp, &JobView)| ToCome {
        target: visible(&job.target),
        at: Moment::new(due, now),
    };
    looks.into_iter().map(look).collect()
}
