//! Undoing a suspension that we made: on an operator's word, and only where what was rehearsed is still so.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::looks::Looks;
use super::room::Room;
use super::{Attempt, End};
use crate::model::{Action, Principal, Resolution, Subject, Verdict};
use crate::store::Releasable;
use crate::targets::Ask;
use crate::worker::revival::{Revival, TOKENS};

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
                _ => return Err(End::Hopeless(format!("the account {id} is gone"))),
            }
        }
        Ok(Verdict::Released { what: said.join("; ") })
    }

    async fn release_one(&mut self, principal: &Principal) -> Result<String, End> {
        let (looks, ask) = (Looks::new(Instant::now()), Ask::now(TOKENS.into()));
        let seen = self.observe(principal, &ask).await?;
        let mut room = Room::of(principal, seen.clone(), looks);
        self.take_in(&mut room, seen.clone());
        if !seen.suspended() {
            return Ok(format!("{} was enabled already", principal.id));
        }
        let ours = self.job().evidence.suspensions.get(&principal.id).copied();
        let Some(since) = ours.filter(|since| seen.account.suspended_at == Some(*since)) else {
            return Err(End::Hopeless(format!(
                "{} is not suspended as it was by this case: somebody has enabled and suspended it again since; what others suspended is not \
                 released",
                principal.id
            )));
        };
        let revival = Revival::of(principal, &seen);
        let rehearsed = self.job().evidence.rehearsed.as_deref().unwrap_or_default();
        let knew = |token: &str| rehearsed.split(' ').any(|one| one == token);
        if !knew(&revival.set) {
            return Err(End::Hopeless(
                "what would come back to life has changed since it was rehearsed; rehearse the release again".to_owned(),
            ));
        }
        let suspension = Releasable {
            target: self.job().target.clone(),
            suspensions: [(principal.id.clone(), since)].into(),
        };
        let store = self.context.store;
        let others = store.other_demands(self.job().case.0, &suspension, &revival.names).await;
        if let Some(other) = others.map_err(End::Store)?.iter().find(|other| !knew(&other.token())) {
            return Err(End::Hopeless(format!(
                "since it was rehearsed, {other}; rehearse the release again"
            )));
        }
        self.wave(&mut room, vec![Action::Release]).await?;
        for wait in std::iter::once(None).chain(self.context.attempt_limits.recheck_delays.iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(*wait).await?;
            }
            let ask = room.looks.ask(BTreeSet::new(), true);
            let after = self.look(&mut room, &ask).await?;
            self.take_in(&mut room, after);
            if !room.observed.suspended() {
                self.over.push(room.observed);
                return Ok(format!("{} is enabled again; {}", principal.id, revival.in_words("came")));
            }
        }
        Err(End::Remains(format!("{} is still suspended", principal.id)))
    }
}
