//! What must never be acted on, looked at again with the account that the target itself names.

use crate::model::{Job, Principal, PrincipalTrait, Scope, Subject};
use crate::policy::Policy;

/// Has the last word before the first action of an attempt. The intake has looked at the subject already; here the target's own names of
/// the account are known too.
pub trait Guard: Send + Sync {
    /// Whether the job may act on this principal. The text of a refusal becomes the reason of a hold; it must not name the person.
    ///
    /// # Errors
    /// Why not. A job that a human has approved ([`Job::approved`]) is given up on a refusal instead of held again, so a guard that only
    /// wants a human's word lets it pass.
    fn admit(&self, job: &Job, principal: &Principal) -> Result<(), String>;

    /// Whether the job's person may be asked for by this name, beside others. Where no name may be, a human has let the job pass.
    fn may_lead(&self, _name: &Subject) -> bool {
        true
    }

    /// Whether all accounts are contained where the subject fits more than one, instead of holding the job for a human.
    fn all_of_several(&self, job: &Job) -> bool {
        job.approved
    }
}

impl Guard for Policy {
    fn may_lead(&self, name: &Subject) -> bool {
        Self::may_lead(self, name)
    }

    fn admit(&self, job: &Job, principal: &Principal) -> Result<(), String> {
        match self.principal_allowed(principal, &job.containment) {
            Err(reason) if reason.is_final() || !job.approved => Err(reason.to_string()),
            _ => Ok(()),
        }
    }

    fn all_of_several(&self, job: &Job) -> bool {
        job.approved || self.takes_all(job.reason)
    }
}

/// What holds at every target and whatever a guard says: never the account whose credential is in use, never the last administrator.
pub(super) fn never(job: &Job, principal: &Principal) -> Result<(), String> {
    if principal.traits.contains(&PrincipalTrait::Ourselves) {
        return Err(format!(
            "it is the account that revoked itself uses at {}: acting on it would lock revoked out; give the target another credential first",
            job.target
        ));
    }
    // A password that nobody knows locks the last administrator out as surely as a suspension does.
    let resets = job.containment.reset_password && job.containment.scope == Scope::Everything;
    if (job.containment.blocks() || resets) && principal.traits.contains(&PrincipalTrait::LastAdmin) {
        return Err(format!(
            "it is the last active administrator of {}: locking it out would leave nobody in charge; appoint another one first",
            job.target
        ));
    }
    Ok(())
}
