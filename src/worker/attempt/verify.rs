//! Verifies: what the second observation proves (the verdict), and what is still to be done.

use std::collections::{BTreeMap, BTreeSet};

use super::principal_run::PrincipalRun;
use super::unreached::unreached;
use super::{Attempt, End};
use crate::model::{Action, GrantKind, PasswordReset, Remaining, Verdict};
use crate::targets::ObservationRequest;

/// What a second look came to.
pub(super) enum Verification {
    /// Nothing is left to do, and this is proved.
    Holds(Verdict),
    /// Something is left, and another round may help.
    StillPresent(String),
    /// Something is left, and there is nothing to send against it.
    Unrevocable(String),
}

impl Attempt<'_> {
    /// Looks again at everything that may have changed since it was looked at. A list that still holds what the target said it ended may lag,
    /// so it gets a few more looks; anything that is new goes round again at once.
    pub(super) async fn verify(&mut self, run: &mut PrincipalRun<'_>, kinds: &BTreeSet<GrantKind>) -> Result<Verification, End> {
        if let Some(what) = Box::pin(self.leaked_still_works(run)).await? {
            return Ok(Verification::StillPresent(what));
        }
        let mut ask = run.freshness.stale(kinds);
        let mut waits = self.context.attempt_limits.recheck_delays.iter();
        loop {
            if let Some(ask) = &ask {
                let seen = self.look(run, ask).await?;
                let missing = unreached(&seen);
                self.take_in(run, seen);
                if let Some(error) = missing {
                    return Err(End::Failed(error));
                }
            }
            run.access = run.observed.clone();
            let verdict = self
                .claim
                .job
                .containment
                .verdict(&run.before, &run.access, &self.capabilities(), &run.progress);
            let left = match verdict {
                Ok(verdict) => return Ok(self.judge(run, verdict)),
                Err(left) => left,
            };
            match waits.next().filter(|_| lags(run, &left)) {
                Some(wait) => self.pause(*wait).await?,
                None => return Ok(self.still_there(run, &left)),
            }
            ask = Some(ObservationRequest {
                kinds: left.grants.iter().map(|name| name.kind).collect(),
                account: left.open,
                since: BTreeMap::new(),
            });
        }
    }

    /// A sweep's one look, where nothing came back.
    pub(super) fn verdict_at_once(&mut self, run: &PrincipalRun<'_>) -> Result<Verdict, End> {
        let verdict = self
            .claim
            .job
            .containment
            .verdict(&run.before, &run.access, &self.capabilities(), &run.progress);
        verdict.map_err(|left| End::Unrevocable(self.why_unrevocable(&left.to_string())))
    }

    /// A good verdict stands only when nothing is left to send: a block that was confirmed late means another round of revoking, and what
    /// an observation cannot show must have been accepted.
    fn judge(&self, run: &PrincipalRun<'_>, verdict: Verdict) -> Verification {
        let plan = self.plan(run);
        if !plan.is_empty() {
            let what: Vec<String> = plan.iter().map(Action::to_string).collect();
            return Verification::StillPresent(format!("still to do: {}", what.join(", ")));
        }
        let containment = &self.claim.job.containment;
        let refused = |wanted: fn(&Action) -> bool| self.refused.iter().find(|(action, _)| wanted(action));
        if containment.resets(&run.access)
            && containment.reset_password == PasswordReset::Always
            && let Some((_, why)) = refused(|action| matches!(action, Action::ResetPassword))
        {
            return Verification::Unrevocable(format!("the password could not be reset: {why}"));
        }
        let unseen = refused(|action| {
            matches!(
                action,
                Action::EndAllSessions | Action::EndAll { .. } | Action::ClearCaches | Action::Silence
            )
        });
        let of = |action: &Action| action.kind().unwrap_or(GrantKind::Session);
        match (verdict, unseen) {
            // The lists are empty, but whether every node knows is not.
            (Verdict::Contained | Verdict::Residual { .. }, Some((action, why))) => Verification::Holds(Verdict::Unverified {
                kinds: [(of(action), why.clone())].into(),
                open: None,
            }),
            (Verdict::Unverified { mut kinds, open }, Some((action, why))) => {
                kinds.entry(of(action)).or_insert_with(|| why.clone());
                Verification::Holds(Verdict::Unverified { kinds, open })
            }
            (verdict, _) => Verification::Holds(verdict),
        }
    }

    fn still_there(&self, run: &PrincipalRun<'_>, left: &Remaining) -> Verification {
        let what = left.to_string();
        if self.plan(run).is_empty() {
            Verification::Unrevocable(self.why_unrevocable(&what))
        } else {
            Verification::StillPresent(what)
        }
    }

    fn why_unrevocable(&self, what: &str) -> String {
        let mut text = what.to_owned();
        for (action, why) in &self.refused {
            text = format!("{text}; {action} was refused: {why}");
        }
        if self.refused.is_empty() {
            text.push_str("; this target cannot end that");
        }
        text
    }
}

/// Whether all that is left is what the target said it had done.
fn lags(run: &PrincipalRun<'_>, left: &Remaining) -> bool {
    (!left.open || run.suspend_sent) && left.grants.iter().all(|name| run.reported_ended.contains(name))
}
