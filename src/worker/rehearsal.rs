//! Rehearse: the plan for a subject at a target, as an attempt would make it now. Reads only.

use serde::Serialize;

use super::attempt::{Who, resolve};
use crate::model::{Access, Action, Containment, Principal, Progress, Subject};
use crate::targets::{Pass, Target, TargetError};

/// What an attempt would find and do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// The accounts that the subject means there; empty where nobody is there or it is unclear who is meant.
    pub accounts: Vec<Rehearsed>,
    /// Why there is no account to show: nobody of that name, or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nobody: Option<String>,
    /// What the target cannot end or see.
    pub not_covered: Vec<String>,
}

/// What would be done about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsed {
    /// Which one, and what is special about it.
    pub principal: Principal,
    /// What it can reach now.
    pub access: Access,
    /// What would be sent, in order.
    pub actions: Vec<Action>,
}

/// Resolves, observes and plans; changes nothing at the target and nothing in the store. Where the subject fits several accounts, an
/// attempt would hold the job; here the answer says so.
///
/// # Errors
/// Where the target cannot be asked.
pub async fn rehearse(
    target: &dyn Target,
    pass: &Pass,
    containment: &Containment,
    subject: &Subject,
) -> Result<Rehearsal, TargetError> {
    let (principals, nobody) = match resolve(target, pass, subject, false).await? {
        Who::Those(principals) => (principals, None),
        Who::Nobody(why) | Who::Nameless(why) | Who::Unclear(why) => (Vec::new(), Some(why)),
    };
    let mut accounts = Vec::with_capacity(principals.len());
    for principal in principals {
        let access = target.observe(pass, &principal, &containment.kinds()).await?;
        accounts.push(Rehearsed {
            actions: containment.plan(&access, &target.capabilities(), Progress::default()),
            principal,
            access,
        });
    }
    Ok(Rehearsal {
        accounts,
        nobody,
        not_covered: target.capabilities().not_covered,
    })
}
