//! Undoing a suspension that we made: on an operator's word, and only where what was rehearsed is still so.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::freshness::Freshness;
use super::principal_run::PrincipalRun;
use super::{Attempt, End};
use crate::model::{Action, Principal, Resolution, Subject, Verdict};
use crate::store::Releasable;
use crate::targets::ObservationRequest;
use crate::worker::reactivation::{REACTIVATED_KINDS, Reactivation};

impl Attempt<'_> {
    /// Enables the account again that the case has suspended.
    pub(super) async fn release(&mut self) -> Result<Verdict, End> {
        let ids: Vec<String> = self.evidence.principals().map(str::to_owned).collect();
        let mut said = Vec::with_capacity(ids.len());
        for id in ids {
            match self
                .call(self.context.target.resolve(&self.call_context, &Subject::Opaque(id.clone())))
                .await?
            {
                Resolution::One(principal) => said.push(self.release_one(&principal).await?),
                _ => return Err(End::Unrevocable(format!("the account {id} is gone"))),
            }
        }
        Ok(Verdict::Released { what: said.join("; ") })
    }

    async fn release_one(&mut self, principal: &Principal) -> Result<String, End> {
        let (freshness, ask) = (
            Freshness::new(Instant::now()),
            ObservationRequest::now(REACTIVATED_KINDS.into()),
        );
        let seen = self.observe(principal, &ask).await?;
        let mut run = PrincipalRun::of(principal, seen.clone(), freshness);
        self.take_in(&mut run, seen.clone());
        if !seen.suspended() {
            return Ok(format!("{} was enabled already", principal.id));
        }
        let ours = self.job().evidence.suspensions.get(&principal.id).copied();
        let Some(since) = ours.filter(|since| seen.account.suspended_at == Some(*since)) else {
            return Err(End::Unrevocable(format!(
                "{} is not suspended as it was by this case: somebody has enabled and suspended it again since; what others suspended is not \
                 released",
                principal.id
            )));
        };
        let reactivation = Reactivation::of(principal, &seen);
        let rehearsed = self.job().evidence.rehearsed.as_deref().unwrap_or_default();
        let knew = |token: &str| rehearsed.split(' ').any(|one| one == token);
        if !knew(&reactivation.set) {
            return Err(End::Unrevocable(
                "what would come back to life has changed since it was rehearsed; rehearse the release again".to_owned(),
            ));
        }
        let suspension = Releasable {
            target: self.job().target.clone(),
            suspensions: [(principal.id.clone(), since)].into(),
        };
        let store = self.context.store;
        let others = store.other_demands(self.job().case.0, &suspension, &reactivation.names).await;
        if let Some(other) = others.map_err(End::Store)?.iter().find(|other| !knew(&other.token())) {
            return Err(End::Unrevocable(format!(
                "since it was rehearsed, {other}; rehearse the release again"
            )));
        }
        self.apply_all(&mut run, vec![Action::Release]).await?;
        for wait in std::iter::once(None).chain(self.context.attempt_limits.recheck_delays.iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(*wait).await?;
            }
            let ask = run.freshness.ask(BTreeSet::new(), true);
            let after = self.look(&mut run, &ask).await?;
            self.take_in(&mut run, after);
            if !run.observed.suspended() {
                self.over.push(run.observed);
                return Ok(format!(
                    "{} is enabled again; {}",
                    principal.id,
                    reactivation.in_words("came")
                ));
            }
        }
        Err(End::StillPresent(format!("{} is still suspended", principal.id)))
    }
}
