//! A leaked credential: whose it is, and that it is refused in the end.
//!
//! It is the one case in which the proof is the credential itself. Its value is read from the store, where it is kept encrypted, for as long as
//! the attempt lasts; everything else knows its digest alone.

use super::principal_run::PrincipalRun;
use super::{Attempt, End, Resolved};
use crate::model::{Resolution, Subject, Verdict};
use crate::targets::Identified;

impl Attempt<'_> {
    /// Asks the target whose the credential is, by using it once.
    pub(super) async fn owner_of_leaked(&mut self, credential: String) -> Result<Resolved, End> {
        let kept = self.context.store.unseal(&credential).await.map_err(End::Store)?;
        let Some(kept) = kept else {
            return Err(End::Unrevocable(format!(
                "the leaked credential {credential} is kept no longer (for seven days at most, and not where it is the one that revoked itself \
                 uses); hand it in again with revoked leaked"
            )));
        };
        let identified = self.call(self.context.target.identify(&self.call_context, &kept)).await?;
        self.credential = Some(kept);
        match identified {
            Identified::Alive(principal) => {
                self.evidence.refused_at = None;
                Ok(Resolved::Those(vec![principal]))
            }
            Identified::Refused { .. } | Identified::SwitchedOff(..) if self.has_named_its_owner() => {
                self.evidence.refused_at = Some(self.context.store.clock().now());
                self.owner_by_now().await
            }
            Identified::Refused { proves } => {
                self.evidence.refused_at = Some(self.context.store.clock().now());
                Ok(Resolved::Nobody(proves.to_owned()))
            }
            Identified::SwitchedOff(kind, why) => Err(End::Proved(Verdict::Unverified {
                kinds: [(kind, why.to_owned())].into(),
                open: None,
            })),
            Identified::Ours => {
                // It works, and it stays: nothing but harm could come of keeping it.
                self.context.store.wipe_sealed(credential).await.map_err(End::Store)?;
                Err(End::Unrevocable(
                    "the leaked credential is the credential that revoked itself uses here: make another for it, put that into its file, and \
                     hand this one in again"
                        .to_owned(),
                ))
            }
        }
    }

    /// Whether an earlier attempt of this job has begun to end it, and so knows whose it was.
    fn has_named_its_owner(&self) -> bool {
        self.job().acted && self.evidence.principals().next().is_some()
    }

    /// Whose a credential was that an earlier attempt has ended.
    async fn owner_by_now(&mut self) -> Result<Resolved, End> {
        let known: Vec<String> = self.evidence.principals().map(str::to_owned).collect();
        let mut principals = Vec::with_capacity(known.len());
        for id in known {
            if let Resolution::One(principal) = self
                .call(self.context.target.resolve(&self.call_context, &Subject::Opaque(id)))
                .await?
            {
                principals.push(principal);
            }
        }
        Ok(Resolved::Those(principals))
    }

    /// Uses the credential again: what of it still works, or `None` where it is refused, or the case is about none.
    pub(super) async fn leaked_still_works(&mut self, run: &mut PrincipalRun<'_>) -> Result<Option<String>, End> {
        if !run.progress.leaked_is_alive {
            return Ok(None);
        }
        let Some(credential) = self.credential.clone() else {
            return Ok(None);
        };
        let waits = self.context.attempt_limits.recheck_delays.clone();
        for wait in std::iter::once(None).chain(waits.into_iter().map(Some)) {
            if let Some(wait) = wait {
                self.pause(wait).await?;
            }
            if matches!(
                self.call(self.context.target.identify(&self.call_context, &credential))
                    .await?,
                Identified::Refused { .. } | Identified::SwitchedOff(..)
            ) {
                run.progress.leaked_is_alive = false;
                self.evidence.refused_at = Some(self.context.store.clock().now());
                self.evidence
                    .note("the credential itself was refused when it was tried again");
                return Ok(None);
            }
            if !run.progress.acted {
                break;
            }
        }
        Ok(Some("the leaked credential still works".to_owned()))
    }
}
