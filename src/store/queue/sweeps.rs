//! Schedules sweeps: the later looks after a verdict, so that access which comes back is found.

use std::time::Duration;

use super::enqueue::NewJob;
use crate::model::{Evidence, Job, JobKind, JobState, Priority, Reason, Timestamp, Verdict};
use crate::store::{Result, Tx};

/// How much later than it is asked for a sweep after a leaver may come at most.
const LONGEST_WINDOW: Duration = Duration::from_mins(5);

impl Tx<'_> {
    /// Schedules the next sweep of the chain. The times count from the containing verdict, not from sweep to sweep. Where the last sweep of a
    /// chain found access again, a new chain begins.
    pub(super) async fn next_sweep(
        &mut self,
        job: &Job,
        verdict: &Verdict,
        evidence: &Evidence,
        (sweep, urgent): (i64, bool),
    ) -> Result<()> {
        if matches!(
            verdict,
            Verdict::NoPrincipal { .. } | Verdict::Failed { .. } | Verdict::Released { .. }
        ) {
            return Ok(());
        }
        if job.containment.leaked.is_some() && evidence.principal.is_none() {
            // Nobody is known to look after.
            return Ok(());
        }
        let mut containment = job.containment.clone();
        // The credential itself is not kept for later looks.
        containment.leaked = None;
        let number = usize::try_from(sweep).unwrap_or(usize::MAX);
        let since = match job.kind {
            JobKind::Sweep => job.contained_at.unwrap_or(self.now),
            JobKind::Contain | JobKind::Release => self.now,
        };
        let (number, since, after) = match containment.sweep(number) {
            Some(after) => (number, since, after),
            None if evidence.came_back => {
                containment.keep_out = None;
                let Some(after) = containment.sweep(0) else { return Ok(()) };
                (0, self.now, after)
            }
            None => return Ok(()),
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
        let due = due.max(self.now);
        self.enqueue(&NewJob {
            case: job.case.0,
            target: &job.target,
            kind: JobKind::Sweep,
            containment: &serde_json::to_string(&containment).unwrap_or_default(),
            priority,
            state: &JobState::Scheduled { due },
            held_due: None,
            sweep: i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1),
            approved: job.approved,
            subject_ref: &job.subject_ref,
            evidence: serde_json::to_string(&evidence.for_a_sweep()).ok(),
            chain_at: Some(since),
        })
        .await?;
        Ok(())
    }
}

/// When a sweep after a leaver comes that is asked for `after` the verdict, at `asked`: at the end of the window in which that is, together with
/// all others of the window. One reading of what concerns nobody in particular serves all of them then.
fn batched_due(asked: Timestamp, after: Duration) -> Timestamp {
    let window = i64::try_from((after / 4).min(LONGEST_WINDOW).as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    let into = asked.ms().rem_euclid(window);
    Timestamp::from_ms(if into == 0 { asked.ms() } else { asked.ms() - into + window })
}
