//! Opens a case with a job for each target that its playbook names.

use std::sync::Arc;

use super::accept_context::{AcceptContext, DecidedSignal};
use super::entries;
use super::new_job::{NewJob, initial_state};
use crate::model::{CaseId, JobKind, JobState};
use crate::policy::Work;
use crate::store::columns::written;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Opens a case with its jobs, or joins the signal to the case that is open already for the same person and playbook.
    pub(super) async fn open_case(
        &mut self,
        context: &mut AcceptContext<'_>,
        new: &DecidedSignal<'_>,
        work: &Work,
        hold: Option<i64>,
    ) -> Result<CaseId> {
        self.record(&entries::signal_accepted(new, work));
        let scope = written("the scope of a case", &new.signal.scope)?;
        if let Some(case) = self.coalesce(context, new, work, &scope, hold).await? {
            return Ok(case);
        }
        let case = sqlx::query(
            "INSERT INTO cases (subject_ref, reason, playbook, scope, priority, state, source, requested_by, note, batch, hold, received_at, \
                                lowered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.reference)
        .bind(new.signal.reason.word())
        .bind(&work.playbook)
        .bind(&scope)
        .bind(work.priority.0)
        .bind(if hold.is_some() { "held" } else { "open" })
        .bind(&new.delivery.source)
        .bind(&new.signal.requested_by)
        .bind(&new.signal.note)
        .bind(new.batch)
        .bind(hold)
        .bind(new.delivery.received_at.ms())
        .bind(work.lowered.as_ref().map(ToString::to_string))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("opening a case"))?
        .last_insert_rowid();
        self.link_signal(new.signal_id, case).await?;
        self.record(&entries::case_opened(new, case, work));
        if let Some(batch) = &context.kept_back {
            self.keep_case_back(case, batch).await?;
        }
        for (target, containment) in &work.jobs {
            let (state, offer) = match (hold, work.due.filter(|due| *due > self.now)) {
                (Some(_), _) => (JobState::Held, None),
                (None, Some(due)) => (JobState::Scheduled { due }, None),
                (None, None) => initial_state(&mut context.slots, target, work.priority, self.now),
            };
            let job = self
                .enqueue(&NewJob {
                    case,
                    target,
                    kind: JobKind::Contain,
                    containment: &written("a containment", containment)?,
                    priority: work.priority,
                    state: &state,
                    held_due: work.due.filter(|_| hold.is_some()),
                    sweep: 0,
                    approved: false,
                    subject_ref: new.reference,
                    evidence: None,
                    chain_at: None,
                })
                .await?;
            match state {
                JobState::Running { lease } => {
                    let certain = offer.and_then(|offer| containment.certain_action(&offer.able));
                    for mut claim in self.claimed(&[job], &lease).await? {
                        // It is looked at because of this signal, whatever else is stored meanwhile.
                        Arc::make_mut(&mut claim.job).evidence.after_signal = Some(new.signal_id);
                        if let Some(action) = &certain {
                            claim.intended = Some(self.intend(&claim.job, action).await?);
                        }
                        context.claims.push(claim);
                    }
                }
                JobState::Queued if !context.targets.contains(target) => context.targets.push(target.clone()),
                _ => {}
            }
        }
        self.plan_departure(new, case).await?;
        Ok(CaseId(case))
    }
}
