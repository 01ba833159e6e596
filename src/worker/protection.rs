//! Protected accounts: who must not be acted on, decided again with the account that the target itself names, and which actions are spared.

use crate::model::{Action, HeldFor, Job, Principal, PrincipalTrait, Scope, Subject};
use crate::policy::{CurrentPolicy, HoldReason, Policy};

/// Why a human must decide before an account is acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the hold; it must not name the person.
    pub why: String,
    /// The group of people that asks for it, where one does.
    pub held_for: Option<HeldFor>,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, held_for: None }
    }
}

impl From<HoldReason> for Refusal {
    fn from(reason: HoldReason) -> Self {
        Self {
            why: reason.to_string(),
            held_for: reason.held_for().cloned(),
        }
    }
}

/// Has the last word before the first action of an attempt. The intake has looked at the subject already; here the target's own names of
/// the account are known too.
pub trait Protection: Send + Sync {
    /// Whether the job may act on this principal.
    ///
    /// # Errors
    /// Why not. A job that a human has approved ([`Job::approved`]) is given up on a refusal instead of held again, so a guard that only
    /// wants a human's word lets it pass.
    fn admit(&self, job: &Job, principal: &Principal) -> Result<(), Refusal>;

    /// Whether the job's person may be asked for by this name, beside others. Where no name may be, a human has let the job pass.
    fn may_identify(&self, _name: &Subject) -> bool {
        true
    }

    /// Whether all accounts are contained where the subject fits more than one, instead of holding the job for a human.
    fn contains_all_of_several(&self, job: &Job) -> bool {
        job.approved
    }
}

impl Protection for Policy {
    fn may_identify(&self, name: &Subject) -> bool {
        Self::may_identify(self, name)
    }

    fn admit(&self, job: &Job, principal: &Principal) -> Result<(), Refusal> {
        match self.principal_allowed(principal, &job.subject, &job.containment) {
            Err(reason) if !job.approved => Err(reason.into()),
            _ => Ok(()),
        }
    }

    fn contains_all_of_several(&self, job: &Job) -> bool {
        job.approved || self.takes_all(job.reason)
    }
}

/// Each question is answered by the policy of its moment.
impl Protection for CurrentPolicy {
    fn may_identify(&self, name: &Subject) -> bool {
        self.now().may_identify(name)
    }

    fn admit(&self, job: &Job, principal: &Principal) -> Result<(), Refusal> {
        self.now().admit(job, principal)
    }

    fn contains_all_of_several(&self, job: &Job) -> bool {
        self.now().contains_all_of_several(job)
    }
}

/// What holds at every target and whatever a guard says: never the account whose credential is in use. One leaked credential of that account
/// may be ended all the same: it is another one than that in use, or the target refuses.
///
/// # Errors
/// Why nothing is done. No approval helps, so no human is asked: it is a failure, which is tried again once an hour.
pub(super) fn refuse_own_account(job: &Job, principal: &Principal) -> Result<(), String> {
    if principal.traits.contains(&PrincipalTrait::Ourselves) && job.containment.scope != Scope::Leaked {
        return Err(format!(
            "it is the account that revoked itself uses at {}: acting on it would lock revoked out; give the target another credential first",
            job.target
        ));
    }
    Ok(())
}

/// The changes that are not made to this account at `target` whatever is demanded, each with why and what helps. Everything else is done.
#[must_use]
pub fn exempt_actions(target: &str, principal: &Principal) -> Vec<(Action, String)> {
    let mut exempt = Vec::new();
    if principal.traits.contains(&PrincipalTrait::OwnsUs) {
        let why = format!(
            "it owns the bot that revoked acts as at {target}, and its suspension would disable that bot; give the bot to another account"
        );
        exempt.push((Action::Suspend, why));
    }
    if principal.traits.contains(&PrincipalTrait::LastAdmin) {
        let why =
            format!("it is the last active administrator of {target}, and nobody would be left in charge; appoint another one");
        // A password that nobody knows locks the last administrator out as surely as a suspension does.
        exempt.extend([Action::Suspend, Action::ResetPassword].map(|action| (action, why.clone())));
    }
    exempt
}
