//! Schedules sweeps: the later looks after a verdict, so that access which comes back is found.

use std::time::Duration;

use super::evidence_row;
use super::new_job::NewJob;
use crate::model::{Evidence, Job, JobKind, JobState, Priority, Reason, Timestamp, Verdict};
use crate::store::Result;
use crate::store::columns::written;

/// How much later than it is asked for a sweep after a leaver may come at most.
const LONGEST_WINDOW: Duration = Duration::from_mins(5);

/// The next sweep of a chain.
pub(super) struct NextSweep {
    containment: String,
    priority: Priority,
    state: JobState,
    number: i64,
    evidence: String,
    since: Timestamp,
}

impl NextSweep {
    /// The next sweep after a job's verdict, at `now`, if there is one. The times count from the containing verdict, not from sweep to sweep.
    /// Where the last sweep of a chain found access again, a new chain begins. `sweep` is the job's own number, `urgent` whether its case is.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub(super) fn after(
        job: &Job,
        verdict: &Verdict,
        evidence: &Evidence,
        (sweep, urgent): (i64, bool),
        now: Timestamp,
    ) -> Result<Option<Self>> {
        if matches!(
            verdict,
            Verdict::NoPrincipal { .. } | Verdict::Failed { .. } | Verdict::Released { .. }
        ) {
            return Ok(None);
        }
        if job.containment.leaked.is_some() && evidence.principal.is_none() {
            // Nobody is known to look after.
            return Ok(None);
        }
        let number = usize::try_from(sweep).unwrap_or(usize::MAX);
        let since = match job.kind {
            JobKind::Sweep => job.contained_at.unwrap_or(now),
            JobKind::Contain | JobKind::Release => now,
        };
        let next = job.containment.sweep(number);
        if next.is_none() && !evidence.came_back {
            return Ok(None);
        }
        let mut containment = job.containment.clone();
        // The credential itself is not kept for later looks.
        containment.leaked = None;
        let (number, since, after) = if let Some(after) = next {
            (number, since, after)
        } else {
            containment.keep_out = None;
            let Some(after) = containment.sweep(0) else {
                return Ok(None);
            };
            (0, now, after)
        };
        // A sweep that comes late (the daemon was down) does not bunch with the next: at least now.
        let priority = if job.reason == Reason::Compromised || urgent {
            // Whoever broke in once may be back: that look must not wait behind the leavers.
            // A compromise that has joined a case of another reason has made it urgent.
            Priority::PROMPT
        } else {
            Priority::SWEEP
        };
        let asked = since.plus(after);
        let due = if priority == Priority::SWEEP {
            batched_due(asked, after)
        } else {
            asked
        };
        Ok(Some(Self {
            containment: written("the demands of a sweep", &containment)?,
            priority,
            state: JobState::Scheduled { due: due.max(now) },
            number: i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1),
            evidence: evidence_row::of_new_job(&evidence.for_a_sweep())?,
            since,
        }))
    }

    /// The job that it is, after `job`.
    pub(super) fn job<'a>(&'a self, job: &'a Job) -> NewJob<'a> {
        NewJob {
            case: job.case.0,
            target: &job.target,
            kind: JobKind::Sweep,
            containment: &self.containment,
            priority: self.priority,
            state: &self.state,
            held_due: None,
            sweep: self.number,
            approved: job.approved,
            subject_ref: &job.subject_ref,
            evidence: Some(&self.evidence),
            chain_at: Some(self.since),
        }
    }
}

/// When a sweep after a leaver comes that is asked for `after` the verdict, at `asked`: at the end of the window in which that is, together with
/// all others of the window. One reading of what concerns nobody in particular serves all of them then.
fn batched_due(asked: Timestamp, after: Duration) -> Timestamp {
    let window = i64::try_from((after / 4).min(LONGEST_WINDOW).as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    let into = asked.ms().rem_euclid(window);
    Timestamp::from_ms(if into == 0 {
        asked.ms()
    } else {
        asked.ms().saturating_sub(into).saturating_add(window)
    })
}
