//! Rehearsal (dry run): the plan for a subject at a target, as an attempt would make it now. Reads only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attempt::{Resolved, resolve};
use super::protection::exempt_actions;
use super::reactivation::{REACTIVATED_KINDS, Reactivation};
use crate::model::{
    Access, Action, Containment, Door, DoorKind, GrantKind, Principal, Progress, Resolution, Scope, Sentence, Subject,
};
use crate::targets::{CallContext, ObservationRequest, Target, TargetError};

/// What an attempt would find and do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The accounts that the subject means there; empty where nobody is there or it is unclear who is meant.
    pub accounts: Vec<Rehearsed>,
    /// Why there is no account to show: nobody of that name, or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nobody: Option<String>,
    /// What the target cannot end or see.
    pub not_covered: Vec<Sentence>,
}

/// What would be done about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// Which one, and what is special about it.
    pub principal: Principal,
    /// What it can reach now.
    pub access: Access,
    /// What would be sent, in order.
    pub actions: Vec<Action>,
    /// What would be left undone whatever is demanded, and why.
    pub spared: Vec<(Action, String)>,
    /// What would still let somebody in afresh.
    pub doors: Vec<Door>,
}

/// Resolves, observes and plans; changes nothing at the target called `name` and nothing in the store. Where the subject fits several
/// accounts, an attempt would hold the job; here the answer says so.
///
/// # Errors
/// Where the target cannot be asked.
pub async fn rehearse(
    (name, target): (&str, &dyn Target),
    context: &CallContext,
    containment: &Containment,
    subject: &Subject,
) -> Result<Rehearsal, TargetError> {
    let (principals, nobody) = match resolve(target, context, subject, false).await? {
        Resolved::Those(principals) => (principals, None),
        Resolved::Nobody(why) | Resolved::Nameless(why) | Resolved::Unclear(why) => (Vec::new(), Some(why)),
    };
    let mut accounts = Vec::with_capacity(principals.len());
    for principal in principals {
        let mut kinds = containment.kinds(&target.capabilities());
        if containment.scope == Scope::AllSessions {
            kinds.insert(GrantKind::AccessToken);
        }
        let ask = ObservationRequest {
            kinds,
            account: false,
            since: BTreeMap::new(),
        };
        let access = target.observe(context, &principal, &ask).await?;
        let exempt = exempt_actions(name, &principal);
        let mut actions = containment.plan(&access, &target.capabilities(), &Progress::default());
        let (undone, done): (Vec<_>, Vec<_>) = actions
            .drain(..)
            .partition(|action| exempt.iter().any(|(exempt, _)| exempt == action));
        accounts.push(Rehearsed {
            doors: doors(containment, &access, &done),
            spared: exempt.into_iter().filter(|(action, _)| undone.contains(action)).collect(),
            actions: done,
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

/// What would still let somebody in once the actions are done.
fn doors(containment: &Containment, access: &Access, actions: &[Action]) -> Vec<Door> {
    let mut doors = containment.session_sources(access);
    doors.extend(access.doors().iter().cloned());
    if actions.contains(&Action::ResetPassword) {
        doors.retain(|door| door.door != DoorKind::OwnPassword);
    }
    if actions.contains(&Action::Suspend) {
        // A suspended account is not signed in to with a password, old or new.
        doors.retain(|door| !matches!(door.door, DoorKind::OwnPassword | DoorKind::ResetLink));
    }
    doors
}

/// What enabling the account of this id again would bring back; `None` where it is not suspended as it was at `suspended_at`.
///
/// # Errors
/// Where the target cannot be asked.
pub async fn rehearse_release(
    target: &dyn Target,
    context: &CallContext,
    id: &str,
    suspended_at: crate::model::Timestamp,
) -> Result<Option<Reactivation>, TargetError> {
    let Resolution::One(principal) = target.resolve(context, &Subject::Opaque(id.to_owned())).await? else {
        return Ok(None);
    };
    let access = target
        .observe(context, &principal, &ObservationRequest::now(REACTIVATED_KINDS.into()))
        .await?;
    let ours = access.suspended() && access.account.suspended_at == Some(suspended_at);
    Ok(ours.then(|| Reactivation::of(&principal, &access)))
}
